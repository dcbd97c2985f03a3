/* SPDX-License-Identifier: BSD-3-Clause */
#include "act.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"

#define SECONDS_MAX (366ULL * 86400)
#define ANYWHERE    "all" // of --service, where rules are concerned

// Options that a command takes.
#define TAKES_RULE    0x01 // --service and --for, in this order behind the target
#define TAKES_TIME    0x02 // --for
#define TAKES_BACKEND 0x04 // --weight, --priority, --limit
#define TAKES_CONFIRM 0x08 // --confirm

struct act_command {
	const char *name;
	const char *usage; // arguments and options
	const char *help;
	const char *path;
	const char *verb;
	int count; // arguments
	unsigned int takes;
	const char *target; // instead of an argument
};

static const struct act_command commands[] = {
	{"drain", "POOL/NAME [--for TIME]", "no new sessions to a backend; what is left then ends",
		"/weir/backend", "drain", 1, TAKES_TIME},
	{"disable", "POOL/NAME", "no new sessions to a backend, and no checks", "/weir/backend",
		"disable", 1},
	{"enable", "POOL/NAME", "new sessions again", "/weir/backend", "enable", 1},
	{"weight", "POOL/NAME N", "weight from 0 to 256", "/weir/backend", "weight", 2},
	{"limit", "POOL[/NAME] N", "connections at the same time, of all workers; 0: no limit",
		"/weir/backend", "limit", 2},
	{"add", "POOL/NAME ADDRESS [--weight N] [--priority N] [--limit N]",
		"a new backend, until the file is loaded again", "/weir/backend", "add", 2,
		TAKES_BACKEND},
	{"remove", "POOL/NAME [--for TIME]", "drain a backend and forget it", "/weir/backend",
		"remove", 1, TAKES_TIME},
	{"reload", "[--confirm TIME]", "the file again; taken back unless confirmed in time",
		"/weir/config/reload", "reload", 0, TAKES_CONFIRM, "now"},
	{"confirm", "[ID]", "a configuration that waits for it stays", "/weir/config/confirm",
		"confirm", 1},
	{"rollback", "[ID]", "the configuration before, or one of config history",
		"/weir/config/rollback", "rollback", 0, 0, "previous"},
	{"rollback", NULL, NULL, "/weir/config/rollback", "rollback", 1},
	{"rekey", "TUNNEL", "new keys of a tunnel, from its key file; also: ipsec --rekey TUNNEL",
		"/weir/ipsec/rekey", "tunnel", 1},
	{"kill", "WORKER.ID", "reset a connection, by its id in conns", "/weir/conn", "kill", 1},
	{"level", "SERVICE|all N", "hold a pressure level from 0 to 4; auto: by the queues again",
		"/weir/admission", "level", 2},
	{"refuse", "SERVICE|all CLASS", "refuse new connections of this class and worse",
		"/weir/admission", "refuse", 2},
	{"admit", "SERVICE|all", "no class is refused by order any more", "/weir/admission",
		"admit", 1},
	{"deny", "PREFIX", "refuse new connections from there", "/weir/access", "deny", 1,
		TAKES_RULE},
	{"allow", "PREFIX", "an exception inside a wider deny", "/weir/access", "allow", 1,
		TAKES_RULE},
	{"class", "PREFIX SERVICE|all CLASS", "connections from there have this class, 0 first",
		"/weir/access", "class", 3, TAKES_RULE},
	{"undeny", "PREFIX", "take back a rule that was given by hand", "/weir/access", "remove", 1,
		TAKES_RULE},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

bool act_words(size_t n, struct act_words *out)
{
	for (size_t i = 0; i < COMMANDS; i++) {
		// One of several forms has the words.
		if (commands[i].usage == NULL || n-- > 0)
			continue;
		*out = (struct act_words){commands[i].name, commands[i].usage, commands[i].help};
		return true;
	}
	return false;
}

uint64_t act_seconds(const char *text)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	char *end;
	unsigned long value;

	if (text == NULL)
		return 0;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || value > SECONDS_MAX ||
		(end[0] != '\0' && end[1] != '\0'))
		return 0;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (units[i].unit == end[0] && value * units[i].seconds <= SECONDS_MAX)
			return value * units[i].seconds;
	return 0;
}

static const struct act_command *find(const char *name, int count)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0 && commands[i].count == count)
			return &commands[i];
	return NULL;
}

