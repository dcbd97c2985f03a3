/* SPDX-License-Identifier: BSD-3-Clause */
// A bad wire between two devices: delay, a bottleneck with a drop-tail queue, seeded loss and
// reordering.
//
// What arrives at one device leaves at the other, after: the pattern's verdict (data packets of one
// direction only), the queue (full: dropped), its turn at the bottleneck's rate, and half the round
// trip. A data packet is TCP with payload; the pattern depends on the seed and on how many data
// packets came before, on nothing else. ARP and neighbour discovery pass at once: they are neither
// delayed nor dropped.
//
// Ends on SIGTERM or SIGINT and prints one JSON object with all it did, so that no drop is
// unexplained.
#include "relay_frame.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FRAME_MAX  1600u // slot size; MTU 1500 and its headers
#define RX_BURST   32u
#define LINE_SLOTS 16384u // 200 Mbit/s of full frames for 900 ms
#define LATE_SLOTS 4096u
// Bytes the kernel may hold for us; what does not fit shows as lost_socket.
#define SOCKET_BUF (64 << 20)
#define NS         1000000000ull

static const uint64_t late_edges_us[] = {20, 50, 100, 200, 500, 1000, 2000, 5000};
#define LATE_BUCKETS (sizeof(late_edges_us) / sizeof(late_edges_us[0]) + 1)

struct slot {
	uint64_t due; // ns
	uint32_t len;
	uint8_t frame[FRAME_MAX];
};

// First in, first out: due times never fall along it.
struct line {
	struct slot *slots;
	uint32_t size; // a power of two
	uint32_t head, tail;
};

struct counts {
	uint64_t in, in_bytes, out, out_bytes;
	uint64_t data, random, reordered; // data packets of the lossy direction, and their verdicts
	uint64_t queue;                   // dropped: no room at the bottleneck
	uint64_t overflow, oversize;      // dropped: no slot; longer than a slot
	uint64_t send_failed, neighbour;
	uint64_t queue_peak; // bytes
	uint64_t late[LATE_BUCKETS];
	uint64_t late_max; // ns
};

struct way {
	int rx, tx;
	bool lossy;
	uint64_t free_at; // ns: when the bottleneck has sent all that it took
	struct line line; // in order
	struct line late; // taken out of order
	struct counts n;
};

struct relay {
	const char *dev[2];
	struct way way[2];          // 0: first device to second
	uint64_t half_rtt, late_by; // ns
	uint64_t rate;              // bit/s
	uint64_t queue_bytes;
	uint64_t loss, reorder; // 2^-64 shares
	uint64_t seed;
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
	(void)sig;
	stopped = 1;
}

static _Noreturn void die(const char *what, const char *which)
{
	fprintf(stderr, "relay: %s%s%s: %s\n", what, which ? " " : "", which ? which : "",
		errno ? strerror(errno) : "see --help");
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS + (uint64_t)t.tv_nsec;
}

static bool pattern_drops(const struct relay *r, uint64_t number)
{
	return pattern(r->seed, 0, number, r->loss);
}

static bool pattern_reorders(const struct relay *r, uint64_t number)
{
	return pattern(r->seed, 1, number, r->reorder);
}

// ---- frames ------------------------------------------------------------------------------------

static struct slot *line_room(struct line *l)
{
	return l->tail - l->head < l->size ? &l->slots[l->tail & (l->size - 1)] : NULL;
}

static struct slot *line_first(struct line *l)
{
	return l->head != l->tail ? &l->slots[l->head & (l->size - 1)] : NULL;
}

static void way_send(struct way *w, const uint8_t *frame, uint32_t len)
{
	if (send(w->tx, frame, len, MSG_DONTWAIT) == (ssize_t)len) {
		w->n.out++;
		w->n.out_bytes += len;
	} else {
		w->n.send_failed++;
	}
}

