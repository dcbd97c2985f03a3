/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "port_priv.h"

static void device_parse_pci(void **state)
{
	static const struct {
		const char *text, *name, *args;
	} cases[] = {
		{"0000:3b:00.0", "0000:3b:00.0", ""},
		{"3b:00.1", "0000:3b:00.1", ""},
		{"0001:3B:1f.7,mprq_en=1", "0001:3b:1f.7", "mprq_en=1"},
	};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct wr_port_device d;
		struct wr_err err = {0};

		assert_int_equal(wr_port_device_parse(&d, cases[i].text, &err), 0);
		assert_true(d.pci);
		assert_string_equal(d.name, cases[i].name);
		assert_string_equal(d.args, cases[i].args);
	}
}

static void device_parse_virtual(void **state)
{
	struct wr_port_device d;
	struct wr_err err = {0};

	assert_int_equal(wr_port_device_parse(&d, "net_af_packet0,qpairs=2,iface=eth1", &err), 0);
	assert_false(d.pci);
	assert_string_equal(d.name, "net_af_packet0");
	assert_string_equal(d.args, "qpairs=2,iface=eth1");
	assert_string_equal(d.iface, "eth1");
	assert_int_equal(wr_port_device_parse(&d, "net_tap0,iface=mine", &err), 0);
	assert_string_equal(d.iface, ""); // the driver makes it
	assert_int_equal(wr_port_device_parse(&d, "net_ring0", &err), 0);
	assert_string_equal(d.args, "");
	assert_int_equal(wr_port_device_parse(&d, "net_pcap0,rx_pcap=a.pcap", &err), 0);
}

static void expect_parse_error(const char *text, const char *part)
{
	struct wr_port_device d;
	struct wr_err err = {0};

	assert_int_equal(wr_port_device_parse(&d, text, &err), -EINVAL);
	if (strstr(err.text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, err.text);
}

static void device_parse_malformed(void **state)
{
	char text[600];

	expect_parse_error("", "is empty");
	expect_parse_error(",iface=x", "is empty");
	expect_parse_error("eth 1", "neither");
	expect_parse_error("0000:3b:00.9", "neither"); // functions end at 7
	expect_parse_error("0000:3b:20.0", "neither"); // devices at 1f
	expect_parse_error("0000:3b:00.0x", "neither");
	expect_parse_error("net_af_packet0", "iface=eth1");
	expect_parse_error("net_af_packet0,iface=a-name-past-the-limit", "at most 15");
	expect_parse_error("net_af_xdp0,start_queue=1", "names no interface");
	memset(text, 'n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect_parse_error(text, "too long");
	memcpy(text, "net_ring0,", 10);
	expect_parse_error(text, "too long");
}

static void device_arg_lookup(void **state)
{
	char v[8];

	assert_true(wr_port_device_arg("a=1,bb=22,c=", "bb", v, sizeof(v)));
	assert_string_equal(v, "22");
	assert_true(wr_port_device_arg("a=1,bb=22,c=", "c", v, sizeof(v)));
	assert_string_equal(v, "");
	assert_false(wr_port_device_arg("a=1,bb=22", "b", v, sizeof(v)));
	assert_false(wr_port_device_arg("", "b", v, sizeof(v)));
	assert_false(wr_port_device_arg("a=12345678", "a", v, sizeof(v)));
	assert_true(wr_port_device_arg("a=1234567", "a", v, sizeof(v)));
}

static void device_add_args_keeps_given(void **state)
{
	struct wr_port_device d;
	struct wr_err err = {0};

	assert_int_equal(wr_port_device_parse(&d, "net_af_packet0,iface=e,framecnt=64", &err), 0);
	assert_int_equal(wr_port_device_add_args(&d, "framecnt=8192,qpairs=1"), 0);
	assert_string_equal(d.args, "iface=e,framecnt=64,qpairs=1");
	assert_int_equal(wr_port_device_parse(&d, "net_ring0", &err), 0);
	assert_int_equal(wr_port_device_add_args(&d, ""), 0);
	assert_int_equal(wr_port_device_add_args(&d, "x=1"), 0);
	assert_string_equal(d.args, "x=1");
}

static void device_add_args_no_room(void **state)
{
	struct wr_port_device d = {0};

	memset(d.args, 'a', sizeof(d.args) - 5);
	assert_int_equal(wr_port_device_add_args(&d, "x=1234"), -ENOSPC);
	assert_int_equal(wr_port_device_add_args(&d, "x=1"), 0);
	assert_int_equal(strlen(d.args), sizeof(d.args) - 1);
}

static void expect_no_attach(const char *text, int code, const char *part)
{
	struct wr_port_device d;
	struct wr_err err = {0};
	uint16_t dev;
	bool attached;

	wr_test_eal_init();
	assert_int_equal(wr_port_device_parse(&d, text, &err), 0);
	assert_int_equal(wr_port_device_attach(&d, &dev, &attached, &err), code);
	if (strstr(err.text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, err.text);
	assert_false(attached);
}

static void device_attach_nothing_there(void **state)
{
	expect_no_attach("00ff:3b:00.0", -ENODEV, "no PCI device 00ff:3b:00.0");
	expect_no_attach(
		"net_unknown0", -ENODEV, "no driver for the virtual device 'net_unknown0'");
	expect_no_attach("net_af_packet0,iface=wr-absent", -ENODEV, "no interface 'wr-absent'");
	expect_no_attach("net_null7,nonsense=1", -ENODEV, "net_null7,nonsense=1");
}

static void device_attach_adopts(void **state)
{
	struct wr_port_device d;
	struct wr_err err = {0};
	uint16_t dev, again;
	bool attached;

	wr_test_eal_init();
	assert_int_equal(wr_port_device_parse(&d, "net_null3", &err), 0);
	assert_int_equal(wr_port_device_attach(&d, &dev, &attached, &err), 0);
	assert_true(attached);
	assert_int_equal(wr_port_device_attach(&d, &again, &attached, &err), 0);
	assert_false(attached);
	assert_int_equal(dev, again);
	assert_int_equal(rte_eth_dev_close(dev), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(device_parse_pci),
		cmocka_unit_test(device_parse_virtual),
		cmocka_unit_test(device_parse_malformed),
		cmocka_unit_test(device_arg_lookup),
		cmocka_unit_test(device_add_args_keeps_given),
		cmocka_unit_test(device_add_args_no_room),
		cmocka_unit_test(device_attach_nothing_there),
		cmocka_unit_test(device_attach_adopts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