// What is easily done and dearly paid.
static void warn(const struct act_command *cmd, char **args, struct act_request *out)
{
	if (strcmp(cmd->name, "level") != 0)
		return;
	if (strcmp(args[2], "4") == 0)
		snprintf(out->warning, sizeof(out->warning),
			"level P4 of %.64s refuses every new connection but class 0, until level "
			"%.64s auto; established sessions go on",
			args[1], args[1]);
	if (strcmp(args[2], "0") == 0)
		snprintf(out->warning, sizeof(out->warning),
			"level P0 of %.64s switches every reaction to its queues off, until level "
			"%.64s auto; queues that fill then overflow",
			args[1], args[1]);
}

// Verbs that say that the asker knows what he does.
static void confirm(const struct act_command *cmd, char **args, struct act_request *out)
{
	if (strcmp(cmd->name, "deny") == 0)
		out->verb = "deny!";
	if (strcmp(cmd->name, "refuse") == 0 && strcmp(args[2], "0") == 0)
		out->verb = "refuse_all";
}

static bool add(struct act_request *out, const char *between, const char *text)
{
	size_t used = strlen(out->text);

	return (size_t)snprintf(out->text + used, sizeof(out->text) - used, "%s%s", between, text) <
	       sizeof(out->text) - used;
}

// "600s" of --for, as backends take it.
static int add_time(const struct act_command *cmd, const char *time, struct act_request *out,
	struct wr_err *err)
{
	char seconds[24];

	if (strcmp(time, "never") == 0)
		return add(out, ",", time) ? EXIT_OK : EXIT_USAGE;
	if (act_seconds(time) == 0)
		return -wr_err_set(err, EXIT_USAGE,
			"--for of %s takes a time as 90, 30s, 10m, 2h, 1d or never, not %.32s",
			cmd->name, time);
	snprintf(seconds, sizeof(seconds), "%" PRIu64 "s", act_seconds(time));
	return add(out, ",", seconds) ? EXIT_OK : EXIT_USAGE;
}

// Service and time of a rule, in the order that the instance reads them.
static int add_rule(const struct act_command *cmd, const struct act_options *o,
	struct act_request *out, struct wr_err *err)
{
	bool class = strcmp(cmd->name, "class") == 0;
	char seconds[24];

	if (class && o->service != NULL)
		return -wr_err_set(err, EXIT_USAGE,
			"class names its service behind the prefix, not --service");
	if (o->time != NULL && strcmp(cmd->name, "undeny") == 0)
		return -wr_err_set(err, EXIT_USAGE, "undeny acts at once and takes no --for");
	if (o->time != NULL && act_seconds(o->time) == 0)
		return -wr_err_set(err, EXIT_USAGE,
			"--for takes a time as 90, 30s, 10m, 2h or 1d, not %.32s", o->time);
	if (!class && (o->service != NULL || o->time != NULL) &&
		!add(out, ",", o->service != NULL ? o->service : ANYWHERE))
		return -wr_err_set(err, EXIT_USAGE, "that name is too long");
	if (o->time == NULL)
		return EXIT_OK;
	snprintf(seconds, sizeof(seconds), "%" PRIu64, act_seconds(o->time));
	if (!add(out, ",", seconds))
		return -wr_err_set(err, EXIT_USAGE, "that name is too long");
	return EXIT_OK;
}

static int add_backend(const struct act_options *o, struct act_request *out, struct wr_err *err)
{
	const struct {
		const char *key, *value;
	} keys[] = {{",weight=", o->weight}, {",priority=", o->priority}, {",limit=", o->limit}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *value = keys[i].value;

		if (value == NULL)
			continue;
		if (value[0] == '\0' || strspn(value, "0123456789") != strlen(value))
			return -wr_err_set(err, EXIT_USAGE, "'%.32s' is not a number", value);
		if (!add(out, keys[i].key, value))
			return -wr_err_set(err, EXIT_USAGE, "that number is too long");
	}
	return EXIT_OK;
}