// The bottleneck: a frame leaves when all before it have, at the rate. Returns false when the queue
// is full.
static bool bottleneck_take(const struct relay *r, struct way *w, uint32_t len, uint64_t now)
{
	uint64_t queued = 0;

	if (r->rate == 0) {
		w->free_at = now;
		return true;
	}
	if (w->free_at > now)
		queued = (w->free_at - now) * (r->rate / 8) / NS;
	if (queued + len > r->queue_bytes)
		return false;
	if (queued + len > w->n.queue_peak)
		w->n.queue_peak = queued + len;
	w->free_at = (w->free_at > now ? w->free_at : now) + (uint64_t)len * 8 * NS / r->rate;
	return true;
}

static void way_take(
	const struct relay *r, struct way *w, const uint8_t *frame, uint32_t len, uint64_t now)
{
	enum kind kind = frame_kind(frame, len);
	struct line *l = &w->line;
	struct slot *s;
	bool late = false;

	w->n.in++;
	w->n.in_bytes += len;
	if (kind == KIND_NEIGHBOUR) {
		w->n.neighbour++;
		way_send(w, frame, len);
		return;
	}
	if (kind == KIND_DATA && w->lossy) {
		uint64_t number = w->n.data++;

		if (pattern_drops(r, number)) {
			w->n.random++;
			return;
		}
		late = pattern_reorders(r, number);
	}
	if (late)
		l = &w->late;
	s = line_room(l);
	if (!s) {
		w->n.overflow++;
		return;
	}
	if (!bottleneck_take(r, w, len, now)) {
		w->n.queue++;
		return;
	}
	w->n.reordered += late;
	s->due = w->free_at + r->half_rtt + (late ? r->late_by : 0);
	s->len = len;
	memcpy(s->frame, frame, len);
	l->tail++;
}

static void way_receive(const struct relay *r, struct way *w)
{
	static uint8_t frames[RX_BURST][FRAME_MAX];
	struct iovec iov[RX_BURST];
	struct mmsghdr msgs[RX_BURST];
	int n;

	for (uint32_t i = 0; i < RX_BURST; i++) {
		iov[i] = (struct iovec){frames[i], FRAME_MAX};
		msgs[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &iov[i], .msg_iovlen = 1}};
	}
	n = recvmmsg(w->rx, msgs, RX_BURST, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++) {
		if (msgs[i].msg_hdr.msg_flags & MSG_TRUNC) {
			w->n.in++;
			w->n.oversize++;
		} else {
			way_take(r, w, frames[i], msgs[i].msg_len, now_ns());
		}
	}
}

static void count_late(struct way *w, uint64_t ns)
{
	uint32_t b = 0;

	while (b < LATE_BUCKETS - 1 && ns / 1000 >= late_edges_us[b])
		b++;
	w->n.late[b]++;
	if (ns > w->n.late_max)
		w->n.late_max = ns;
}

// Sends what is due, returns when the next one is (UINT64_MAX: none).
static uint64_t way_deliver(struct way *w)
{
	for (;;) {
		struct slot *a = line_first(&w->line), *b = line_first(&w->late);
		struct line *l = b && (!a || b->due < a->due) ? &w->late : &w->line;
		struct slot *s = line_first(l);
		uint64_t now;

		if (!s)
			return UINT64_MAX;
		now = now_ns();
		if (s->due > now)
			return s->due;
		count_late(w, now - s->due);
		way_send(w, s->frame, s->len);
		l->head++;
	}
}

static void relay_run(struct relay *r)
{
	struct pollfd fds[2] = {{r->way[0].rx, POLLIN, 0}, {r->way[1].rx, POLLIN, 0}};
	sigset_t none;

	sigemptyset(&none);
	while (!stopped) {
		uint64_t next = way_deliver(&r->way[0]);
		uint64_t other = way_deliver(&r->way[1]);
		uint64_t now = now_ns(), wait;
		struct timespec t;

		if (other < next)
			next = other;
		wait = next <= now ? 0 : next - now;
		t = (struct timespec){(time_t)(wait / NS), (long)(wait % NS)};
		if (ppoll(fds, 2, next == UINT64_MAX ? NULL : &t, &none) <= 0)
			continue;
		for (int i = 0; i < 2; i++) {
			if (fds[i].revents)
				way_receive(r, &r->way[i]);
		}
	}
}

