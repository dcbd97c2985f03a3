/* SPDX-License-Identifier: BSD-3-Clause */
#include "top.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "human.h"
#include "table.h"

#define REFRESH_MS 1000
#define QUEUES_MAX 12
#define CLEAR      "\033[H\033[2J"

// One look at the instance.
struct sample {
	json_t *status; // its only row
	json_t *workers;
	json_t *queues;
	json_t *pressure;
	double at_s;
};

static double clock_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void drop_sample(struct sample *s)
{
	json_decref(s->status);
	json_decref(s->workers);
	json_decref(s->queues);
	json_decref(s->pressure);
	*s = (struct sample){0};
}

static int fetch(const struct client *c, const char *path, json_t **rows, struct wr_err *err)
{
	uint64_t total;
	int more;

	return client_fetch(c, path, "", rows, &total, &more, NULL, err);
}

static int take_sample(const struct client *c, struct sample *s, struct wr_err *err)
{
	struct client near = *c;
	int rc;

	// Queues come nearest to full first: the first page is enough.
	near.limit = 1;
	*s = (struct sample){.at_s = clock_s()};
	rc = fetch(c, "/weir/status", &s->status, err);
	if (rc == EXIT_OK)
		rc = fetch(c, "/weir/workers", &s->workers, err);
	if (rc == EXIT_OK)
		rc = fetch(&near, "/weir/queues", &s->queues, err);
	if (rc == EXIT_OK)
		rc = fetch(c, "/weir/pressure", &s->pressure, err);
	if (rc == EXIT_OK && json_array_size(s->status) != 1)
		rc = -wr_err_set(err, EXIT_FAILED, "the instance says nothing of its status");
	if (rc != EXIT_OK)
		drop_sample(s);
	return rc;
}

// Growth of a counter a second. A counter that went back means another instance under the name.
static double rate(const json_t *now, const json_t *before, const char *key, double seconds)
{
	uint64_t n = client_uint(now, key), b = client_uint(before, key);

	return n >= b && seconds > 0 ? (double)(n - b) / seconds : 0;
}

static void put_rate(const char *what, double per_s, const char *unit)
{
	char text[HUMAN_LEN];
	size_t len = strlen(human_rate(per_s, text, sizeof(text)));

	// "12.3 kbit/s", "500 bit/s", "7/s"
	printf("%s%s%s%s  ", what, text, text[len - 1] <= '9' && unit[0] != '/' ? " " : "", unit);
}

static void print_head(const struct sample *now, const struct sample *before)
{
	const json_t *s = json_array_get(now->status, 0);
	const json_t *b = json_array_get(before->status, 0);
	double seconds = now->at_s - before->at_s;
	char up[HUMAN_LEN];

	printf("%s %s  %s  up %s  level P%" PRIu64 "  backends %" PRIu64 " of %" PRIu64 "\n",
		client_str(s, "name"), client_str(s, "version"), client_str(s, "state"),
		human_by_key("_s", client_uint(s, "uptime_s"), up, sizeof(up)),
		client_uint(s, "level"), client_uint(s, "backends_usable"),
		client_uint(s, "backends"));
	printf("sessions %" PRIu64 "  connections %" PRIu64 "  ", client_uint(s, "sessions"),
		client_uint(s, "connections"));
	put_rate("new ", rate(s, b, "sessions_total", seconds), "/s");
	put_rate("rx ", rate(s, b, "rx_frames", seconds), "frames/s");
	put_rate("", 8 * rate(s, b, "rx_bytes", seconds), "bit/s");
	put_rate("tx ", rate(s, b, "tx_frames", seconds), "frames/s");
	put_rate("", 8 * rate(s, b, "tx_bytes", seconds), "bit/s");
	printf("\nrefusals %" PRIu64 "  ", client_uint(s, "works_queue_full"));
	put_rate("now ", rate(s, b, "works_queue_full", seconds), "/s");
	printf("drops %" PRIu64 "  ", client_uint(s, "drops"));
	put_rate("now ", rate(s, b, "drops", seconds), "/s");
	printf("\n\n");
}

