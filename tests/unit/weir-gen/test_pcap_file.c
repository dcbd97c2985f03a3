/* SPDX-License-Identifier: BSD-3-Clause */
#include "pcap_test.h"

#include "pcap_file.h"

#define MTU 1500

static void refused(struct t_pcap *p, uint64_t most, const char *part)
{
	struct wr_err err = {""};

	t_pcap_close(p);
	assert_null(pcap_file_load(p->path, MTU, most, &err));
	if (strstr(err.text, part) == NULL)
		print_error("\"%s\" has no \"%s\"\n", err.text, part);
	assert_non_null(strstr(err.text, part));
	assert_non_null(strstr(err.text, p->path));
	unlink(p->path);
}

static void pcap_file_load_units(void **state)
{
	for (int nano = 0; nano < 2; nano++) {
		uint64_t unit = nano ? 1 : 1000;
		struct wr_err err = {""};
		struct pcap_file *f;
		struct t_pcap p;

		t_pcap_open(&p, nano ? T_PCAP_NS : T_PCAP_US, 1);
		t_pcap_add(&p, 1700000000, 999998, 60, 60, 1);
		t_pcap_add(&p, 1700000000, 999999, 1514, 1514, 2);
		t_pcap_add(&p, 1700000002, 0, 14, 14, 3);
		t_pcap_close(&p);
		f = pcap_file_load(p.path, MTU, PCAP_FILE_MOST, &err);
		assert_non_null(f);
		assert_int_equal(f->count, 3);
		assert_int_equal(f->frame[0].at_ns, 0);
		assert_int_equal(f->frame[1].at_ns, unit);
		assert_int_equal(f->frame[2].at_ns, 2000000000ULL - 999998 * unit);
		assert_int_equal(f->span_ns, f->frame[2].at_ns / 2 * 3);
		assert_int_equal(f->frame[1].len, 1514);
		assert_int_equal(f->data[f->frame[1].offset + 1513], 2);
		assert_int_equal(f->data[f->frame[2].offset], 3);
		pcap_file_destroy(f);
		unlink(p.path);
	}
}

static void pcap_file_load_times_back(void **state)
{
	struct pcap_file *f;
	struct t_pcap p;

	t_pcap_open(&p, T_PCAP_US, 1);
	t_pcap_add(&p, 100, 0, 60, 60, 1);
	t_pcap_add(&p, 100, 50, 60, 60, 2);
	t_pcap_add(&p, 100, 20, 60, 60, 3);
	t_pcap_add(&p, 99, 0, 60, 60, 4);
	t_pcap_close(&p);
	f = pcap_file_load(p.path, MTU, PCAP_FILE_MOST, NULL);
	assert_non_null(f);
	assert_int_equal(f->frame[2].at_ns, 50000);
	assert_int_equal(f->frame[3].at_ns, 50000);
	pcap_file_destroy(f);
	unlink(p.path);
}

// One frame, or all at one time: a round still takes time.
static void pcap_file_load_no_gaps(void **state)
{
	struct pcap_file *f;
	struct t_pcap p;

	t_pcap_open(&p, T_PCAP_US, 1);
	t_pcap_add(&p, 100, 0, 60, 60, 1);
	t_pcap_close(&p);
	f = pcap_file_load(p.path, MTU, PCAP_FILE_MOST, NULL);
	assert_non_null(f);
	assert_true(f->span_ns > 0);
	pcap_file_destroy(f);
	unlink(p.path);
}

static void pcap_file_load_many(void **state)
{
	struct pcap_file *f;
	struct t_pcap p;

	t_pcap_open(&p, T_PCAP_US, 1);
	for (uint32_t i = 0; i < 3000; i++)
		t_pcap_add(&p, i, 0, 60 + i % 200, 60 + i % 200, (uint8_t)i);
	t_pcap_close(&p);
	f = pcap_file_load(p.path, MTU, PCAP_FILE_MOST, NULL);
	assert_non_null(f);
	assert_int_equal(f->count, 3000);
	for (uint32_t i = 0; i < 3000; i++) {
		assert_int_equal(f->frame[i].len, 60 + i % 200);
		assert_int_equal(f->data[f->frame[i].offset + 59], (uint8_t)i);
	}
	pcap_file_destroy(f);
	unlink(p.path);
}

static void pcap_file_refused_frames(void **state)
{
	struct t_pcap p;

	t_pcap_open(&p, T_PCAP_US, 1);
	t_pcap_add(&p, 1, 0, 1514, 1514, 1);
	t_pcap_add(&p, 1, 0, 1515, 1515, 2);
	refused(&p, PCAP_FILE_MOST,
		"frame 2 has 1515 bytes, and the port's MTU of 1500 allows 1514");
	t_pcap_open(&p, T_PCAP_US, 1);
	t_pcap_add(&p, 1, 0, 96, 1514, 1);
	refused(&p, PCAP_FILE_MOST, "frame 1 was cut when it was captured, to 96 of 1514");
	t_pcap_open(&p, T_PCAP_US, 1);
	t_pcap_add(&p, 1, 0, 13, 13, 1);
	refused(&p, PCAP_FILE_MOST, "frame 1 has 13 bytes, less than an Ethernet header");
}

static void pcap_file_refused_files(void **state)
{
	const char junk[32] = "this is no pcap file";
	struct wr_err err = {""};
	struct t_pcap p;

	assert_null(pcap_file_load("/nonexistent/x.pcap", MTU, PCAP_FILE_MOST, &err));
	assert_non_null(strstr(err.text, "/nonexistent/x.pcap: it cannot be read: "));
	t_pcap_open(&p, T_PCAP_US, 1);
	refused(&p, PCAP_FILE_MOST, "holds no frames");
	t_pcap_open(&p, T_PCAP_US, 113);
	refused(&p, PCAP_FILE_MOST, "link type is LINUX_SLL");
	t_pcap_open(&p, 0x12345678, 1);
	t_pcap_write(&p, junk, sizeof(junk));
	refused(&p, PCAP_FILE_MOST, "cannot be read");
	t_pcap_open(&p, T_PCAP_US, 1);
	t_pcap_add(&p, 1, 0, 60, 60, 1);
	t_pcap_write(&p, junk, 10); // cut in a frame's header
	refused(&p, PCAP_FILE_MOST, "damaged behind frame 1");
}

static void pcap_file_refused_size(void **state)
{
	struct t_pcap p;
	struct pcap_file *f;

	// A frame takes its bytes and 16 to find it.
	t_pcap_open(&p, T_PCAP_US, 1);
	for (int i = 0; i < 10; i++)
		t_pcap_add(&p, 1, 0, 84, 84, 1);
	fflush(p.out);
	f = pcap_file_load(p.path, MTU, 1000, NULL);
	assert_non_null(f);
	pcap_file_destroy(f);
	refused(&p, 999, "the first 9 frames take 900 of at most 999 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pcap_file_load_units),
		cmocka_unit_test(pcap_file_load_times_back),
		cmocka_unit_test(pcap_file_load_no_gaps),
		cmocka_unit_test(pcap_file_load_many),
		cmocka_unit_test(pcap_file_refused_frames),
		cmocka_unit_test(pcap_file_refused_files),
		cmocka_unit_test(pcap_file_refused_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
