/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "port_priv.h"

// The front of every port: what it tells and what it passes on.

struct calls {
	int start, close, multicast, stats;
};

static struct calls calls;

static int fake_start(struct wr_port *p, const struct wr_mempools *pools, struct wr_err *err)
{
	calls.start++;
	p->started = true;
	return 0;
}

static void fake_close(struct wr_port *p)
{
	calls.close++;
}

static int fake_multicast(struct wr_port *p, const struct rte_ether_addr *list, uint32_t n)
{
	calls.multicast += (int)n;
	return -EIO;
}

static void fake_stats(struct wr_port *p, struct wr_port_stats *out)
{
	assert_int_equal(out->rx_frames, 0); // cleared before
	out->tx_frames = 7;
}

static const struct wr_port_ops fake = {.start = fake_start,
	.close = fake_close,
	.set_multicast = fake_multicast,
	.stats = fake_stats};

static void port_passes_on(void **state)
{
	struct wr_port *p = wr_port_alloc("wan", 9);
	struct rte_ether_addr list[2] = {0};
	struct wr_port_stats st = {.rx_frames = 99};
	struct wr_err err = {0};

	assert_non_null(p);
	p->ops = &fake;
	assert_int_equal(wr_port_start(p, NULL, &err), 0);
	assert_int_equal(wr_port_start(p, NULL, &err), -EALREADY); // once only
	assert_non_null(strstr(err.text, "port wan is started already"));
	assert_int_equal(calls.start, 1);
	assert_int_equal(wr_port_set_multicast(p, list, 2), -EIO);
	assert_int_equal(calls.multicast, 2);
	wr_port_stats(p, &st);
	assert_int_equal(st.rx_frames, 0);
	assert_int_equal(st.tx_frames, 7);
	wr_port_close(p);
	assert_int_equal(calls.close, 1);
	wr_port_close(NULL);
	assert_int_equal(calls.close, 1);
}

static void port_tells_facts(void **state)
{
	struct wr_port p = {.name = "wan",
		.driver = "x",
		.id = 3,
		.flags = WR_PORT_F_RSS,
		.mtu = 1400,
		.numa_node = 1,
		.rx_queues = 2,
		.tx_queues = 4,
		.rx_desc = 8,
		.tx_desc = 16,
		.mac = {{2, 0, 0, 0, 0, 1}},
		.rss_key_len = 40,
		.reta_size = 4};
	const uint16_t *reta;
	const uint8_t *key;
	uint16_t len;

	assert_string_equal(wr_port_name(&p), "wan");
	assert_string_equal(wr_port_driver(&p), "x");
	assert_int_equal(wr_port_id(&p), 3);
	assert_int_equal(wr_port_flags(&p), WR_PORT_F_RSS);
	assert_int_equal(wr_port_mtu(&p), 1400);
	assert_int_equal(wr_port_numa_node(&p), 1);
	assert_int_equal(wr_port_rx_queues(&p), 2);
	assert_int_equal(wr_port_tx_queues(&p), 4);
	assert_int_equal(wr_port_rx_desc(&p), 8);
	assert_int_equal(wr_port_tx_desc(&p), 16);
	assert_int_equal(wr_port_mac(&p)->addr_bytes[5], 1);
	assert_int_equal(wr_port_rss(&p, &key, &len, &reta), 4);
	assert_ptr_equal(key, p.rss_key);
	assert_ptr_equal(reta, p.reta);
	assert_int_equal(len, 40);
	p.reta_size = 0;
	assert_int_equal(wr_port_rss(&p, &key, &len, &reta), 0);
}

static void port_name_cut(void **state)
{
	char name[200];
	struct wr_port *p;

	memset(name, 'p', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	p = wr_port_alloc(name, 0);
	assert_non_null(p);
	assert_int_equal(strlen(wr_port_name(p)), WR_NAME_LEN - 1);
	assert_int_equal((uintptr_t)p % RTE_CACHE_LINE_SIZE, 0);
	p->ops = &fake;
	wr_port_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(port_passes_on),
		cmocka_unit_test(port_tells_facts),
		cmocka_unit_test(port_name_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
