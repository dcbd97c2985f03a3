/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "wr_suggest.h"
#include "wr_version.h"

// argv: a file, what to do, settings by path, and flags that stand for paths.

#define EXIT_CONFIG 2

enum flag_of { // whose settings a flag's path begins with
	OF_RUN,
	OF_PORT,
	OF_CLIENT,
	OF_BACKEND,
	OF_PACKETS,
	OF_TRAFFIC, // the clients', or the packets' with --flood
	OF_ASKED,   // the clients', or the backends' without any
};

struct flag {
	const char *name;
	enum flag_of of;
	const char *path; // behind clients[0] and so on; NULL: flag_special()
	bool list;
	const char *value; // what it shows in the help; NULL: it takes none
	const char *help;
};

// clang-format off
static const struct flag flags[] = {
	{"port", OF_PORT, NULL, false, "DEVICE", "a port: PCI address or DPDK device; those behind it are its own"},
	{"address", OF_PORT, "addresses", true, "PREFIX", "address of the port with its prefix length"},
	{"gateway", OF_PORT, "gateway", true, "ADDR", "next hop of what is in no prefix"},
	{"connect", OF_TRAFFIC, NULL, true, "ENDPOINT", "make connections to address:port"},
	{"source", OF_TRAFFIC, "source", true, "RANGE", "come from these addresses (first-last)"},
	{"rate", OF_CLIENT, "load.rate", false, "N", "begin N connections a second"},
	{"users", OF_CLIENT, NULL, false, "N", "have N users, each begins again when done"},
	{"requests", OF_CLIENT, "shape.requests", false, "N", "requests of a connection"},
	{"request", OF_CLIENT, "shape.request", false, "BYTES", "size of a request"},
	{"answer", OF_ASKED, NULL, false, "BYTES", "size of an answer"},
	{"http", OF_ASKED, NULL, false, "PATH", "speak HTTP/1.1 and ask for PATH"},
	{"listen", OF_BACKEND, "listen", true, "ENDPOINT", "be a backend at address:port"},
	{"service", OF_BACKEND, "service", false, "TIME", "time that it works on a request"},
	{"flood", OF_PACKETS, NULL, false, "KIND", "send packets instead: syn, ack, rst or udp, to --connect"},
	{"pps", OF_PACKETS, "rate_pps", false, "N", "packets a second; without, as fast as it goes"},
	{"duration", OF_RUN, "duration", false, "TIME", "measured time (10s), or forever"},
	{"warmup", OF_RUN, "warmup", false, "TIME", "load before it (1s)"},
	{"json", OF_RUN, "json", false, "FILE", "write all results"},
	{"csv", OF_RUN, "csv", false, "FILE", "write the series, a line an interval"},
	{"core", OF_RUN, "core", false, "N", "CPU of the loop (1)"},
	{"seed", OF_RUN, "seed", false, "N", "of everything random (1)"},
	{"quiet", OF_RUN, NULL, false, NULL, "no live line"},
};
// clang-format on

#define FLAG_COUNT (sizeof(flags) / sizeof(flags[0]))

struct parser {
	struct gen_flags *f;
	struct wr_err *err;
	uint32_t ports;             // --port so far
	uint32_t given[FLAG_COUNT]; // how often; of port's lists: since the last --port
	bool flood, connect, listen;
};