static void print_workers(const struct sample *now, const struct sample *before)
{
	char rx[HUMAN_LEN], tx[HUMAN_LEN];

	printf("WORKER  CPU  LEVEL    LOAD  SESSIONS     RX/s     TX/s  HELD/BUDGET    CAUSE\n");
	for (size_t i = 0; i < json_array_size(now->workers); i++) {
		json_t *w = json_array_get(now->workers, i);
		const json_t *b = json_array_get(before->workers, i);
		const json_t *p = json_array_get(now->pressure, i);
		double seconds = now->at_s - before->at_s;
		double cycles = (double)client_uint(w, "cycles_per_s");
		double busy = rate(w, b, "cycles_busy", seconds);

		printf("%6" PRIu64 "  %3" PRIu64 "     P%" PRIu64 "  %4.0f %%  %8" PRIu64
		       "  %7s  %7s  %" PRIu64 "/%" PRIu64 "  %s %s\n",
			client_uint(w, "worker"), client_uint(w, "cpu"), client_uint(w, "level"),
			cycles > 0 ? 100 * busy / cycles : 0, client_uint(w, "sessions"),
			human_rate(rate(w, b, "rx_frames", seconds), rx, sizeof(rx)),
			human_rate(rate(w, b, "tx_frames", seconds), tx, sizeof(tx)),
			client_uint(w, "held_rx_mbufs"), client_uint(w, "held_budget"),
			client_str(p, "cause"), client_str(p, "cause_scope"));
	}
	printf("\n");
}

static void print_queues(const struct sample *now)
{
	static const struct column columns[] = {{"queue", "NEAREST TO FULL"}, {"scope", "SCOPE"},
		{"worker", "WORKER"}, {"used_permille", "USED"}, {"depth", "DEPTH", true},
		{"capacity", "CAPACITY", true}, {"unit", "UNIT"}, {"peak", "PEAK", true},
		{"state", "STATE"}, {"refusals", "REFUSALS"}, {"last_reason", "LAST REASON"}};
	json_t *first = json_array();

	for (size_t i = 0; i < QUEUES_MAX && i < json_array_size(now->queues); i++)
		json_array_append(first, json_array_get(now->queues, i));
	table_print(stdout, columns, sizeof(columns) / sizeof(columns[0]), first);
	json_decref(first);
}

// Wait for the next refresh. True when the user wants to leave.
static bool wait_or_leave(int signals, bool keys)
{
	struct pollfd fds[2] = {
		{.fd = signals, .events = POLLIN}, {.fd = STDIN_FILENO, .events = POLLIN}};
	double end = clock_s() + REFRESH_MS / 1000.0;
	char key;

	for (;;) {
		double left = end - clock_s();

		if (left <= 0)
			return false;
		if (poll(fds, keys ? 2 : 1, (int)(left * 1000) + 1) <= 0)
			continue;
		if (fds[0].revents != 0)
			return true;
		if (!keys || fds[1].revents == 0)
			continue;
		if (read(STDIN_FILENO, &key, 1) != 1)
			keys = false;
		else if (key == 'q' || key == 'Q')
			return true;
	}
}

static int refresh_until_left(
	const struct client *c, bool once, int signals, bool keys, struct wr_err *err)
{
	struct sample before, now;
	int rc = take_sample(c, &before, err);

	// Rates need two looks, so that the first picture comes after a second.
	while (rc == EXIT_OK && !wait_or_leave(signals, keys)) {
		rc = take_sample(c, &now, err);
		if (rc != EXIT_OK)
			break;
		if (!once && isatty(STDOUT_FILENO))
			printf(CLEAR);
		print_head(&now, &before);
		print_workers(&now, &before);
		print_queues(&now);
		if (!once && keys)
			printf("\nq ends\n");
		fflush(stdout);
		drop_sample(&before);
		before = now;
		if (once)
			break;
	}
	drop_sample(&before);
	return rc;
}

int top_run(const struct client *c, bool once, struct wr_err *err)
{
	bool keys = !once && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
	struct termios saved, raw;
	sigset_t set;
	int signals, rc;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return -wr_err_set(err, EXIT_FAILED, "no descriptor for signals is left");
	keys = keys && tcgetattr(STDIN_FILENO, &saved) == 0;
	if (keys) {
		raw = saved;
		raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	}
	rc = refresh_until_left(c, once, signals, keys, err);
	if (keys)
		tcsetattr(STDIN_FILENO, TCSANOW, &saved);
	close(signals);
	return rc;
}