// ---- set-up and report -------------------------------------------------------------------------

static int device_open(const char *name)
{
	unsigned int index = if_nametoindex(name);
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)index};
	struct packet_mreq promisc = {.mr_ifindex = (int)index, .mr_type = PACKET_MR_PROMISC};
	int one = 1, buf = SOCKET_BUF, fd;

	if (index == 0)
		die("no device", name);
	// Protocol 0 until bound: nothing of other devices gets in.
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("cannot open a packet socket on", name);
	if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) ||
		setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) ||
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promisc, sizeof(promisc)) ||
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buf, sizeof(buf)) ||
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buf, sizeof(buf)) ||
		bind(fd, (struct sockaddr *)&at, sizeof(at)))
		die("cannot set up the packet socket on", name);
	return fd;
}

static void line_init(struct line *l, uint32_t size)
{
	l->size = size;
	l->slots = calloc(size, sizeof(*l->slots));
	if (!l->slots)
		die("no memory for", "queues");
}

static void relay_open(struct relay *r)
{
	int fd[2] = {device_open(r->dev[0]), device_open(r->dev[1])};

	for (int i = 0; i < 2; i++) {
		r->way[i].rx = fd[i];
		r->way[i].tx = fd[1 - i];
		line_init(&r->way[i].line, LINE_SLOTS);
		line_init(&r->way[i].late, LATE_SLOTS);
	}
	// Timers to the nanosecond, no page faults on the way.
	if (prctl(PR_SET_TIMERSLACK, 1ul, 0ul, 0ul, 0ul) || mlockall(MCL_CURRENT | MCL_FUTURE))
		die("cannot get precise timers and locked memory", NULL);
}

static uint64_t late_percentile(const struct counts *n, unsigned int percent)
{
	uint64_t all = 0, sum = 0;

	for (uint32_t b = 0; b < LATE_BUCKETS; b++)
		all += n->late[b];
	for (uint32_t b = 0; b < LATE_BUCKETS - 1; b++) {
		sum += n->late[b];
		if (sum * 100 >= all * percent)
			return late_edges_us[b];
	}
	return n->late_max / 1000;
}

static void way_report(const struct way *w)
{
	const struct counts *n = &w->n;
	struct tpacket_stats lost = {0};
	socklen_t size = sizeof(lost);

	getsockopt(w->rx, SOL_PACKET, PACKET_STATISTICS, &lost, &size);
	printf("{\"in\": %lu, \"in_bytes\": %lu, \"out\": %lu, \"out_bytes\": %lu, ", n->in,
		n->in_bytes, n->out, n->out_bytes);
	printf("\"data\": %lu, \"dropped_random\": %lu, \"reordered\": %lu, \"dropped_queue\": "
	       "%lu, ",
		n->data, n->random, n->reordered, n->queue);
	printf("\"dropped_overflow\": %lu, \"dropped_oversize\": %lu, \"send_failed\": %lu, ",
		n->overflow, n->oversize, n->send_failed);
	printf("\"lost_socket\": %u, \"inside\": %u, \"neighbour\": %lu, \"queue_peak_bytes\": "
	       "%lu, ",
		lost.tp_drops, w->line.tail - w->line.head + w->late.tail - w->late.head,
		n->neighbour, n->queue_peak);
	printf("\"late_us_p50\": %lu, \"late_us_p99\": %lu, \"late_us_max\": %lu}",
		late_percentile(n, 50), late_percentile(n, 99), n->late_max / 1000);
}

