/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>
#include <string.h>

#include <rte_telemetry.h>

#define VERBS_MAX  12
#define PARAMS_LEN 1024 // DPDK cuts a request at 1,023 bytes
#define KEY_PARAM  ",key="

struct command {
	const char *path;
	const char *help; // at most 63 characters
	wr_ctl_show_fn show;
	const char *params; // keys that `show` knows
	wr_ctl_act_fn act;
	const char *verbs[VERBS_MAX]; // of `act`; parameters of an acting command begin with one
	bool waits;                   // asks workers: runs without the lock
};

static const struct command commands[] = {
	{"/weir/status", "Instance: version, level, sessions, readiness", wr_show_status, ""},
	{"/weir/services", "Services. Parameters: cursor,service=", wr_show_services, "service"},
	{"/weir/pools", "Pools. Parameters: cursor,pool=", wr_show_pools, "pool"},
	{"/weir/backends", "Backends. Par.: cursor,pool=,backend=POOL/NAME,state=,detail=1",
		wr_show_backends, "pool backend state detail"},
	{"/weir/latency", "Times by backend, as quantiles. Par.: cursor,pool=,backend=",
		wr_show_latency, "pool backend"},
	{"/weir/conns", "Sessions. Par.: cursor,service=,backend=,stalled=1,peer=,id=",
		wr_show_conns, "service backend stalled peer id", .waits = true},
	{"/weir/queues", "Queues, fullest first. Parameters: cursor,worker=,queue=", wr_show_queues,
		"worker queue"},
	{"/weir/pressure", "Levels of workers and services under pressure, and gates",
		wr_show_pressure, ""},
	{"/weir/recorder", "Flight recorder. Par.: cursor,worker=,saved=1,since=AT_US",
		wr_show_recorder, "worker saved since"},
	{"/weir/limits", "Limits and their use. Parameters: cursor,service=", wr_show_limits,
		"service"},
	{"/weir/clients", "Clients with limits. Parameters: cursor,service=", wr_show_clients,
		"service"},
	{"/weir/admission",
		"Gates. Par.: worker=,service=. Act: level= refuse= admit=", wr_show_admission,
		"worker service", wr_act_admission, {"level", "refuse", "refuse_all", "admit"}},
	{"/weir/access", "Access rules. Par.: service=. Act: deny= allow= class= remove=",
		wr_show_access, "service", wr_act_access,
		{"deny", "deny!", "force_deny", "allow", "class", "remove"}},
	{"/weir/drops", "Drops by reason. Parameters: cursor,worker=,all=1", wr_show_drops,
		"worker all"},
	{"/weir/ledger", "Ledgers. Parameters: cursor,worker=,walk=1", wr_show_ledger,
		"worker walk", .waits = true},
	{"/weir/workers", "Workers. Parameters: cursor", wr_show_workers, ""},
	{"/weir/counters", "Counters. Parameters: cursor,worker=,all=1", wr_show_counters,
		"worker all"},
	{"/weir/ports", "Ports. Parameters: cursor", wr_show_ports, ""},
	{"/weir/events", "Events. Parameters: cursor,since=ID,last=N,kind=", wr_show_events,
		"since last kind"},
	{"/weir/log", "Lines for ended sessions: written, lost, where to", wr_show_log, ""},
	{"/weir/neighbours", "Neighbours. Parameters: cursor", wr_show_neighbours, ""},
	{"/weir/config", "Configuration in force, as YAML lines. Parameters: show", wr_show_config,
		""},
	{"/weir/config/history", "Configurations since the start. Parameters: cursor",
		wr_show_history, ""},
	{"/weir/config/diff", "What a configuration changed. Par.: id=N, or file=1: reload would",
		wr_show_diff, "file id"},
	{"/weir/config/reload", "Act: reload=now, or reload=SECONDS to confirm within",
		.act = wr_act_reload, .verbs = {"reload"}, .waits = true},
	{"/weir/config/confirm", "Act: confirm=ID", .act = wr_act_confirm_config,
		.verbs = {"confirm"}, .waits = true},
	{"/weir/config/rollback", "Act: rollback=previous, or rollback=ID", .act = wr_act_rollback,
		.verbs = {"rollback"}, .waits = true},
	{"/weir/backend",
		"Act: drain= enable= disable= weight= limit= add= remove=", .act = wr_act_backend,
		.verbs = {"drain", "enable", "disable", "weight", "limit", "add", "remove",
			"force_drain", "force_disable", "force_weight", "force_remove"}},
	{"/weir/capture", "Captures. Act: start=KEY=VALUE;... stop=ID remove=ID", wr_show_capture,
		"", wr_act_capture, {"start", "stop", "remove"}, .waits = true},
	{"/weir/tunnels", "Encrypted paths to backends. Parameters: cursor,tunnel=",
		wr_show_tunnels, "tunnel"},
	{"/weir/ipsec", "IPsec associations. Parameters: cursor,tunnel=,worker=", wr_show_ipsec,
		"tunnel worker"},
	{"/weir/ipsec/rekey", "Act: tunnel=NAME: read its key file again", .act = wr_act_rekey,
		.verbs = {"tunnel"}},
	{"/weir/conn", "Act: kill=WORKER.ID", .act = wr_act_conn, .verbs = {"kill"}, .waits = true},
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

// DPDK 22.11 calls a command's function without any pointer of ours, and cannot unregister it: the
// process has one control side that telemetry can reach, and this is the way to it. The lock keeps
// it alive while a telemetry thread is inside.
static struct {
	pthread_rwlock_t lock;
	struct wr_ctl *ctl;
	bool registered;
} gate = {.lock = PTHREAD_RWLOCK_INITIALIZER};

static const struct command *find(const char *path)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		if (strcmp(commands[i].path, path) == 0)
			return &commands[i];
	return NULL;
}

