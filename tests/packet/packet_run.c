/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <rte_eal.h>

#include "run.h"
#include "spoil.h"

// Plays packet scripts.

struct options {
	bool trace;
	bool check; // read the scripts only
	bool one_variant;
	bool failing;      // every script must fail: the self-test of expectations
	bool spoil;        // make each expectation wrong in turn: the script must fail
	const char *label; // only scripts with these `for` values
	uint32_t failures_shown;
	struct pk_variant variant;
};

struct tally {
	uint64_t scripts, runs, failed, shown;
};

struct paths {
	char **p;
	uint32_t count;
};

static void add_path(struct paths *all, const char *path)
{
	all->p = realloc(all->p, (all->count + 1) * sizeof(*all->p));
	all->p[all->count++] = strdup(path);
}

static bool is_script(const char *name)
{
	size_t n = strlen(name);

	return n > 4 && strcmp(name + n - 4, ".pkt") == 0;
}

// Scripts below a folder. `known` holds what is known to fail; `bad` what must.
static void walk(struct paths *all, const char *path, bool top)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char sub[1024];
	struct stat st;

	if (d == NULL) {
		add_path(all, path);
		return;
	}
	while ((e = readdir(d)) != NULL) {
		if (*e->d_name == '.' || (top && strcmp(e->d_name, "known") == 0) ||
			(top && strcmp(e->d_name, "bad") == 0))
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (stat(sub, &st) == 0 && S_ISDIR(st.st_mode))
			walk(all, sub, false);
		else if (is_script(e->d_name))
			add_path(all, sub);
	}
	closedir(d);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int eal(void)
{
	static char *argv[] = {"packet_run", "--no-huge", "-m", "128", "--no-pci", "--no-telemetry",
		"--no-shconf", "--lcores", "0@0", "--log-level", "lib.*:error", NULL};

	return rte_eal_init((int)RTE_DIM(argv) - 1, argv);
}

static int make_pools(struct pk_pools *p)
{
	p->rx = rte_pktmbuf_pool_create(
		"packet_rx", PK_RX, 0, WR_MBUF_PRIV_SIZE, WR_RX_DATAROOM, SOCKET_ID_ANY);
	p->small = rte_pktmbuf_pool_create(
		"packet_small", PK_SMALL, 0, WR_MBUF_PRIV_SIZE, WR_SMALL_DATAROOM, SOCKET_ID_ANY);
	if (p->rx == NULL || p->small == NULL) {
		fprintf(stderr, "packet_run: no memory for buffers\n");
		return -1;
	}
	p->rx_idle = rte_mempool_avail_count(p->rx);
	p->small_idle = rte_mempool_avail_count(p->small);
	return 0;
}

static void report(struct pk_run *r, const struct options *o, struct tally *t)
{
	t->failed++;
	if (o->failing || t->shown >= o->failures_shown)
		return;
	t->shown++;
	pk_run_report(r, stdout);
	printf("\n");
}

// All variants of one script; after a failure the others of the script are not played.
static void play(struct pk_run *r, const struct pk_script *s, const struct pk_pools *pools,
	const struct options *o, struct tally *t)
{
	uint64_t failed = t->failed;
	uint32_t played = 0;

	t->scripts++;
	for (uint32_t i = 0; i < PK_VARIANTS; i++) {
		struct pk_variant v = o->one_variant ? o->variant : pk_variant(i);

		if ((s->only & pk_variant_mask(&v)) != s->only)
			continue;
		t->runs++;
		played++;
		if (!pk_run(r, s, &v, pools))
			report(r, o, t);
		else if (o->failing)
			printf("%s%s%s: passes, but must fail\n", s->file, *s->label ? " " : "",
				s->label);
		if (o->trace)
			printf("%s%s%s\n%s\n", s->file, *s->label ? " " : "", s->label,
				r->log_len > 0 ? r->log : "");
		if (o->one_variant || (t->failed > failed && !o->failing))
			break;
	}
	if (played == 0 && !o->one_variant) {
		printf("%s: no variant is left by its 'only' lines\n", s->file);
		t->failed++;
	}
}

// The last variant, with all options and a wrap close by, that a line is for.
static bool variant_of(const struct pk_script *s, const struct pk_line *line, struct pk_variant *v)
{
	uint8_t need = s->only | line->only;

	for (uint32_t i = PK_VARIANTS; i-- > 0;) {
		*v = pk_variant(i);
		if ((need & pk_variant_mask(v)) == need)
			return true;
	}
	return false;
}