static int add(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static int add(struct parser *p, const char *fmt, ...)
{
	char **grown = realloc(p->f->override, (size_t)(p->f->count + 1) * sizeof(*grown));
	va_list ap;
	int n;

	if (grown == NULL)
		return wr_err_set(p->err, ENOMEM, "command line: out of memory");
	p->f->override = grown;
	va_start(ap, fmt);
	n = vasprintf(&grown[p->f->count], fmt, ap);
	va_end(ap);
	if (n < 0)
		return wr_err_set(p->err, ENOMEM, "command line: out of memory");
	p->f->count++;
	return 0;
}

// "clients[0]." and so on.
static const char *scope(const struct parser *p, enum flag_of of, char *buf, size_t len)
{
	switch (of) {
	case OF_PORT:
		snprintf(buf, len, "ports[%u].", p->ports > 0 ? p->ports - 1 : 0);
		return buf;
	case OF_CLIENT:
		return "clients[0].";
	case OF_BACKEND:
		return "backends[0].";
	case OF_PACKETS:
		return "packets[0].";
	case OF_TRAFFIC:
		return p->flood ? "packets[0]." : "clients[0].";
	case OF_ASKED:
		return p->listen && !p->connect ? "backends[0]." : "clients[0].";
	case OF_RUN:
		break;
	}
	return "runtime.";
}

// The target of a flood is an address and a port apart.
static int add_flood_target(struct parser *p, const char *value, uint32_t nth)
{
	const char *colon = strrchr(value, ':');
	bool brackets = value[0] == '[' && colon && colon > value + 1 && colon[-1] == ']';
	size_t from = brackets ? 1 : 0, len = colon ? (size_t)(colon - value) - 2 * from : 0;
	int rc;

	if (nth > 0)
		return wr_err_set(p->err, EINVAL,
			"command line: --connect is given twice; a flood has one target, or "
			"several "
			"streams under packets");
	if (colon == NULL || (value[0] == '[') != brackets)
		return wr_err_set(p->err, EINVAL,
			"command line: --connect: value '%.60s' is not an address with a port, "
			"such "
			"as 198.18.0.100:80 or [2001:db8::100]:80",
			value);
	rc = add(p, "packets[0].target=%.*s", (int)len, value + from);
	return rc == 0 ? add(p, "packets[0].target_ports=%s", colon + 1) : rc;
}

static int add_flood(struct parser *p, const char *kind)
{
	static const char *const words[] = {"syn", "ack", "rst", "udp"};

	for (uint32_t i = 0; i < 4; i++) {
		if (strcmp(kind, words[i]) != 0)
			continue;
		if (i == 3)
			return add(p, "packets[0].kind=udp");
		return add(p, "packets[0].flags=%s", kind);
	}
	return wr_err_set(p->err, EINVAL,
		"command line: --flood: value '%.60s' is not a choice here; right would be syn, "
		"ack, "
		"rst or udp",
		kind);
}

// Flags that stand for more than one path, or for one that depends on others.
static int add_special(struct parser *p, const struct flag *g, const char *value, uint32_t nth)
{
	char buf[32];
	const char *to = scope(p, g->of, buf, sizeof(buf));
	int rc;

	if (strcmp(g->name, "port") == 0) {
		p->ports++;
		for (uint32_t i = 0; i < FLAG_COUNT; i++) {
			if (flags[i].of == OF_PORT && flags[i].list)
				p->given[i] = 0;
		}
		return add(p, "%sdevice=%s", scope(p, OF_PORT, buf, sizeof(buf)), value);
	}
	if (strcmp(g->name, "connect") == 0) {
		if (p->flood)
			return add_flood_target(p, value, nth);
		return nth == 0 ? add(p, "%starget=%s", to, value)
		                : add(p, "%starget[%u]=%s", to, nth, value);
	}
	if (strcmp(g->name, "users") == 0) {
		rc = add(p, "%sload.model=closed", to);
		return rc == 0 ? add(p, "%sload.users=%s", to, value) : rc;
	}
	if (strcmp(g->name, "answer") == 0)
		return add(p, "%s%s=%s", to, to[0] == 'b' ? "answer" : "shape.answer", value);
	if (strcmp(g->name, "http") == 0) {
		rc = p->listen ? add(p, "backends[0].protocol=http") : 0;
		if (rc == 0 && to[0] == 'c')
			rc = add(p, "clients[0].protocol=http");
		return rc == 0 && to[0] == 'c' ? add(p, "clients[0].path=%s", value) : rc;
	}
	if (strcmp(g->name, "flood") == 0)
		return add_flood(p, value);
	return add(p, "runtime.quiet=yes");
}

static int add_flag(struct parser *p, uint32_t i, const char *value)
{
	const struct flag *g = &flags[i];
	uint32_t nth = p->given[i]++;
	char buf[32];

	if (p->flood && g->of == OF_CLIENT)
		return wr_err_set(p->err, EINVAL,
			"command line: --%s is of connections, and --flood sends packets; give one "
			"of them, or a file with clients and packets",
			g->name);
	if (!p->flood && strcmp(g->name, "pps") == 0 && p->f->file == NULL)
		return wr_err_set(p->err, EINVAL,
			"command line: --pps is of packets; right would be --flood too, or --rate "
			"for connections");
	if (g->path == NULL)
		return add_special(p, g, value, nth);
	// The first replaces the file's list, the others join it.
	if (g->list && nth > 0)
		return add(
			p, "%s%s[%u]=%s", scope(p, g->of, buf, sizeof(buf)), g->path, nth, value);
	return add(p, "%s%s=%s", scope(p, g->of, buf, sizeof(buf)), g->path, value);
}

// --- argv ---------------------------------------------------------------------------------------

static const struct {
	const char *name;
	size_t offset;
} switches[] = {
	{"help", offsetof(struct gen_flags, help)},
	{"help-config", offsetof(struct gen_flags, reference)},
	{"markdown", offsetof(struct gen_flags, markdown)},
	{"check", offsetof(struct gen_flags, check)},
	{"dump", offsetof(struct gen_flags, dump)},
	{"version", offsetof(struct gen_flags, version)},
};
#define SWITCH_COUNT (sizeof(switches) / sizeof(switches[0]))

static bool take_switch(struct gen_flags *f, const char *arg)
{
	if (strcmp(arg, "-h") == 0)
		arg = "--help";
	for (uint32_t i = 0; i < SWITCH_COUNT; i++) {
		if (arg[0] == '-' && arg[1] == '-' && strcmp(arg + 2, switches[i].name) == 0) {
			*(bool *)((char *)f + switches[i].offset) = true;
			return true;
		}
	}
	return false;
}

// Index of the flag that `arg` ("--rate", "--rate=5") is, or -1.
static int find_flag(const char *arg)
{
	size_t len = strcspn(arg, "=");

	for (uint32_t i = 0; i < FLAG_COUNT; i++) {
		if (len > 2 && strlen(flags[i].name) == len - 2 &&
			strncmp(arg + 2, flags[i].name, len - 2) == 0)
			return (int)i;
	}
	return -1;
}

static int unknown(struct parser *p, const char *arg)
{
	struct wr_settings_suggest near;
	char word[64];

	if (arg[0] != '-')
		return wr_err_set(p->err, EINVAL,
			"command line: '%.60s' is neither a flag nor PATH=VALUE; see --help", arg);
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(arg, "="), arg);
	wr_settings_suggest_init(&near, word + strspn(word, "-"));
	for (uint32_t i = 0; i < FLAG_COUNT; i++)
		wr_settings_suggest_add(&near, flags[i].name);
	for (uint32_t i = 0; i < SWITCH_COUNT; i++)
		wr_settings_suggest_add(&near, switches[i].name);
	if (near.best)
		return wr_err_set(p->err, EINVAL,
			"command line: unknown flag '%s'; did you mean '--%s'?", word, near.best);
	return wr_err_set(p->err, EINVAL, "command line: unknown flag '%s'; see --help", word);
}