// An option that the command does not take is not passed over.
static int check_options(
	const struct act_command *cmd, const struct act_options *o, struct wr_err *err)
{
	const struct {
		const char *name, *value;
		unsigned int by;
	} given[] = {{"--service", o->service, TAKES_RULE},
		{"--for", o->time, TAKES_RULE | TAKES_TIME},
		{"--confirm", o->confirm, TAKES_CONFIRM}, {"--weight", o->weight, TAKES_BACKEND},
		{"--priority", o->priority, TAKES_BACKEND}, {"--limit", o->limit, TAKES_BACKEND}};

	for (size_t i = 0; i < sizeof(given) / sizeof(given[0]); i++)
		if (given[i].value != NULL && (cmd->takes & given[i].by) == 0)
			return -wr_err_set(
				err, EXIT_USAGE, "%s takes no %s", cmd->name, given[i].name);
	if (o->confirm != NULL && act_seconds(o->confirm) == 0)
		return -wr_err_set(err, EXIT_USAGE,
			"--confirm takes a time as 90, 30s or 10m, not %.32s", o->confirm);
	return EXIT_OK;
}

static int add_options(const struct act_command *cmd, const struct act_options *o,
	struct act_request *out, struct wr_err *err)
{
	if ((cmd->takes & TAKES_RULE) != 0)
		return add_rule(cmd, o, out, err);
	if ((cmd->takes & TAKES_TIME) != 0 && o->time != NULL)
		return add_time(cmd, o->time, out, err);
	if ((cmd->takes & TAKES_BACKEND) != 0)
		return add_backend(o, out, err);
	return EXIT_OK;
}

int act_build(const struct act_options *o, char **args, int count, struct act_request *out,
	struct wr_err *err)
{
	const struct act_command *cmd = find(args[0], count - 1);
	char seconds[24];
	bool all, fits;
	int rc;

	if (cmd == NULL)
		return ACT_UNKNOWN;
	*out = (struct act_request){.path = cmd->path,
		.verb = cmd->verb,
		.target = cmd->target != NULL ? cmd->target : args[1]};
	rc = check_options(cmd, o, err);
	if (rc != EXIT_OK)
		return rc;
	for (int i = 1; i < count; i++)
		if (args[i][0] == '\0' || strchr(args[i], ',') != NULL)
			return -wr_err_set(
				err, EXIT_USAGE, "'%.64s' is empty or has a comma", args[i]);
	warn(cmd, args, out);
	if (o->yes)
		confirm(cmd, args, out);
	snprintf(seconds, sizeof(seconds), "%" PRIu64, act_seconds(o->confirm));
	all = strcmp(out->verb, "refuse_all") == 0;
	fits = add(out, "", cmd->path) && add(out, ",", out->verb) &&
	       add(out, "=", o->confirm != NULL ? seconds : out->target);
	for (int i = 2; i < count && !all; i++)
		fits = fits && add(out, ",", args[i]);
	if (!fits)
		return -wr_err_set(err, EXIT_USAGE, "that name is too long: %.64s", args[1]);
	return add_options(cmd, o, out, err);
}

// Is the reply about what was asked? DPDK's threads can swap requests. What changes a configuration
// has its number instead of a target.
static bool is_ours(const struct act_request *a, const json_t *row)
{
	if (strcmp(client_str(row, "verb"), a->verb) != 0)
		return false;
	if (json_object_get(row, "target") == NULL && strncmp(a->path, "/weir/config/", 13) == 0)
		return strcmp(a->verb, "confirm") != 0 ||
		       client_uint(row, "id") == strtoul(a->target, NULL, 10);
	return strcmp(client_str(row, "target"), a->target) == 0;
}

// "web/b1: drained (event 7)", or "configuration 4: in force, 2 changes".
static void put_done(const struct act_request *a, const json_t *row, char *done, size_t len)
{
	char text[512];
	size_t used;

	client_text(row, "done", text, sizeof(text));
	if (json_object_get(row, "target") != NULL)
		snprintf(done, len, "%s: %s (event %" PRIu64 ")", a->target, text,
			client_uint(row, "event_id"));
	else
		snprintf(done, len, "configuration %" PRIu64 ": %s", client_uint(row, "id"), text);
	used = strlen(done);
	if (json_object_get(row, "confirm_within_s") != NULL)
		snprintf(done + used, len - used,
			"; it is taken back in %" PRIu64 " s unless you do: weirctl confirm "
			"%" PRIu64,
			client_uint(row, "confirm_within_s"), client_uint(row, "id"));
}

