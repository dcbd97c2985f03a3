/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "../../../app/weirctl/capture.h"

static char spec[900];
static struct wr_err err;

static int build(const struct capture_options *o)
{
	memset(&err, 0, sizeof(err));
	return capture_spec(o, spec, sizeof(spec), &err);
}

static void capture_spec_says_what_was_given(void **state)
{
	assert_int_equal(build(&(struct capture_options){.file = "x"}), EXIT_OK);
	assert_string_equal(spec, "dir=both");
	assert_int_equal(build(&(struct capture_options){.file = "-",
				 .port = "wan",
				 .filter = "tcp[13] = 2 and host 2001:db8::1",
				 .packets = "5",
				 .seconds = "9",
				 .snap = "96",
				 .dir = "in"}),
		EXIT_OK);
	assert_string_equal(spec, "port=wan;filter=tcp[13] = 2 and host 2001:db8::1;dir=in;"
				  "packets=5;seconds=9;snap=96");
	assert_int_equal(build(&(struct capture_options){.file = "x", .conn = "0.12"}), EXIT_OK);
	assert_string_equal(spec, "conn=0.12");
}

static void capture_spec_refusals(void **state)
{
	char filter[1000];

	assert_int_equal(build(&(struct capture_options){.filter = "tcp"}), EXIT_USAGE);
	assert_non_null(strstr(err.text, "-w FILE"));
	assert_int_equal(
		build(&(struct capture_options){.file = "x", .filter = "tcp;snap=1"}), EXIT_USAGE);
	assert_non_null(strstr(err.text, "--filter"));
	assert_int_equal(
		build(&(struct capture_options){.file = "x", .port = "a,key=1"}), EXIT_USAGE);
	memset(filter, 'x', sizeof(filter));
	filter[sizeof(filter) - 1] = '\0';
	assert_int_equal(
		build(&(struct capture_options){.file = "x", .filter = filter}), EXIT_USAGE);
	assert_non_null(strstr(err.text, "too long"));
}

// Before an instance is asked, the file must be there to write to.
static void capture_needs_a_place(void **state)
{
	const struct client c = {.name = "lb1", .dir = "/nonexistent", .timeout_ms = 1000};

	memset(&err, 0, sizeof(err));
	assert_int_equal(capture_run(&c, &(struct capture_options){.file = "/nonexistent/x"}, &err),
		EXIT_FAILED);
	assert_non_null(strstr(err.text, "/nonexistent/x cannot be made"));
	memset(&err, 0, sizeof(err));
	assert_int_equal(
		capture_run(&c, &(struct capture_options){.file = "/dev/null"}, &err), EXIT_REACH);
	assert_non_null(strstr(err.text, "no instance 'lb1'"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capture_spec_says_what_was_given),
		cmocka_unit_test(capture_spec_refusals),
		cmocka_unit_test(capture_needs_a_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
