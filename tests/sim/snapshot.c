/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <getopt.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"

// How the engine behaves as a sender: goodput, retransmissions, time-outs and fairness over a grid
// of loss, round-trip time, queue, reordering and competitors, behind a line of one rate. The text
// is kept in the tree, so that a change of behaviour shows as a difference. Integers only: the same
// numbers on every machine.

#define RATE_KBIT 100000u
#define RX_BUFS   32767u
#define SMALL     32767u
#define CHUNK     1448u // one segment with timestamps
#define BUFFER    (4u << 20)
#define FLOWS_MAX 4
#define RUNS      3 // seeds, where chance plays
#define ROWS_MAX  128
#define ROW_TEXT  128

struct row {
	uint32_t flows, rtt_ms;
	uint32_t loss;    // of 10,000
	uint32_t queue;   // tenths of a bandwidth-delay product
	uint32_t reorder; // permille
	bool sack;
};

struct result {
	uint64_t bytes;           // of all flows
	uint64_t late[FLOWS_MAX]; // of each, in the second half
	uint64_t segments, resent, timeouts;
	wr_us_t us;
};

static uint32_t rows_fill(struct row *r)
{
	static const uint32_t rtts[] = {1, 20, 100}, losses[] = {0, 10, 100, 200, 500};
	static const uint32_t queues[] = {5, 10, 20}, reorders[] = {10, 50};
	uint32_t n = 0;

	for (int sack = 1; sack >= 0; sack--)
		for (uint32_t l = 0; l < RTE_DIM(losses); l++)
			for (uint32_t t = 0; t < RTE_DIM(rtts); t++)
				r[n++] = (struct row){1, rtts[t], losses[l], 10, 0, sack};
	for (uint32_t q = 0; q < RTE_DIM(queues); q += 2)
		for (uint32_t t = 0; t < RTE_DIM(rtts); t++)
			r[n++] = (struct row){1, rtts[t], 0, queues[q], 0, true};
	for (int sack = 1; sack >= 0; sack--)
		for (uint32_t o = 0; o < RTE_DIM(reorders); o++)
			for (uint32_t t = 0; t < RTE_DIM(rtts); t++)
				r[n++] = (struct row){1, rtts[t], 0, 10, reorders[o], sack};
	for (uint32_t f = 2; f <= FLOWS_MAX; f *= 2)
		for (uint32_t q = 0; q < RTE_DIM(queues); q++)
			for (uint32_t t = 0; t < RTE_DIM(rtts); t++)
				r[n++] = (struct row){f, rtts[t], 0, queues[q], 0, true};
	return n;
}

struct line {
	struct wr_rng rng;
	uint32_t loss;
	uint64_t segments;
};

// Only payload is lost, so that a row says what its sender makes of that.
static bool lossy(struct pair *p, int from, const struct wr_pkt *k, void *arg)
{
	struct line *l = arg;

	if (from != 0 || k->payload_len == 0)
		return true;
	l->segments++;
	return l->loss == 0 || wr_rng_below(&l->rng, 10000) >= l->loss;
}

static void open_flow(struct pair *p, const struct row *r)
{
	struct wr_tcp_connect_opts o = {.opts = WR_TCPOPT_WSCALE | WR_TCPOPT_TS};
	struct pair_app *a;

	o.opts |= r->sack ? WR_TCPOPT_SACKOK : 0;
	a = pair_connect(p, &o);
	if (a == NULL)
		pair_fail(p, "connect");
	a->to_send = UINT64_MAX / 2;
	a->chunk = CHUNK;
	a->whole = a->blank = pair_peer(p, a)->blank = true;
	pair_flush(p, 0);
}

static struct wr_tcp_config config(void)
{
	struct wr_tcp_config c = pair_config();

	c.max_conns = 8;
	c.held_budget = RX_BUFS * 3 / 4;
	c.rcv_buf_bytes = c.snd_buf_bytes = BUFFER;
	c.ooo_segs_max = c.ooo_total_max = RX_BUFS / 4;
	return c;
}

static void run(const struct row *r, uint32_t seed, struct result *out)
{
	static struct pair pair;
	struct wr_tcp_config c = config();
	struct wr_tcp_listen_opts lo = {0};
	struct line l = {.loss = r->loss};
	uint64_t half[FLOWS_MAX] = {0};
	struct pair *p = &pair;
	wr_us_t length = (r->rtt_ms >= 100 ? 20 : r->rtt_ms >= 20 ? 10 : 5) * WR_US_PER_S, start;

	pair_start(p, &c, &c, seed, false);
	p->check = false;
	p->link.delay_us = r->rtt_ms * 1000 / 2;
	p->link.reorder = r->reorder;
	p->link.held_us = r->rtt_ms * 1000 / 4;
	p->link.rate_kbit = RATE_KBIT;
	p->link.queue_bytes = (uint32_t)((uint64_t)RATE_KBIT * r->rtt_ms / 8 * r->queue / 10);
	wr_rng_init(&l.rng, seed);
	p->tap = lossy;
	p->tap_arg = &l;
	pair_listen(p, &lo);
	start = p->now;
	for (uint32_t f = 0; f < r->flows; f++) {
		open_flow(p, r);
		pair_run(p, WR_US_PER_S / 5);
	}
	pair_run(p, start + length / 2 - p->now);
	for (uint32_t f = 0; f < r->flows; f++)
		half[f] = p->app[1][f].got;
	pair_run(p, start + length - p->now);
	for (uint32_t f = 0; f < r->flows; f++) {
		out->bytes += p->app[1][f].got;
		out->late[f] += p->app[1][f].got - half[f];
	}
	out->segments += l.segments;
	out->resent += p->stats[0].ctr[WR_CTR_tcp_retrans_segs];
	out->timeouts += p->stats[0].ctr[WR_CTR_tcp_rto];
	out->us += length;
	pair_stop(p);
}