static void relay_report(const struct relay *r)
{
	struct rusage use;
	double cpu;

	getrusage(RUSAGE_SELF, &use);
	cpu = (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) +
	      (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
	printf("{\"queue_bytes\": %lu, \"cpu_seconds\": %.3f, \"a_to_b\": ", r->queue_bytes, cpu);
	way_report(&r->way[0]);
	printf(", \"b_to_a\": ");
	way_report(&r->way[1]);
	printf("}\n");
}

static _Noreturn void usage(FILE *to)
{
	fprintf(to,
		"relay [OPTIONS] DEVICE_A DEVICE_B\n"
		"  --rtt-us N       round trip; each direction waits half of it\n"
		"  --rate-mbit N    bottleneck of each direction (0: none)\n"
		"  --queue-bytes N  its queue; default one bandwidth-delay product\n"
		"  --data ab|ba     direction whose data packets the pattern judges; default ab\n"
		"  --loss PERCENT   share of them dropped, 0 to 100, fractions allowed\n"
		"  --reorder PERCENT  share of them held back, --late-us N by so much\n"
		"  --seed N         of the pattern\n"
		"  --list N         print the numbers of the first N data packets that are "
		"dropped, and end\n");
	exit(to == stderr);
}

static double number(const char *name, const char *text, double most)
{
	char *end;
	double v = strtod(text, &end);

	errno = 0;
	if (end == text || *end != '\0' || !(v >= 0 && v <= most))
		die("not a number in range:", name);
	return v;
}

static uint64_t share(double percent)
{
	return percent >= 100 ? UINT64_MAX : (uint64_t)(percent / 100 * 18446744073709551616.0);
}

static void list_pattern(const struct relay *r, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		if (pattern_drops(r, i))
			printf("%lu\n", i);
	}
}

static void options_read(struct relay *r, int argc, char **argv, uint64_t *list)
{
	static const struct option opts[] = {{"rtt-us", 1, NULL, 't'}, {"rate-mbit", 1, NULL, 'r'},
		{"queue-bytes", 1, NULL, 'q'}, {"data", 1, NULL, 'd'}, {"loss", 1, NULL, 'l'},
		{"reorder", 1, NULL, 'o'}, {"late-us", 1, NULL, 'u'}, {"seed", 1, NULL, 's'},
		{"list", 1, NULL, 'n'}, {"help", 0, NULL, 'h'}, {NULL, 0, NULL, 0}};
	double queue = -1;
	int ba = 0, c;

	while ((c = getopt_long(argc, argv, "", opts, NULL)) != -1) {
		switch (c) {
		case 't':
			r->half_rtt = (uint64_t)(number("rtt-us", optarg, 1e7) * 1000 / 2);
			break;
		case 'r':
			r->rate = (uint64_t)(number("rate-mbit", optarg, 1e5) * 1e6);
			break;
		case 'q':
			queue = number("queue-bytes", optarg, 1e9);
			break;
		case 'd':
			ba = strcmp(optarg, "ba") == 0;
			break;
		case 'l':
			r->loss = share(number("loss", optarg, 100));
			break;
		case 'o':
			r->reorder = share(number("reorder", optarg, 100));
			break;
		case 'u':
			r->late_by = (uint64_t)(number("late-us", optarg, 1e7) * 1000);
			break;
		case 's':
			r->seed = (uint64_t)number("seed", optarg, 9e15);
			break;
		case 'n':
			*list = (uint64_t)number("list", optarg, 1e9);
			break;
		default:
			usage(c == 'h' ? stdout : stderr);
		}
	}
	r->way[ba].lossy = true;
	r->queue_bytes = queue >= 0 ? (uint64_t)queue : r->rate / 8 * (2 * r->half_rtt) / NS;
	if (*list == 0 && argc - optind != 2)
		usage(stderr);
	r->dev[0] = argv[optind];
	r->dev[1] = *list == 0 ? argv[optind + 1] : NULL;
}

int main(int argc, char **argv)
{
	static struct relay r;
	struct sigaction act = {.sa_handler = stop};
	uint64_t list = 0;
	sigset_t ends;

	options_read(&r, argc, argv, &list);
	if (list != 0) {
		list_pattern(&r, list);
		return 0;
	}
	// Blocked but while waiting, so that none is missed.
	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	relay_open(&r);
	fputs("ready\n", stderr);
	relay_run(&r);
	relay_report(&r);
	return 0;
}
