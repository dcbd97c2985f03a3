/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include <fcntl.h>
#include <pcap/pcap.h>
#include <rte_eal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"

// From the workers' rings into a file.

// The control side's turn for captures is called here as well, so that the test turns what it
// tests.
static void run(wr_us_t us)
{
	for (wr_us_t end = rig.t->now + us; rig.t->now < end;) {
		rig_run(5 * TRI_MS);
		pthread_mutex_lock(&rig.c->lock);
		wr_ctl_capture_turn(rig.c, rig.c->now_us);
		pthread_mutex_unlock(&rig.c->lock);
	}
}

static struct wr_tape *start(struct wr_capture_spec s)
{
	struct wr_capture *ring[WR_MAX_WORKERS];
	struct bpf_program prog;
	struct wr_err err = {0};
	struct wr_tape *t = NULL;

	if (s.packets == 0)
		s.packets = 1000;
	if (s.seconds == 0)
		s.seconds = 10;
	s.in = s.out = true;
	if (wr_capture_spec_compile(&s, &prog, &err) == 0 &&
		wr_ctl_capture_rings(rig.c, &s, &prog, ring, &err)) {
		pthread_mutex_lock(&rig.c->lock);
		t = wr_ctl_capture_start(rig.c, &s, ring, &err);
		pthread_mutex_unlock(&rig.c->lock);
		wr_ctl_capture_rings_free(ring);
	}
	pcap_freecode(&prog);
	if (t == NULL)
		fail_msg("%s", err.text);
	return t;
}

static void traffic(uint32_t n)
{
	run(10 * TRI_MS); // workers are told
	for (uint32_t i = 0; i < n; i++)
		tri_connect(rig.t, &(struct tri_want){.mode = TRI_ECHO, .up = 2000});
	run(500 * TRI_MS);
}

// Packets of the file as libpcap reads them; times must not go back.
static uint64_t packets_in(const char *file)
{
	char error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *h;
	const uint8_t *data;
	uint64_t n = 0, before = 0;
	pcap_t *in =
		pcap_open_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, error);

	if (in == NULL)
		fail_msg("%s: %s", file, error);
	while (pcap_next_ex(in, &h, &data) == 1) {
		uint64_t at = (uint64_t)h->ts.tv_sec * 1000000000 + (uint64_t)h->ts.tv_usec;

		assert_true(at >= before);
		before = at;
		n++;
	}
	pcap_close(in);
	return n;
}

static void drop(struct wr_tape *t)
{
	assert_int_equal(t->state, WR_TAPE_ENDED);
	assert_int_equal(wr_ctl_capture_remove(rig.c, t->id), 0);
}

static void capture_ends_by_time(void **state)
{
	struct wr_tape *t = start((struct wr_capture_spec){.port = -1, .seconds = 1});

	traffic(3);
	assert_int_equal(t->state, WR_TAPE_RUNNING);
	assert_true(t->packets > 10);
	run(TRI_S);
	assert_int_equal(t->state, WR_TAPE_ENDED);
	assert_string_equal(t->why, "its time is over");
	assert_int_equal(t->lost, 0);
	assert_int_equal(packets_in(t->file), t->packets);
	assert_int_equal(rig_event(WR_EV_capture_ended)->count, t->packets);
	drop(t);
}

static void capture_ends_by_packets(void **state)
{
	struct wr_tape *t = start((struct wr_capture_spec){.port = 0, .packets = 7});

	traffic(5);
	assert_int_equal(t->state, WR_TAPE_ENDED);
	assert_int_equal(t->packets, 7);
	assert_int_equal(packets_in(t->file), 7);
	drop(t);
}

static void capture_filter_that_nothing_passes(void **state)
{
	struct wr_tape *t =
		start((struct wr_capture_spec){.port = -1, .filter = "udp port 9", .seconds = 1});

	traffic(2);
	run(TRI_S);
	assert_int_equal(t->packets, 0);
	assert_int_equal(packets_in(t->file), 0);
	drop(t);
}

static void capture_stop_and_one_at_a_time(void **state)
{
	struct wr_tape *t = start((struct wr_capture_spec){.port = -1});
	struct wr_capture *none[WR_MAX_WORKERS] = {NULL};
	struct wr_capture_spec s = {.port = -1, .packets = 1, .seconds = 1};
	struct wr_err err = {0};

	assert_null(wr_ctl_capture_start(rig.c, &s, none, &err));
	assert_non_null(strstr(err.text, "one at a time"));
	assert_int_equal(wr_ctl_capture_remove(rig.c, t->id), -EBUSY);
	assert_int_equal(wr_ctl_capture_stop(rig.c, t->id + 1, "x"), -ENOENT);
	assert_int_equal(wr_ctl_capture_stop(rig.c, t->id, "enough"), 0);
	run(50 * TRI_MS);
	assert_string_equal(t->why, "enough");
	drop(t);
}