// Each expectation of a script, made wrong alone, must make the script fail.
static void spoil(
	struct pk_run *r, struct pk_script *s, const struct pk_pools *pools, struct tally *t)
{
	t->scripts++;
	for (uint32_t i = 0; i < s->line_count; i++) {
		struct pk_line whole = s->lines[i];
		const char *what = "";
		struct pk_variant v;
		int done;

		// a script that fails as it is is reported elsewhere
		if (!variant_of(s, &whole, &v) || !pk_run(r, s, &v, pools))
			continue;
		for (uint32_t which = 0; (done = pk_spoil(&s->lines[i], which, &what)) >= 0;
			which++) {
			if (done > 0) {
				t->runs++;
				if (pk_run(r, s, &v, pools)) {
					printf("%s:%d: nothing depends on %s: %s%s%s%s\n", s->file,
						whole.number, what, whole.text,
						*s->label ? " (" : "", s->label,
						*s->label ? ")" : "");
					t->failed++;
				}
			}
			s->lines[i] = whole;
		}
		s->lines[i] = whole;
	}
}

static int play_all(const struct paths *all, const struct options *o, struct tally *t)
{
	struct pk_pools pools;
	struct pk_run *r = calloc(1, sizeof(*r));
	int bad = 0;

	if (!o->check && (eal() < 0 || make_pools(&pools) != 0))
		return -1;
	r->trace = o->trace;
	for (uint32_t i = 0; i < all->count; i++) {
		struct pk_scripts scripts = {0};
		struct wr_err err = {0};

		if (pk_script_load(all->p[i], &scripts, &err) != 0) {
			printf("%s\n", err.text);
			bad++;
		} else {
			for (uint32_t k = 0; k < scripts.count; k++) {
				if (o->label != NULL &&
					strstr(scripts.s[k].label, o->label) == NULL)
					continue;
				if (o->check)
					t->scripts++;
				else if (o->spoil)
					spoil(r, &scripts.s[k], &pools, t);
				else
					play(r, &scripts.s[k], &pools, o, t);
			}
		}
		pk_scripts_free(&scripts);
	}
	free(r->log);
	free(r);
	return bad;
}

static int usage(void)
{
	fprintf(stderr, "usage: packet_run [--variant v6,7fffffff,ts,sack] [--trace] [--check] "
			"[--expect-failure] [--spoil] [--values TEXT] [--show N] FILE|FOLDER...\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {{"variant", required_argument, NULL, 'v'},
		{"trace", no_argument, NULL, 't'}, {"check", no_argument, NULL, 'c'},
		{"expect-failure", no_argument, NULL, 'f'}, {"spoil", no_argument, NULL, 'p'},
		{"values", required_argument, NULL, 'l'}, {"show", required_argument, NULL, 's'},
		{NULL, 0, NULL, 0}};
	struct options o = {.failures_shown = 20};
	struct paths all = {0};
	struct tally t = {0};
	int c, bad;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'v' && !pk_variant_parse(optarg, &o.variant)) {
			fprintf(stderr,
				"packet_run: '%s' is no variant: "
				"v4|v6,0|7fffffff|fffffff0,ts|no-ts,"
				"sack|no-sack is\n",
				optarg);
			return 2;
		}
		o.one_variant = o.one_variant || c == 'v';
		o.trace = o.trace || c == 't';
		o.check = o.check || c == 'c';
		o.failing = o.failing || c == 'f';
		o.spoil = o.spoil || c == 'p';
		if (c == 'l')
			o.label = optarg;
		if (c == 's')
			o.failures_shown = (uint32_t)atoi(optarg);
		if (c == '?')
			return usage();
	}
	if (optind == argc)
		return usage();
	for (; optind < argc; optind++)
		walk(&all, argv[optind], true);
	qsort(all.p, all.count, sizeof(*all.p), by_name);
	bad = play_all(&all, &o, &t);
	if (o.failing && bad == 0 && t.failed == t.runs && t.runs > 0)
		printf("%llu scripts, %llu runs, all fail as they must\n",
			(unsigned long long)t.scripts, (unsigned long long)t.runs);
	else if (bad != 0 || t.failed > 0 || t.scripts == 0)
		printf("%llu scripts, %llu runs, %llu failed, %d files unreadable\n",
			(unsigned long long)t.scripts, (unsigned long long)t.runs,
			(unsigned long long)t.failed, bad);
	else
		printf("%llu scripts, %llu runs, all well\n", (unsigned long long)t.scripts,
			(unsigned long long)t.runs);
	for (uint32_t i = 0; i < all.count; i++)
		free(all.p[i]);
	free(all.p);
	if (o.failing)
		return bad == 0 && t.failed == t.runs && t.runs > 0 ? 0 : 1;
	return bad != 0 || t.failed > 0 || t.scripts == 0;
}