int act_judge(struct act_request *a, const char *reply, char *done, size_t len, struct wr_err *err)
{
	json_t *top = json_loads(reply, 0, NULL);
	const json_t *row =
		json_object_get(json_object_get(json_object_get(top, a->path), "rows"), "0");
	char text[512], remedy[512];
	int rc = EXIT_OK;

	a->again[0] = '\0';
	if (json_object_get(row, "confirm") != NULL) {
		client_text(row, "confirm", a->again, sizeof(a->again));
		rc = -wr_err_set(err, EXIT_FAILED, "%s (repeat with --yes to do it)",
			client_text(row, "error", text, sizeof(text)));
	} else if (json_object_get(row, "error") != NULL) {
		rc = -wr_err_set(err, EXIT_FAILED, "%s (%s)",
			client_text(row, "error", text, sizeof(text)),
			client_text(row, "remedy", remedy, sizeof(remedy)));
	} else if (!is_ours(a, row)) {
		rc = -wr_err_set(err, EXIT_FAILED,
			"the reply is not about %s of %s: %.200s; look with weirctl events before "
			"you repeat it",
			a->verb, a->target, reply);
	} else {
		put_done(a, row, done, len);
	}
	json_decref(top);
	return rc;
}

bool act_repeat(struct act_request *a, char verb[32])
{
	const char *ours = strchr(a->text, '='), *theirs = strchr(a->again, '=');
	size_t len = theirs != NULL ? (size_t)(theirs - a->again) : 0;

	if (ours == NULL || len == 0 || len >= 32 || strcmp(ours, theirs) != 0)
		return false;
	memcpy(verb, a->again, len);
	verb[len] = '\0';
	a->verb = verb;
	return (size_t)snprintf(a->text, sizeof(a->text), "%s,%s", a->path, a->again) <
	       sizeof(a->text);
}

// What a configuration changed, in the rows behind the first.
static void print_changes(const struct act_request *a, const char *reply)
{
	json_t *top = json_loads(reply, 0, NULL);
	const json_t *rows = json_object_get(json_object_get(top, a->path), "rows");
	char number[24], text[512];

	for (unsigned int i = 1;; i++) {
		snprintf(number, sizeof(number), "%u", i);
		if (json_object_get(rows, number) == NULL)
			break;
		printf("  %s\n",
			client_text(json_object_get(rows, number), "change", text, sizeof(text)));
	}
	json_decref(top);
}

static int ask(const struct client *c, struct act_request *a, char *reply, char *done, size_t len,
	struct wr_err *err)
{
	int rc = key_ask(c, a->text, reply, err);

	return rc == EXIT_OK ? act_judge(a, reply, done, len, err) : rc;
}

// The configuration that waits for its confirmation, for those who do not name it.
static int find_waiting(const struct client *c, char id[24], struct wr_err *err)
{
	uint64_t total;
	json_t *rows;
	int more, rc;

	id[0] = '\0';
	rc = client_fetch(c, "/weir/config/history", "", &rows, &total, &more, NULL, err);
	for (size_t i = 0; rc == EXIT_OK && i < json_array_size(rows); i++)
		if (strcmp(client_str(json_array_get(rows, i), "state"), "to be confirmed") == 0)
			snprintf(id, 24, "%" PRIu64, client_uint(json_array_get(rows, i), "id"));
	json_decref(rows);
	if (rc == EXIT_OK && id[0] == '\0')
		rc = -wr_err_set(err, EXIT_FAILED,
			"no configuration waits for a confirmation (see weirctl config history)");
	return rc;
}

int act_run(const struct client *c, const struct act_options *o, char **args, int count,
	struct wr_err *err)
{
	char reply[CLIENT_REPLY_MAX], done[640], verb[32], id[24];
	char *with_id[] = {args[0], id};
	struct act_request a;
	int rc;

	if (strcmp(args[0], "confirm") == 0 && count == 1) {
		rc = find_waiting(c, id, err);
		if (rc != EXIT_OK)
			return rc;
		args = with_id;
		count = 2;
	}
	rc = act_build(o, args, count, &a, err);
	if (rc != EXIT_OK)
		return rc;
	if (a.warning[0] != '\0' && !o->yes)
		return -wr_err_set(err, EXIT_FAILED,
			"%s; nothing was done (repeat with --yes to do it)", a.warning);
	rc = ask(c, &a, reply, done, sizeof(done), err);
	if (rc != EXIT_OK && o->yes && a.again[0] != '\0' && act_repeat(&a, verb)) {
		err->text[0] = '\0';
		rc = ask(c, &a, reply, done, sizeof(done), err);
	}
	if (o->json && rc != EXIT_REACH)
		printf("%s\n", reply);
	if (rc == EXIT_OK && !o->json) {
		printf("%s\n", done);
		print_changes(&a, reply);
	}
	return rc;
}
