/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <dirent.h>
#include <errno.h>
#include <unistd.h>

#include "port_priv.h"

static char dir[] = "/tmp/wr-profile-XXXXXX";

static int make_dir(void **state)
{
	return mkdtemp(dir) == NULL;
}

static int drop_dir(void **state)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/net_x.yaml", dir);
	unlink(path);
	return rmdir(dir);
}

static void write_profile(const char *text)
{
	char path[512];
	FILE *out;

	snprintf(path, sizeof(path), "%s/net_x.yaml", dir);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

#define GOOD                                                                                       \
	"driver: net_x\nsummary: a card\nrx_queues_max: 4\ntx_queues_max: 8\nrx_desc: 512\n"       \
	"tx_desc: 256\nmtu_max: 9000\nrss: true\nmulti_segs: false\ntested: no\n"

static void expect_error(const char *text, const char *part, const char *part2)
{
	struct wr_driver_profile p;
	struct wr_err err = {0};

	write_profile(text);
	assert_int_equal(wr_driver_profile_load(dir, "net_x", &p, &err), -EINVAL);
	if (strstr(err.text, part) == NULL || strstr(err.text, part2) == NULL)
		fail_msg("'%s' and '%s' are not both in: %s", part, part2, err.text);
	assert_non_null(strstr(err.text, "net_x.yaml"));
}

static void profile_load_good(void **state)
{
	struct wr_driver_profile p;
	struct wr_err err = {0};

	write_profile(GOOD "kernel_driver: vfio-pci\ndevargs: a=1,b=2\nquirks: none\n");
	assert_int_equal(wr_driver_profile_load(dir, "net_x", &p, &err), 0);
	assert_string_equal(p.driver, "net_x");
	assert_string_equal(p.summary, "a card");
	assert_string_equal(p.kernel_driver, "vfio-pci");
	assert_string_equal(p.devargs, "a=1,b=2");
	assert_int_equal(p.rx_queues_max, 4);
	assert_int_equal(p.tx_queues_max, 8);
	assert_int_equal(p.rx_desc, 512);
	assert_int_equal(p.tx_desc, 256);
	assert_int_equal(p.mtu_max, 9000);
	assert_true(p.rss);
	assert_false(p.multi_segs);
	assert_string_equal(p.quirks, "none");
}

static void profile_load_missing(void **state)
{
	struct wr_driver_profile p;
	struct wr_err err = {0};

	assert_int_equal(wr_driver_profile_load(dir, "net_absent", &p, &err), -ENOENT);
	assert_non_null(strstr(err.text, "net_absent.yaml"));
}

static void profile_load_bad_values(void **state)
{
	expect_error(GOOD "speed: 10\n", "line 11", "speed: unknown key");
	expect_error(GOOD "rss: true\n", "line 11", "given twice");
	expect_error("driver: net_x\nsummary: s\nrx_queues_max: 0\n", "rx_queues_max", "from 1 to");
	expect_error("driver: net_x\nsummary: s\nrx_queues_max: 4x\n", "'4x'", "line 3");
	expect_error("driver: net_x\nrx_desc: -5\n", "'-5'", "from 32");
	expect_error("driver: net_x\nmtu_max: 70000\n", "'70000'", "from 1280");
	expect_error("rss: maybe\n", "'maybe'", "true nor false");
	expect_error("tested: true\n", "'true'", "neither yes nor no");
	expect_error("rss: [true]\n", "rss", "not a list");
	expect_error("[a, b]: 1\n", "line 1", "plain word");
}

static void profile_load_bad_form(void **state)
{
	expect_error("", "line 1", "expected");
	expect_error("- a\n- b\n", "line 1", "expected");
	expect_error("driver: [net_x\n", "line", "not YAML");
	expect_error("driver: net_x\nsummary: s\n", "rx_queues_max", "missing");
	expect_error("driver: net_y\nsummary: s\nrx_queues_max: 4\ntx_queues_max: 8\nrx_desc: 512\n"
		     "tx_desc: 256\nmtu_max: 9000\nrss: true\nmulti_segs: false\ntested: no\n",
		"'net_y'", "'net_x'");
}

static void profile_load_text_limit(void **state)
{
	char text[1024], value[260];
	struct wr_driver_profile p;

	memset(value, 'q', sizeof(value));
	value[sizeof(p.summary)] = '\0';
	snprintf(text, sizeof(text), "driver: net_x\nsummary: %s\n", value);
	expect_error(text, "summary", "at most 159 fit");
	value[sizeof(p.summary) - 1] = '\0';
	snprintf(text, sizeof(text), "driver: net_x\nsummary: %s\n", value);
	expect_error(text, "missing", "rx_queues_max"); // the text itself fits
}

// Every file that is shipped is read, with nothing cut and nothing unknown.
static void profile_load_shipped(void **state)
{
	const char *shipped = wr_port_profiles_dir(NULL);
	DIR *d = opendir(shipped);
	const struct dirent *e;
	int count = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL) {
		char driver[WR_NAME_LEN];
		struct wr_driver_profile p;
		struct wr_err err = {0};
		const char *dot = strstr(e->d_name, ".yaml");

		if (dot == NULL)
			continue;
		snprintf(driver, sizeof(driver), "%.*s", (int)(dot - e->d_name), e->d_name);
		if (wr_driver_profile_load(shipped, driver, &p, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(p.summary[0] != '\0' && p.quirks[0] != '\0');
		count++;
	}
	closedir(d);
	assert_int_equal(count, 14);
}

static void profile_dir_precedence(void **state)
{
	const char *old = getenv("WEIR_DRIVERS_CONFIG");
	char *keep = old != NULL ? strdup(old) : NULL;

	setenv("WEIR_DRIVERS_CONFIG", "/env", 1);
	assert_string_equal(wr_port_profiles_dir("/arg"), "/arg");
	assert_string_equal(wr_port_profiles_dir(NULL), "/env");
	unsetenv("WEIR_DRIVERS_CONFIG");
	assert_non_null(strstr(wr_port_profiles_dir(NULL), "drivers-config"));
	if (keep != NULL)
		setenv("WEIR_DRIVERS_CONFIG", keep, 1);
	free(keep);
}

static void profile_for_device_longest(void **state)
{
	char driver[WR_NAME_LEN];

	assert_true(wr_port_profile_for_device(NULL, "net_af_packet12", driver, sizeof(driver)));
	assert_string_equal(driver, "net_af_packet");
	assert_true(wr_port_profile_for_device(NULL, "net_ring_left", driver, sizeof(driver)));
	assert_string_equal(driver, "net_ring");
	assert_false(wr_port_profile_for_device(NULL, "net_foo0", driver, sizeof(driver)));
}

static void profile_find_pci_ids(void **state)
{
	struct wr_driver_profile p;
	struct wr_err err = {0};

	assert_int_equal(wr_driver_profile_find_pci(NULL, 0x8086, 0x1592, &p, &err), 0);
	assert_string_equal(p.driver, "net_ice");
	assert_string_equal(p.native_driver, "ice");
	assert_false(p.tested);
	assert_int_equal(p.rss_key_len, 52);
	assert_int_equal(p.rss_reta_len, 512);
	// A whole vendor, and one device of another.
	assert_int_equal(wr_driver_profile_find_pci(NULL, 0x15b3, 0x1234, &p, &err), 0);
	assert_string_equal(p.driver, "net_mlx5");
	assert_int_equal(wr_driver_profile_find_pci(NULL, 0x15ad, 0x07b0, &p, &err), 0);
	assert_string_equal(p.driver, "net_vmxnet3");
	assert_int_equal(wr_driver_profile_find_pci(NULL, 0x8086, 0x0001, &p, &err), -ENOENT);
	assert_non_null(strstr(err.text, "8086:0001"));
	assert_int_equal(p.driver[0], 0);
	assert_int_equal(wr_driver_profile_find_pci("/absent", 1, 1, &p, NULL), -ENOENT);
}

// A wrong file is said, not passed over.
static void profile_find_pci_broken(void **state)
{
	struct wr_driver_profile p;
	struct wr_err err = {0};

	write_profile(GOOD "pci_ids: abcd:0001 ABCD:00FF\n");
	assert_int_equal(wr_driver_profile_find_pci(dir, 0xabcd, 0x00ff, &p, &err), 0);
	assert_int_equal(wr_driver_profile_find_pci(dir, 0xabcd, 0x000f, &p, NULL), -ENOENT);
	write_profile("driver: net_x\n");
	assert_int_equal(wr_driver_profile_find_pci(dir, 0xabcd, 1, &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "net_x.yaml"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(profile_load_good),
		cmocka_unit_test(profile_load_missing),
		cmocka_unit_test(profile_load_bad_values),
		cmocka_unit_test(profile_load_bad_form),
		cmocka_unit_test(profile_load_text_limit),
		cmocka_unit_test(profile_load_shipped),
		cmocka_unit_test(profile_find_pci_ids),
		cmocka_unit_test(profile_find_pci_broken),
		cmocka_unit_test(profile_dir_precedence),
		cmocka_unit_test(profile_for_device_longest),
	};

	return cmocka_run_group_tests(tests, make_dir, drop_dir);
}