// Files stay until they are removed, and there are not many.
static void capture_files_are_kept_to_a_number(void **state)
{
	struct wr_capture *none[WR_MAX_WORKERS] = {NULL};
	struct wr_capture_spec s = {.port = -1, .packets = 1, .seconds = 1};
	struct wr_err err = {0};

	for (uint32_t i = 0; i < WR_TAPES_KEPT; i++) {
		struct wr_tape *t = start((struct wr_capture_spec){.port = -1});

		wr_ctl_capture_stop(rig.c, t->id, "enough");
		run(50 * TRI_MS);
	}
	assert_null(wr_ctl_capture_start(rig.c, &s, none, &err));
	assert_non_null(strstr(err.text, "were not removed yet"));
	while (rig.c->captures->count > 0)
		drop(&rig.c->captures->tape[0]);
}

static void capture_is_finished_with_the_instance(void **state)
{
	struct wr_tape *t = start((struct wr_capture_spec){.port = -1});
	char file[WR_TAPE_PATH_LEN];
	uint64_t packets;

	traffic(2);
	snprintf(file, sizeof(file), "%s", t->file);
	packets = t->packets;
	// No worker runs while a test does not turn it.
	for (uint16_t w = 0; w < rig.c->workers; w++)
		wr_fabric_worker(rig.t->f, w)->capture = NULL;
	wr_ctl_capture_fini(rig.c);
	assert_null(rig.c->captures);
	assert_true(packets_in(file) >= packets);
	unlink(file);
}

static void made(char *path, size_t len, const char *name)
{
	int fd;

	snprintf(path, len, "%s/%s", rte_eal_get_runtime_dir(), name);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
}

// Frames are not for everyone who may look at figures.
static void capture_file_is_for_those_who_act(void **state)
{
	struct wr_conf *conf = (struct wr_conf *)(uintptr_t)rig.c->conf;
	char key[WR_TAPE_PATH_LEN];
	struct wr_tape *t = start((struct wr_capture_spec){.port = -1, .packets = 1});
	struct stat st;

	assert_int_equal(stat(t->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	wr_ctl_capture_stop(rig.c, t->id, "enough");
	run(50 * TRI_MS);
	drop(t);
	made(key, sizeof(key), "act.key");
	if (geteuid() == 0)
		assert_int_equal(chown(key, (uid_t)-1, 54321), 0);
	snprintf(conf->runtime.act_group, sizeof(conf->runtime.act_group), "some");
	t = start((struct wr_capture_spec){.port = -1, .packets = 1});
	conf->runtime.act_group[0] = '\0';
	unlink(key);
	assert_int_equal(stat(t->file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(st.st_gid, geteuid() == 0 ? 54321 : getegid());
	wr_ctl_capture_stop(rig.c, t->id, "enough");
	run(50 * TRI_MS);
	drop(t);
}

static void capture_first_removes_files_of_before(void **state)
{
	char old[WR_TAPE_PATH_LEN], other[WR_TAPE_PATH_LEN];
	struct wr_tape *t;

	made(old, sizeof(old), "capture-7.pcapng");
	made(other, sizeof(other), "capture-7.pcapng.kept");
	assert_null(rig.c->captures);
	t = start((struct wr_capture_spec){.port = -1, .packets = 1});
	assert_int_not_equal(access(old, F_OK), 0);
	assert_int_equal(access(other, F_OK), 0);
	unlink(other);
	wr_ctl_capture_stop(rig.c, t->id, "enough");
	run(50 * TRI_MS);
	drop(t);
}

static void capture_takes_a_quarter_of_the_room(void **state)
{
	assert_int_equal(wr_ctl_capture_room(0), 0);
	assert_int_equal(wr_ctl_capture_room((4u << 20) - 1), 0);
	assert_int_equal(wr_ctl_capture_room(4u << 20), 1u << 20);
	assert_int_equal(wr_ctl_capture_room(400u << 20), 100u << 20);
	assert_int_equal(wr_ctl_capture_room(1ULL << 50), WR_TAPE_FILE_BYTES);
}

static void capture_ends_by_bytes(void **state)
{
	struct wr_tape *t = start((struct wr_capture_spec){.port = -1});

	assert_in_range(t->bytes_max, WR_TAPE_FILE_MIN, WR_TAPE_FILE_BYTES);
	t->bytes_max = 4096;
	traffic(5);
	assert_int_equal(t->state, WR_TAPE_ENDED);
	assert_non_null(strstr(t->why, "may have no more"));
	assert_int_equal(packets_in(t->file), t->packets);
	drop(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(capture_ends_by_time, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(capture_ends_by_packets, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			capture_filter_that_nothing_passes, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			capture_stop_and_one_at_a_time, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			capture_files_are_kept_to_a_number, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			capture_is_finished_with_the_instance, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			capture_file_is_for_those_who_act, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(
			capture_first_removes_files_of_before, rig_setup, rig_teardown),
		cmocka_unit_test(capture_takes_a_quarter_of_the_room),
		cmocka_unit_test_setup_teardown(capture_ends_by_bytes, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}