// Jain's index in permille; 1000: equal shares.
static uint32_t fairness(const uint64_t *x, uint32_t n)
{
	uint64_t sum = 0, squares = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint64_t kib = x[i] >> 10;

		sum += kib;
		squares += kib * kib;
	}
	return squares == 0 ? 0 : (uint32_t)((sum * sum * 1000 + n * squares / 2) / (n * squares));
}

static void row_text(const struct row *r, char *to)
{
	struct result s = {0};
	uint64_t tenths;

	for (uint32_t i = 0; i < (r->loss + r->reorder > 0 ? RUNS : 1); i++)
		run(r, 1 + i, &s);
	tenths = (s.bytes * 8 * 10 + s.us / 2) / s.us; // bits a microsecond are Mbit/s
	snprintf(to, ROW_TEXT, "%5u %7u %3u.%02u %7u.%u %4s %7u.%u | %4llu.%llu %7llu %9llu %6u\n",
		r->flows, r->rtt_ms, r->loss / 100, r->loss % 100, r->queue / 10, r->queue % 10,
		r->sack ? "yes" : "no", r->reorder / 10, r->reorder % 10,
		(unsigned long long)(tenths / 10), (unsigned long long)(tenths % 10),
		(unsigned long long)(s.segments == 0 ? 0 : s.resent * 1000 / s.segments),
		(unsigned long long)s.timeouts, fairness(s.late, r->flows));
}

// clang-format off
static const char header[] =
	"# Behaviour of the engine as sender and receiver: a line of 100 Mbit/s behind a drop-tail queue\n"
	"# (in bandwidth-delay products), payload lost and reordered at random. 5 s at 1 ms, 10 s at 20 ms,\n"
	"# 20 s at 100 ms; rows with chance are the sum of three seeds. resent: retransmitted segments of a\n"
	"# thousand sent; jain: fairness of the second half, 1000 is equal.\n"
	"# Renew: snapshot --write tests/sim/snapshots/behaviour.txt\n"
	"#\n";
static const char title[] =
	"flows  rtt_ms loss_% queue_bdp sack reorder_% | mbit_s  resent  timeouts   jain\n";
// clang-format on

// All rows, by several processes.
static char (*rows_run(uint32_t *count))[ROW_TEXT]
{
	static struct row rows[ROWS_MAX];
	long jobs = sysconf(_SC_NPROCESSORS_ONLN);
	struct {
		uint32_t next;
		char text[ROWS_MAX][ROW_TEXT];
	} *sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool good = sh != MAP_FAILED;
	int status;

	*count = rows_fill(rows);
	for (long j = 0; good && j < RTE_MIN(jobs, 8); j++) {
		struct pair pools;
		uint32_t i;

		if (fork() != 0)
			continue;
		wr_test_eal_init();
		pair_pools_sized(&pools, RX_BUFS, SMALL);
		while ((i = __atomic_fetch_add(&sh->next, 1, __ATOMIC_RELAXED)) < *count)
			row_text(&rows[i], sh->text[i]);
		_exit(0);
	}
	while (wait(&status) > 0)
		good = good && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	return good ? sh->text : NULL;
}

static int compare(const char *path, const char *program, char (*text)[ROW_TEXT], uint32_t rows)
{
	char old[ROW_TEXT];
	uint32_t i = 0, differ = 0;
	FILE *f = fopen(path, "r");

	if (f == NULL) {
		perror(path);
		return 1;
	}
	while (fgets(old, sizeof(old), f) != NULL) {
		if (old[0] == '#' || strcmp(old, title) == 0)
			continue;
		if (i >= rows || strcmp(old, text[i]) != 0) {
			if (differ++ == 0)
				fputs(title, stdout);
			printf("-%s", old);
			if (i < rows)
				printf("+%s", text[i]);
		}
		i++;
	}
	fclose(f);
	for (; i < rows; i++, differ++)
		printf("+%s", text[i]);
	if (differ == 0)
		return 0;
	printf("%u rows differ from %s. If the change is meant: %s --write %s\n", differ, path,
		program, path);
	return 1;
}

static int write_all(const char *path, char (*text)[ROW_TEXT], uint32_t rows)
{
	FILE *f = path != NULL ? fopen(path, "w") : stdout;

	if (f == NULL) {
		perror(path);
		return 1;
	}
	fputs(header, f);
	fputs(title, f);
	for (uint32_t i = 0; i < rows; i++)
		fputs(text[i], f);
	if (f != stdout && fclose(f) != 0) {
		perror(path);
		return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"compare", required_argument, NULL, 'c'},
		{"write", required_argument, NULL, 'w'}, {0}};
	const char *against = NULL, *to = NULL;
	char(*text)[ROW_TEXT];
	uint32_t rows;
	int o;

	while ((o = getopt_long(argc, argv, "c:w:", options, NULL)) != -1) {
		if (o == 'c')
			against = optarg;
		else if (o == 'w')
			to = optarg;
		else
			return 2;
	}
	text = rows_run(&rows);
	if (text == NULL)
		return 1;
	return against != NULL ? compare(against, argv[0], text, rows) : write_all(to, text, rows);
}