static void list_verbs(const struct command *cmd, char *out, size_t len)
{
	out[0] = '\0';
	for (size_t i = 0; i < VERBS_MAX && cmd->verbs[i] != NULL; i++) {
		size_t used = strlen(out);

		snprintf(out + used, len - used, "%s%s=", i > 0 ? ", " : "", cmd->verbs[i]);
	}
}

// The verb that parameters begin with, or NULL.
static const char *verb_of(const struct command *cmd, const char *params)
{
	const char *equal = params != NULL ? strchr(params, '=') : NULL;

	for (size_t i = 0; equal != NULL && i < VERBS_MAX && cmd->verbs[i] != NULL; i++)
		if ((size_t)(equal - params) == strlen(cmd->verbs[i]) &&
			memcmp(params, cmd->verbs[i], (size_t)(equal - params)) == 0)
			return cmd->verbs[i];
	return NULL;
}

// "verb=argument", and nothing else: DPDK's threads can swap the parameters of concurrent clients,
// and a swapped one must not act.
static void run_act(
	struct wr_ctl *c, const struct command *cmd, const char *params, struct wr_reply *r)
{
	const char *verb = verb_of(cmd, params);
	char known[160];

	if (verb != NULL) {
		cmd->act(c, verb, strchr(params, '=') + 1, r);
		return;
	}
	list_verbs(cmd, known, sizeof(known));
	wr_reply_error(r, "repeat the request with one of the verbs in front",
		"unknown verb in '%.64s': %s takes %s", params != NULL ? params : "", cmd->path,
		known);
}

void wr_ctl_bad_param(struct wr_reply *r, const struct wr_err *err, const char *allowed)
{
	char remedy[160];

	snprintf(remedy, sizeof(remedy), "parameters are a cursor%s%s, separated by commas",
		allowed[0] != '\0' ? " and key=value for the keys: " : " alone", allowed);
	wr_reply_error(r, remedy, "%s", err->text);
}

static void run_show(
	struct wr_ctl *c, const struct command *cmd, const char *text, struct wr_reply *r)
{
	struct wr_params p;
	struct wr_err err = {0};

	// The configuration's only verb reads, and may be left out.
	if (cmd->show == wr_show_config && text != NULL && text[0] > '9') {
		if (strcmp(text, "show") != 0) {
			wr_reply_error(r, "ask for /weir/config or /weir/config,show",
				"unknown verb in '%.64s': %s takes show", text, cmd->path);
			return;
		}
		text = NULL;
	}
	if (wr_params_parse(&p, text, cmd->params, &err) != 0) {
		wr_ctl_bad_param(r, &err, cmd->params);
		return;
	}
	// Tables with cursors of their own look at p->cursor.
	if (cmd->show != wr_show_conns && cmd->show != wr_show_events &&
		cmd->show != wr_show_recorder && cmd->show != wr_show_clients)
		r->cursor = p.cursor;
	cmd->show(c, &p, r);
}

// Cut the key off, so that nothing behind this can show it. The key, or "".
static const char *cut_key(char *params)
{
	char *at = strstr(params, KEY_PARAM);
	char *key;

	if (at == NULL)
		return "";
	key = at + strlen(KEY_PARAM);
	*at = '\0';
	return key;
}

