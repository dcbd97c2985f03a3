/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <dirent.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wr_log.h"

#define ANSWER_TRIES 20000

struct rig rig;

static struct {
	char dir[32];
	int fd;
	char raw[32768];
} tel = {.dir = "/tmp/wr-ctl-XXXXXX", .fd = -1};

// --- EAL and its socket --------------------------------------------------------------------------

void rig_eal_start(void)
{
	static char *argv[] = {"test", "--no-huge", "-m", "512", "--no-pci", "--no-shconf",
		"--lcores", "0@0", "--log-level", "lib.*:error", "--file-prefix", "ctl", NULL};
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char hello[1024];

	if (tel.fd >= 0)
		return;
	assert_non_null(mkdtemp(tel.dir));
	assert_int_equal(setenv("RUNTIME_DIRECTORY", tel.dir, 1), 0);
	assert_true(rte_eal_init(12, argv) >= 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dpdk/ctl/dpdk_telemetry.v2", tel.dir);
	tel.fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(connect(tel.fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_true(recv(tel.fd, hello, sizeof(hello), 0) > 0);
}

static void remove_tree(const char *path)
{
	DIR *d = opendir(path);
	struct dirent *e;
	char sub[512];

	while (d != NULL && (e = readdir(d)) != NULL) {
		if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
			continue;
		snprintf(sub, sizeof(sub), "%s/%s", path, e->d_name);
		if (e->d_type == DT_DIR)
			remove_tree(sub);
		else
			unlink(sub);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

void rig_eal_stop(void)
{
	if (tel.fd < 0)
		return;
	close(tel.fd);
	tel.fd = -1;
	rte_eal_cleanup();
	remove_tree(tel.dir);
}

json_t *rig_ask_pumping(const char *request, rig_pump_fn turn, void *arg)
{
	struct pollfd pfd = {.fd = tel.fd, .events = POLLIN};
	json_error_t where;
	json_t *top;
	ssize_t n;

	assert_int_equal(send(tel.fd, request, strlen(request), 0), (ssize_t)strlen(request));
	for (int i = 0; poll(&pfd, 1, turn != NULL ? 0 : 5000) == 0; i++) {
		if (turn == NULL || i == ANSWER_TRIES)
			fail_msg("no answer to %s", request);
		turn(arg);
		if (i > 100)
			poll(&pfd, 1, 1);
	}
	n = recv(tel.fd, tel.raw, sizeof(tel.raw) - 1, 0);
	assert_true(n > 0);
	tel.raw[n] = '\0';
	top = json_loads(tel.raw, 0, &where);
	if (top == NULL)
		fail_msg("not JSON: %s in %s", where.text, tel.raw);
	return top;
}

const char *rig_raw(void)
{
	return tel.raw;
}

json_t *rig_page(json_t *top)
{
	return json_object_iter_value(json_object_iter(top));
}

size_t rig_rows(json_t *top)
{
	json_t *rows = json_object_get(rig_page(top), "rows");

	assert_true(json_is_object(rows));
	return json_object_size(rows);
}

json_t *rig_row(json_t *top, unsigned int number)
{
	char key[16];
	json_t *row;

	snprintf(key, sizeof(key), "%u", number);
	row = json_object_get(json_object_get(rig_page(top), "rows"), key);
	if (row == NULL)
		fail_msg("no row %u in %s", number, tel.raw);
	return row;
}

uint64_t rig_uint(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	if (!json_is_integer(value))
		fail_msg("no number %s in %s", key, tel.raw);
	return (uint64_t)json_integer_value(value);
}

const char *rig_str(const json_t *row, const char *key)
{
	const json_t *value = json_object_get(row, key);

	if (!json_is_string(value))
		fail_msg("no text %s in %s", key, tel.raw);
	return json_string_value(value);
}

// --- a fabric with a control side
// -----------------------------------------------------------------

void rig_begin(const struct tri_config *cfg)
{
	struct wr_err err = {0};

	rig.t = tri_create(cfg);
	rig.c = wr_ctl_create(rig.t->f, &err);
	if (rig.c == NULL)
		fail_msg("%s", err.text);
	rig.c->answer_ms = 100;
	wr_ctl_turn(rig.c, rig.t->now);
}

int rig_setup(void **state)
{
	rig_begin(&(struct tri_config){.seed = 1, .family = 4});
	return 0;
}

int rig_teardown(void **state)
{
	wr_ctl_destroy(rig.c);
	tri_finish(rig.t);
	return 0;
}

int rig_group_start(void **state)
{
	// Events go to the log; the tests look at the history.
	wr_log_set_level(WR_LOG_ERROR - 1);
	rig_eal_start();
	return 0;
}

int rig_group_stop(void **state)
{
	rig_eal_stop();
	return 0;
}

void rig_run(wr_us_t us)
{
	wr_us_t end = rig.t->now + us;

	tri_settle(rig.t);
	wr_ctl_turn(rig.c, rig.t->now);
	while (rig.t->now < end) {
		tri_step(rig.t, RTE_MIN(end, rig.t->now + 5 * WR_US_PER_MS));
		wr_ctl_turn(rig.c, rig.t->now);
	}
	tri_settle(rig.t);
}

static void turn_workers(void *arg)
{
	tri_settle(arg);
}

json_t *rig_ask(const char *request)
{
	return rig_ask_pumping(request, turn_workers, rig.t);
}

void rig_expect_error(const char *request, const char *part_of_error, const char *part_of_remedy)
{
	json_t *top = rig_ask(request);

	assert_int_equal(rig_rows(top), 1);
	if (strstr(rig_str(rig_row(top, 0), "error"), part_of_error) == NULL ||
		strstr(rig_str(rig_row(top, 0), "remedy"), part_of_remedy) == NULL)
		fail_msg("%s: %s", request, rig_raw());
	json_decref(top);
}

void rig_expect_done(const char *request, const char *verb, const char *target, const char *part)
{
	json_t *top = rig_ask(request);
	json_t *row = rig_row(top, 0);

	if (json_object_get(row, "done") == NULL)
		fail_msg("%s: %s", request, rig_raw());
	assert_string_equal(rig_str(row, "verb"), verb);
	assert_string_equal(rig_str(row, "target"), target);
	if (strstr(rig_str(row, "done"), part) == NULL)
		fail_msg("%s: %s", request, rig_raw());
	assert_int_equal(rig_uint(row, "event_id"), rig.c->history.next_id - 1);
	json_decref(top);
}

void rig_expect_confirm(const char *request, const char *again, const char *part)
{
	json_t *top = rig_ask(request);
	json_t *row = rig_row(top, 0);

	if (json_object_get(row, "confirm") == NULL)
		fail_msg("%s: %s", request, rig_raw());
	assert_string_equal(rig_str(row, "confirm"), again);
	if (strstr(rig_raw(), part) == NULL || strstr(rig_raw(), "nothing was done") == NULL)
		fail_msg("%s: %s", request, rig_raw());
	json_decref(top);
}

const struct wr_event *rig_event(enum wr_event_kind kind)
{
	struct wr_history *h = &rig.c->history;

	for (uint64_t id = h->next_id - 1; id >= wr_history_oldest(h); id--)
		if (wr_history_get(h, id)->ev.kind == kind)
			return &wr_history_get(h, id)->ev;
	return NULL;
}

uint32_t rig_event_count(enum wr_event_kind kind)
{
	struct wr_history *h = &rig.c->history;
	uint32_t n = 0;

	for (uint64_t id = wr_history_oldest(h); id < h->next_id; id++)
		n += wr_history_get(h, id)->ev.kind == kind;
	return n;
}
