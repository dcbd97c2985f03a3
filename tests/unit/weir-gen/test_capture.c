/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets_test.h"

#include <unistd.h>

#include "capture.h"
#include "pcap_file.h"

#define EPOCH 1700000000000000000ULL

static char path[64];

static int setup(void **state)
{
	int fd;

	snprintf(path, sizeof(path), "/tmp/t_capture_XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	t_pool();
	return 0;
}

static int teardown(void **state)
{
	return unlink(path);
}

static struct rte_mbuf *frame(uint32_t len, uint8_t fill)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(t_pool());

	assert_non_null(m);
	memset(rte_pktmbuf_append(m, (uint16_t)len), fill, len);
	return m;
}

static void capture_round_trip(void **state)
{
	struct wr_err err = {""};
	struct capture *c = capture_open(path, 0, 0, EPOCH, &err);
	struct pcap_file *f;

	assert_non_null(c);
	for (uint32_t i = 0; i < 2000; i++) {
		struct rte_mbuf *m = frame(60 + i % 1000, (uint8_t)i);
		struct gen_now now = t_at(i * 1234567ULL);

		capture_write(c, m, &now);
		assert_int_equal(rte_mbuf_refcnt_read(m), 1);
		rte_pktmbuf_free(m);
	}
	assert_int_equal(capture_written(c), 2000);
	assert_int_equal(capture_missed(c), 0);
	assert_int_equal(capture_close(c, &err), 0);
	f = pcap_file_load(path, T_MTU, PCAP_FILE_MOST, &err);
	assert_non_null(f);
	assert_int_equal(f->count, 2000);
	for (uint32_t i = 0; i < 2000; i++) {
		assert_int_equal(f->frame[i].at_ns, i * 1234567ULL);
		assert_int_equal(f->frame[i].len, 60 + i % 1000);
		assert_int_equal(f->data[f->frame[i].offset + 59], (uint8_t)i);
	}
	pcap_file_destroy(f);
	assert_int_equal(rte_mempool_in_use_count(t_pool()), 0);
}

// The bytes of the file: nanoseconds, time of day, a frame cut, in two segments, and a bound.
static void capture_cut_and_bound(void **state)
{
	struct capture *c = capture_open(path, 80, 2, EPOCH, NULL);
	struct gen_now now = t_at(1000000005);
	struct rte_mbuf *m = frame(70, 1);
	uint8_t b[400];
	uint32_t w;
	size_t n;
	FILE *in;

	assert_non_null(c);
	m->next = frame(50, 2);
	m->nb_segs = 2;
	m->pkt_len = 120;
	for (int i = 0; i < 3; i++)
		capture_write(c, m, &now);
	rte_pktmbuf_free(m);
	assert_int_equal(capture_written(c), 2);
	assert_int_equal(capture_missed(c), 1);
	assert_int_equal(capture_close(c, NULL), 0);

	in = fopen(path, "rb");
	assert_non_null(in);
	n = fread(b, 1, sizeof(b), in);
	fclose(in);
	assert_int_equal(n, 24 + 2 * (16 + 80));
	memcpy(&w, b, 4);
	assert_int_equal(w, 0xa1b23c4d);
	memcpy(&w, b + 24, 4);
	assert_int_equal(w, 1700000001);
	memcpy(&w, b + 28, 4);
	assert_int_equal(w, 5);
	memcpy(&w, b + 32, 4);
	assert_int_equal(w, 80);
	memcpy(&w, b + 36, 4);
	assert_int_equal(w, 120);
	assert_int_equal(b[40 + 69], 1);
	assert_int_equal(b[40 + 70], 2);
}

static void capture_open_refused(void **state)
{
	struct wr_err err = {""};

	assert_null(capture_open("/nonexistent/x.pcap", 0, 0, 0, &err));
	assert_non_null(strstr(err.text, "/nonexistent/x.pcap cannot be written: "));
	assert_int_equal(capture_close(NULL, &err), 0);
}

static void capture_close_disk_full(void **state)
{
	struct wr_err err = {""};
	struct capture *c;
	struct gen_now now = t_at(0);
	struct rte_mbuf *m;

	if (access("/dev/full", W_OK) != 0)
		skip();
	c = capture_open("/dev/full", 0, 0, 0, &err);
	if (c == NULL) { // the header was refused already
		assert_non_null(strstr(err.text, "/dev/full"));
		return;
	}
	m = frame(60, 1);
	capture_write(c, m, &now);
	rte_pktmbuf_free(m);
	assert_int_equal(capture_close(c, &err), -EIO);
	assert_non_null(strstr(err.text, "/dev/full is not whole"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capture_round_trip),
		cmocka_unit_test(capture_cut_and_bound),
		cmocka_unit_test(capture_open_refused),
		cmocka_unit_test(capture_close_disk_full),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
