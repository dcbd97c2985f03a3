/* SPDX-License-Identifier: BSD-3-Clause */
#include "act.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS_MAX (366ULL * 86400)
#define ANYWHERE    "all" // of --service, where rules are concerned

struct act_command {
	const char *name;
	const char *usage; // arguments
	const char *help;
	const char *path;
	const char *verb;
	int count; // arguments
	bool rule; // takes --service and --for, in this order behind the target
};

static const struct act_command commands[] = {
	{"drain", "POOL/NAME", "no new sessions to a backend; those that exist go on",
		"/weir/backend", "drain", 1},
	{"enable", "POOL/NAME", "new sessions again", "/weir/backend", "enable", 1},
	{"weight", "POOL/NAME N", "weight from 0 to 256", "/weir/backend", "weight", 2},
	{"limit", "POOL[/NAME] N", "connections at the same time, of all workers; 0: no limit",
		"/weir/backend", "limit", 2},
	{"kill", "WORKER.ID", "reset a connection, by its id in conns", "/weir/conn", "kill", 1},
	{"level", "SERVICE|all N", "hold a pressure level from 0 to 4; auto: by the queues again",
		"/weir/admission", "level", 2},
	{"refuse", "SERVICE|all CLASS", "refuse new connections of this class and worse",
		"/weir/admission", "refuse", 2},
	{"admit", "SERVICE|all", "no class is refused by order any more", "/weir/admission",
		"admit", 1},
	{"deny", "PREFIX", "refuse new connections from there", "/weir/access", "deny", 1, true},
	{"allow", "PREFIX", "an exception inside a wider deny", "/weir/access", "allow", 1, true},
	{"class", "PREFIX SERVICE|all CLASS", "connections from there have this class, 0 first",
		"/weir/access", "class", 3, true},
	{"undeny", "PREFIX", "take back a rule that was given by hand", "/weir/access", "remove", 1,
		true},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void act_usage(FILE *out)
{
	char words[64];

	for (size_t i = 0; i < COMMANDS; i++) {
		snprintf(words, sizeof(words), "%s %s", commands[i].name, commands[i].usage);
		fprintf(out, "  %-31s  %s\n", words, commands[i].help);
	}
	fprintf(out, "  deny, allow, class, undeny take --service NAME, and all but undeny --for "
		     "TIME (90, 30s, 10m, 2h, 1d)\n");
}

uint64_t act_seconds(const char *text)
{
	static const struct {
		char unit;
		uint64_t seconds;
	} units[] = {{'\0', 1}, {'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	char *end;
	unsigned long value = strtoul(text, &end, 10);

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

int act_build(const struct act_options *o, char **args, int count, struct act_request *out,
	struct wr_err *err)
{
	const struct act_command *cmd = find(args[0], count - 1);
	bool all, fits;

	if (cmd == NULL)
		return ACT_UNKNOWN;
	*out = (struct act_request){.path = cmd->path, .verb = cmd->verb, .target = args[1]};
	if (!cmd->rule && (o->service != NULL || o->time != NULL))
		return -wr_err_set(
			err, EXIT_USAGE, "%s takes neither --service nor --for", cmd->name);
	for (int i = 1; i < count; i++)
		if (args[i][0] == '\0' || strchr(args[i], ',') != NULL)
			return -wr_err_set(
				err, EXIT_USAGE, "'%.64s' is empty or has a comma", args[i]);
	warn(cmd, args, out);
	if (o->yes)
		confirm(cmd, args, out);
	all = strcmp(out->verb, "refuse_all") == 0;
	fits = add(out, "", cmd->path) && add(out, ",", out->verb) && add(out, "=", args[1]);
	for (int i = 2; i < count && !all; i++)
		fits = fits && add(out, ",", args[i]);
	if (!fits)
		return -wr_err_set(err, EXIT_USAGE, "that name is too long: %.64s", args[1]);
	return cmd->rule ? add_rule(cmd, o, out, err) : EXIT_OK;
}

int act_judge(
	const struct act_request *a, const char *reply, char *done, size_t len, struct wr_err *err)
{
	json_t *top = json_loads(reply, 0, NULL);
	const json_t *row =
		json_object_get(json_object_get(json_object_get(top, a->path), "rows"), "0");
	char text[512], remedy[512];
	size_t used;
	int rc = EXIT_OK;

	if (json_object_get(row, "confirm") != NULL) {
		rc = -wr_err_set(err, EXIT_FAILED, "%s (repeat with --yes to do it)",
			client_text(row, "error", text, sizeof(text)));
	} else if (json_object_get(row, "error") != NULL) {
		rc = -wr_err_set(err, EXIT_FAILED, "%s (%s)",
			client_text(row, "error", text, sizeof(text)),
			client_text(row, "remedy", remedy, sizeof(remedy)));
	} else if (strcmp(client_str(row, "verb"), a->verb) != 0 ||
		   strcmp(client_str(row, "target"), a->target) != 0) {
		rc = -wr_err_set(err, EXIT_FAILED,
			"the reply is not about %s of %s: %.200s; look with weirctl events before "
			"you repeat it",
			a->verb, a->target, reply);
	} else {
		snprintf(done, len, "%s: %s", a->target,
			client_text(row, "done", text, sizeof(text)));
		used = strlen(done);
		snprintf(done + used, len - used, " (event %" PRIu64 ")",
			client_uint(row, "event_id"));
	}
	json_decref(top);
	return rc;
}

int act_run(const struct client *c, const struct act_options *o, char **args, int count,
	struct wr_err *err)
{
	char reply[CLIENT_REPLY_MAX], done[640];
	struct act_request a;
	int rc = act_build(o, args, count, &a, err);

	if (rc != EXIT_OK)
		return rc;
	if (a.warning[0] != '\0' && !o->yes)
		return -wr_err_set(err, EXIT_FAILED,
			"%s; nothing was done (repeat with --yes to do it)", a.warning);
	rc = client_ask(c, a.text, reply, err);
	if (rc != EXIT_OK)
		return rc;
	if (o->json)
		printf("%s\n", reply);
	rc = act_judge(&a, reply, done, sizeof(done), err);
	if (rc == EXIT_OK && !o->json)
		printf("%s\n", done);
	return rc;
}