// In a time that does not tell how much of it was right.
static bool same_key(const char *ours, const char *given)
{
	uint8_t differ = 0;

	if (strlen(ours) != WR_CTL_KEY_LEN || strlen(given) != WR_CTL_KEY_LEN)
		return false;
	for (size_t i = 0; i < WR_CTL_KEY_LEN; i++)
		differ |= (uint8_t)(ours[i] ^ given[i]);
	return differ == 0;
}

// Reading needs no key. False: refused, said. Lock held.
static bool may_act(struct wr_ctl *c, const char *key, struct wr_reply *r)
{
	char remedy[320];

	if (c->conf->runtime.act_group[0] == '\0' || same_key(c->act_key, key))
		return true;
	snprintf(remedy, sizeof(remedy),
		"ask with weirctl as root or as a member of group %s (runtime.act_group), who may "
		"read the key file: it puts the key behind the request by itself",
		c->conf->runtime.act_group);
	wr_reply_error(r, remedy, "acting needs the key of this instance, and %s; nothing was done",
		key[0] == '\0' ? "none was given" : "the one given is not it");
	return false;
}

static void run_locked(struct wr_ctl *c, const struct command *cmd, const char *params,
	const char *key, struct wr_reply *r)
{
	// A table that can be acted on: what begins with a verb acts, all else reads.
	bool acts = cmd->act != NULL && (cmd->show == NULL || verb_of(cmd, params) != NULL);
	bool may;

	if (cmd->waits)
		pthread_mutex_lock(&c->lock);
	may = !acts || may_act(c, key, r);
	if (cmd->waits)
		pthread_mutex_unlock(&c->lock);
	if (!may)
		return;
	if (acts)
		run_act(c, cmd, params, r);
	else
		run_show(c, cmd, params, r);
}

static void run(struct wr_ctl *c, const struct command *cmd, const char *params, struct wr_reply *r)
{
	char text[PARAMS_LEN];
	const char *key = "";

	if (params != NULL && strlen(params) >= sizeof(text)) {
		wr_reply_error(r, "ask for less at once", "parameters longer than %zu characters",
			sizeof(text) - 1);
		return;
	}
	if (params != NULL) {
		memcpy(text, params, strlen(params) + 1);
		if (cmd->act != NULL)
			key = cut_key(text);
		params = text;
	}
	if (!cmd->waits)
		pthread_mutex_lock(&c->lock);
	run_locked(c, cmd, params, key, r);
	if (!cmd->waits)
		pthread_mutex_unlock(&c->lock);
}

// Every command of ours, in a thread of DPDK's.
static int handle(const char *path, const char *params, struct rte_tel_data *d)
{
	const struct command *cmd = find(path);
	struct wr_reply r;

	if (cmd == NULL)
		return -ENOENT;
	if (wr_reply_begin(&r, 0)) {
		pthread_rwlock_rdlock(&gate.lock);
		if (gate.ctl != NULL)
			run(gate.ctl, cmd, params, &r);
		else
			wr_reply_error(&r, "start it again, or ask another instance",
				"this instance is stopping or not started yet");
		pthread_rwlock_unlock(&gate.lock);
	}
	return wr_reply_finish(&r, d);
}

static int register_all(struct wr_err *err)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++) {
		int rc = rte_telemetry_register_cmd(commands[i].path, handle, commands[i].help);

		if (rc != 0)
			return wr_err_set(err, -rc,
				"telemetry command %s was not taken by DPDK: %s", commands[i].path,
				strerror(-rc));
	}
	return 0;
}

int wr_ctl_commands_attach(struct wr_ctl *c, struct wr_err *err)
{
	int rc = 0;

	pthread_rwlock_wrlock(&gate.lock);
	if (gate.ctl != NULL)
		rc = wr_err_set(err, EBUSY,
			"this process has a control side already; telemetry reaches only one");
	if (rc == 0 && !gate.registered)
		rc = register_all(err);
	if (rc == 0) {
		gate.registered = true;
		gate.ctl = c;
	}
	pthread_rwlock_unlock(&gate.lock);
	return rc;
}

void wr_ctl_commands_detach(struct wr_ctl *c)
{
	pthread_rwlock_wrlock(&gate.lock);
	if (gate.ctl == c)
		gate.ctl = NULL;
	pthread_rwlock_unlock(&gate.lock);
}
