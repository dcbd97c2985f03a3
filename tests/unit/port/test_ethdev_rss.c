/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

#include "port_priv.h"

static const struct rte_eth_dev_info nic = {
	.reta_size = 128,
	.hash_key_size = 40,
	.flow_type_rss_offloads = RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP,
};

static void rss_plan_round_robin(void **state)
{
	struct wr_port p = {.rx_queues = 3};

	wr_port_rss_plan(&p, &nic);
	assert_int_equal(p.reta_size, 128);
	assert_int_equal(p.reta_dev, 128);
	assert_int_equal(p.rss_key_len, 40);
	assert_memory_equal(p.rss_key, wr_rss_default_key, 40);
	for (uint16_t i = 0; i < 128; i++)
		assert_int_equal(p.reta[i], i % 3);
}

static void rss_plan_long_table(void **state)
{
	struct rte_eth_dev_info info = nic;
	struct wr_port p = {.rx_queues = 2};

	info.reta_size = 2048;
	info.hash_key_size = 52;
	wr_port_rss_plan(&p, &info);
	assert_int_equal(p.reta_size, WR_RSS_RETA_MAX);
	assert_int_equal(p.reta_dev, 2048);
	assert_int_equal(p.rss_key_len, 52);
}

static void rss_plan_unfit(void **state)
{
	const struct {
		uint16_t reta, queues;
		uint8_t key;
		uint64_t types;
	} cases[] = {{128, 1, 40, nic.flow_type_rss_offloads},
		{0, 2, 40, nic.flow_type_rss_offloads}, {100, 2, 40, nic.flow_type_rss_offloads},
		{4096, 2, 40, nic.flow_type_rss_offloads}, {128, 2, 39, nic.flow_type_rss_offloads},
		{128, 2, 53, nic.flow_type_rss_offloads},
		{128, 2, 40, RTE_ETH_RSS_NONFRAG_IPV6_TCP}};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct rte_eth_dev_info info = nic;
		struct wr_port p = {.rx_queues = cases[i].queues};

		info.reta_size = cases[i].reta;
		info.hash_key_size = cases[i].key;
		info.flow_type_rss_offloads = cases[i].types;
		wr_port_rss_plan(&p, &info);
		assert_int_equal(p.reta_size, 0);
	}
}

// net_null stores key and RETA as they are set, which stands for a NIC here.
static void rss_apply_on_device(void **state)
{
	char dir[] = "/tmp/wr-rss-XXXXXX", path[64];
	struct wr_port_config cfg = pt_config("net_null0");
	struct rte_eth_rss_reta_entry64 reta[2] = {{.mask = UINT64_MAX}, {.mask = UINT64_MAX}};
	uint8_t key[40];
	struct rte_eth_rss_conf conf = {.rss_key = key, .rss_key_len = sizeof(key)};
	struct wr_err err = {0};
	struct wr_port *p;
	const uint8_t *known;
	const uint16_t *table;
	uint16_t len;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/net_null.yaml", dir);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs("driver: net_null\nsummary: s\nrx_queues_max: 4\ntx_queues_max: 4\nrx_desc: 512\n"
	      "tx_desc: 512\nmtu_max: 1500\nrss: true\nmulti_segs: true\ntested: no\n",
		out);
	fclose(out);
	cfg.profiles_dir = dir;
	pt_pools();
	p = wr_port_open(&cfg, 0, 4, &err);
	if (p == NULL || wr_port_start(p, pt_pools(), &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(wr_port_rx_queues(p), 4);
	assert_true(wr_port_flags(p) & WR_PORT_F_RSS);
	assert_int_equal(wr_port_rss(p, &known, &len, &table), 128);
	assert_int_equal(rte_eth_dev_rss_reta_query(p->dev, reta, 128), 0);
	for (uint16_t i = 0; i < 128; i++)
		assert_int_equal(reta[i / 64].reta[i % 64], table[i]);
	assert_int_equal(rte_eth_dev_rss_hash_conf_get(p->dev, &conf), 0);
	assert_memory_equal(key, known, len);
	wr_port_close(p);
	unlink(path);
	rmdir(dir);
}

static void rss_apply_refused(void **state)
{
	struct wr_port *p = pt_start("net_ring0", 0); // has no RETA at all
	struct wr_err err = {0};

	assert_int_equal(wr_port_rss_apply(p, &err), 0); // nothing to do
	p->rx_queues = 2;
	wr_port_rss_plan(p, &nic);
	memset(p->reta, 0, sizeof(p->reta)); // its one queue
	assert_int_equal(wr_port_rss_apply(p, &err), -ENOTSUP);
	assert_non_null(strstr(err.text, "refuses a RETA of 128 entries"));
	p->rx_queues = 1;
	p->reta_size = 0;
	wr_port_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rss_plan_round_robin),
		cmocka_unit_test(rss_plan_long_table),
		cmocka_unit_test(rss_plan_unfit),
		cmocka_unit_test(rss_apply_on_device),
		cmocka_unit_test(rss_apply_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