// Its value: behind '=', or the next argument. NULL with a sentence.
static const char *value_of(struct parser *p, int argc, char **argv, int *i, const char *what)
{
	const char *eq = strchr(argv[*i], '=');

	if (argv[*i][1] == '-' && eq)
		return eq + 1;
	if (*i + 1 < argc)
		return argv[++*i];
	wr_err_set(p->err, EINVAL, "command line: '%.60s' lacks its value; right would be %.60s %s",
		argv[*i], argv[*i], what);
	return NULL;
}

static bool is_config(const char *arg)
{
	return strcmp(arg, "-c") == 0 || strcmp(arg, "--config") == 0 ||
	       strncmp(arg, "--config=", 9) == 0;
}

// One argument and its value. `first`: only what the others depend on.
static int take(struct parser *p, int argc, char **argv, int *i, bool first)
{
	const char *arg = argv[*i], *value;
	int g;

	if (take_switch(p->f, arg))
		return 0;
	if (is_config(arg)) {
		p->f->file = value_of(p, argc, argv, i, "FILE");
		return p->f->file ? 0 : -EINVAL;
	}
	if (arg[0] != '-' && strchr(arg, '='))
		return first ? 0 : add(p, "%s", arg);
	g = arg[0] == '-' && arg[1] == '-' ? find_flag(arg) : -1;
	if (g < 0)
		return unknown(p, arg);
	value = "";
	if (flags[g].value) {
		value = value_of(p, argc, argv, i, flags[g].value);
		if (value == NULL)
			return -EINVAL;
	} else if (strchr(arg, '=')) {
		return wr_err_set(
			p->err, EINVAL, "command line: --%s takes no value", flags[g].name);
	}
	p->flood |= strcmp(flags[g].name, "flood") == 0;
	p->connect |= strcmp(flags[g].name, "connect") == 0;
	p->listen |= strcmp(flags[g].name, "listen") == 0;
	return first ? 0 : add_flag(p, (uint32_t)g, value);
}

int gen_flags_parse(int argc, char **argv, struct gen_flags *f, struct wr_err *err)
{
	struct parser p = {.f = f, .err = err};
	int rc = 0;

	memset(f, 0, sizeof(*f));
	for (int i = 1; rc == 0 && i < argc; i++)
		rc = take(&p, argc, argv, &i, true);
	for (int i = 1; rc == 0 && i < argc; i++)
		rc = take(&p, argc, argv, &i, false);
	if (rc == 0 && f->markdown && !f->reference)
		rc = wr_err_set(err, EINVAL, "command line: --markdown is of --help-config alone");
	return rc;
}

void gen_flags_free(struct gen_flags *f)
{
	for (int i = 0; i < f->count; i++)
		free(f->override[i]);
	free(f->override);
	memset(f, 0, sizeof(*f));
}

void gen_flags_help(FILE *out)
{
	char left[40];

	fputs("usage: weir-gen [-c FILE] [--check | --dump] [FLAG VALUE ...] [PATH=VALUE ...]\n"
	      "       weir-gen --help | --help-config [--markdown] | --version\n"
	      "\n"
	      "Traffic generator and backend emulator on DPDK: connections, requests, packets, "
	      "faults.\n"
	      "\n"
	      "  -c, --config FILE    what to do, YAML\n"
	      "      --check          read and check it, start nothing\n"
	      "      --dump           print it in full, defaults included, start nothing\n"
	      "      --help-config    every setting: type, range, default, meaning\n"
	      "      --markdown       with --help-config: as Markdown\n"
	      "\n"
	      "Settings go over those of the file by their path, as in clients[0].load.rate=50k, "
	      "or\n"
	      "by a flag for the common ones:\n"
	      "\n",
		out);
	for (uint32_t i = 0; i < FLAG_COUNT; i++) {
		snprintf(left, sizeof(left), "--%s %s", flags[i].name,
			flags[i].value ? flags[i].value : "");
		fprintf(out, "      %-20s %s\n", left, flags[i].help);
	}
	fputs("\nSIGTERM or SIGINT: end the load, drain, report. A second one ends it at once.\n"
	      "Exit: 0 clean, 1 failed while starting or running, 2 bad configuration or usage.\n",
		out);
}

static int failed(const struct wr_err *err)
{
	fprintf(stderr, "weir-gen: %s\n", err->text);
	return EXIT_CONFIG;
}

// What needs no configuration. Was anything done?
static bool told(const struct gen_flags *f)
{
	if (f->help)
		gen_flags_help(stdout);
	else if (f->reference)
		gen_conf_reference(stdout, f->markdown);
	else if (f->version)
		printf("weir-gen %s\n", WR_VERSION);
	return f->help || f->reference || f->version;
}

int gen_flags_load(int argc, char **argv, struct gen_conf **conf, struct wr_err *err)
{
	struct gen_flags f;
	int rc = 0;

	*conf = NULL;
	if (gen_flags_parse(argc, argv, &f, err) < 0) {
		rc = failed(err);
	} else if (!told(&f)) {
		if (f.file == NULL && f.count == 0)
			wr_err_set(err, EINVAL,
				"nothing to do; give -c FILE, or --port with --connect, --listen "
				"or "
				"--flood (see weir-gen --help)");
		else
			*conf = gen_conf_load(f.file, f.count, f.override, err);
		if (*conf == NULL)
			rc = failed(err);
	}
	if (*conf && f.dump)
		gen_conf_dump(*conf, stdout);
	if (*conf && (f.check || f.dump)) {
		if (!f.dump)
			printf("weir-gen: the configuration is good\n");
		gen_conf_free(*conf);
		*conf = NULL;
	}
	gen_flags_free(&f);
	return rc;
}
