/* SPDX-License-Identifier: BSD-3-Clause */
#include "port_test.h"

#include <dlfcn.h>

#include <rte_flow.h>

#define SPI 0x01020304u

static struct wr_port *sim(uint16_t queues, uint16_t rules)
{
	const struct wr_sim_config cfg = {.rx_queues = queues, .spi_rules = rules};
	struct wr_port *p = wr_sim_port_create("sim0", 3, &cfg);
	struct wr_err err = {0};

	assert_non_null(p);
	assert_int_equal(wr_port_start(p, pt_pools(), &err), 0);
	return p;
}

static struct wr_addr local(bool v6)
{
	return pt_tuple(v6, 0).remote; // of frames that arrive
}

// An ESP packet that arrives; the SPI in a second buffer when cut.
static struct rte_mbuf *esp(bool v6, uint16_t udp_port, uint32_t spi, bool cut)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(pt_pools()->small), *tail;
	struct wr_tuple t = pt_tuple(v6, 0);
	uint8_t b[48] = {0}; // SPI, sequence number and some
	uint32_t n = 0, head;

	assert_non_null(m);
	if (udp_port != 0) {
		b[2] = (uint8_t)(udp_port >> 8);
		b[3] = (uint8_t)udp_port;
		b[5] = 8 + 32;
		n = 8;
	}
	for (int i = 0; i < 4; i++)
		b[n + (uint32_t)i] = (uint8_t)(spi >> (24 - 8 * i));
	n += 32;
	head = cut ? n - 31 : n;
	memcpy(rte_pktmbuf_append(m, (uint16_t)head), b, head);
	if (cut) {
		tail = rte_pktmbuf_alloc(pt_pools()->small);
		assert_non_null(tail);
		memcpy(rte_pktmbuf_append(tail, 31), b + head, 31);
		assert_int_equal(rte_pktmbuf_chain(m, tail), 0);
	}
	assert_int_equal(wr_build_ip(m, &t.local, &t.remote,
				 udp_port != 0 ? IPPROTO_UDP : IPPROTO_ESP, 64, 1),
		0);
	assert_int_equal(wr_build_eth(m, &pt_mac_a, &pt_mac_b,
				 v6 ? RTE_ETHER_TYPE_IPV6 : RTE_ETHER_TYPE_IPV4, 0),
		0);
	wr_build_finish_csum(m);
	return m;
}

static int arrives(struct wr_port *p, bool v6, uint16_t udp_port, uint32_t spi)
{
	return wr_sim_port_inject(p, esp(v6, udp_port, spi, false));
}

static void steers(bool v6, uint16_t udp_port)
{
	struct wr_port *p = sim(4, 8);
	struct wr_addr to = local(v6), other = local(!v6), far = pt_tuple(v6, 0).local;
	void *rule[4];

	assert_int_equal(wr_port_steer_spi(p, &to, udp_port, SPI, 2, &rule[0]), 0);
	assert_int_equal(wr_port_steer_spi(p, &to, udp_port, SPI + 1, 3, &rule[1]), 0);
	assert_int_equal(wr_port_steer_spi(p, &far, udp_port, SPI + 2, 3, &rule[2]), 0);
	assert_int_equal(wr_port_steer_spi(p, &other, udp_port, SPI + 3, 3, &rule[3]), 0);
	assert_int_equal(arrives(p, v6, udp_port, SPI), 2);
	assert_int_equal(arrives(p, v6, udp_port, SPI + 1), 3);
	assert_int_equal(arrives(p, v6, udp_port, SPI + 2), 0); // to another address
	assert_int_equal(arrives(p, v6, udp_port, SPI + 3), 0); // of the other family
	assert_int_equal(arrives(p, v6, udp_port, SPI + 4), 0);
	assert_int_equal(arrives(p, v6, 4501, SPI), 0);
	assert_int_equal(arrives(p, v6, udp_port == 0 ? 4500 : 0, SPI), 0);
	assert_int_equal(wr_sim_port_inject(p, esp(v6, udp_port, SPI, true)), 2);
	wr_port_unsteer(p, rule[0]);
	assert_int_equal(arrives(p, v6, udp_port, SPI), 0);
	assert_int_equal(arrives(p, v6, udp_port, SPI + 1), 3);
	wr_port_close(p); // with what is left
	assert_int_equal(pt_in_use(), 0);
}

static void flow_sim_steers_esp_v4(void **state)
{
	steers(false, 0);
}

static void flow_sim_steers_esp_v6(void **state)
{
	steers(true, 0);
}

static void flow_sim_steers_udp_v4(void **state)
{
	steers(false, 4500);
}

static void flow_sim_steers_udp_v6(void **state)
{
	steers(true, 4500);
}

// What is not ESP goes where it went.
static void flow_sim_leaves_tcp_to_the_hash(void **state)
{
	struct wr_port *plain = sim(4, 0), *p = sim(4, 8);
	struct wr_addr to = local(false);
	void *rule;

	for (uint32_t spi = 1; spi <= 8; spi++)
		assert_int_equal(wr_port_steer_spi(p, &to, 0, spi, (uint16_t)(spi % 4), &rule), 0);
	for (uint32_t i = 0; i < 32; i++) {
		struct rte_mbuf *a = pt_segment(i % 2, PT_LINEAR, i, i, NULL);
		struct rte_mbuf *b = pt_segment(i % 2, PT_LINEAR, i, i, NULL);

		assert_int_equal(wr_sim_port_inject(p, a), wr_sim_port_inject(plain, b));
	}
	wr_port_close(p);
	wr_port_close(plain);
	assert_int_equal(pt_in_use(), 0);
}

static void flow_sim_short_is_not_steered(void **state)
{
	struct wr_port *p = sim(2, 1);
	struct wr_addr to = local(false);
	struct rte_mbuf *m = esp(false, 0, SPI, false);
	void *rule;

	assert_int_equal(wr_port_steer_spi(p, &to, 0, SPI, 1, &rule), 0);
	rte_pktmbuf_trim(m, 30); // half an SPI, whatever the IP header says
	assert_int_equal(wr_sim_port_inject(p, m), 0);
	wr_port_close(p);
}

static void flow_sim_full(void **state)
{
	struct wr_port *p = sim(2, 2);
	struct wr_addr to = local(true);
	void *rule[3];

	assert_int_equal(wr_port_steer_spi(p, &to, 0, 1, 1, &rule[0]), 0);
	assert_int_equal(wr_port_steer_spi(p, &to, 0, 1, 0, &rule[2]), -EEXIST);
	assert_null(rule[2]);
	assert_int_equal(wr_port_steer_spi(p, &to, 4500, 1, 0, &rule[1]), 0); // another packet
	assert_int_equal(wr_port_steer_spi(p, &to, 0, 2, 1, &rule[2]), -ENOSPC);
	assert_null(rule[2]);
	wr_port_unsteer(p, rule[0]);
	assert_int_equal(wr_port_steer_spi(p, &to, 0, 2, 1, &rule[2]), 0);
	assert_int_equal(arrives(p, true, 0, 2), 1);
	wr_port_close(p);
}

static void flow_refused(void **state)
{
	const struct wr_sim_config cfg = {.rx_queues = 2, .spi_rules = 4};
	struct wr_port *p = sim(2, 4), *stopped = wr_sim_port_create("sim1", 4, &cfg);
	struct wr_addr to = local(false);
	void *rule = &to;

	assert_int_equal(wr_port_steer_spi(p, &to, 0, 0, 1, &rule), -EINVAL);
	assert_null(rule);
	assert_int_equal(wr_port_steer_spi(p, &to, 0, SPI, 2, &rule), -EINVAL);
	assert_int_equal(wr_port_steer_spi(stopped, &to, 0, SPI, 1, &rule), -EINVAL);
	wr_port_unsteer(p, NULL);
	wr_port_close(p);
	wr_port_close(stopped);
	p = sim(2, 0);
	assert_int_equal(wr_port_steer_spi(p, &to, 0, SPI, 1, &rule), -ENOTSUP);
	assert_null(rule);
	wr_port_close(p);
}

// Every form of a rule is refused, and frames pass as before.
static void not_supported(struct wr_port *p)
{
	for (int v6 = 0; v6 < 2; v6++) {
		struct wr_addr to = local(v6);
		void *rule = &to;

		assert_int_equal(wr_port_steer_spi(p, &to, 0, SPI, 0, &rule), -ENOTSUP);
		assert_null(rule);
		assert_int_equal(wr_port_steer_spi(p, &to, 4500, SPI, 0, &rule), -ENOTSUP);
		assert_null(rule);
	}
}

static void flow_ring_cannot(void **state)
{
	struct wr_port *p = pt_start("net_ring0", 0);
	struct rte_mbuf *m;

	not_supported(p);
	pt_tx(p, pt_segment(false, PT_LINEAR, 5, 100, NULL));
	m = pt_rx(p);
	assert_non_null(m);
	pt_assert_mbuf(m, false, 5, 100);
	rte_pktmbuf_free(m);
	wr_port_close(p);
}

// This driver has rules, of other packets.
static void flow_tap_cannot(void **state)
{
	struct wr_port *p;
	int fd;

	pt_skip_without(access("/dev/net/tun", F_OK) == 0, "TUN/TAP (/dev/net/tun)");
	pt_skip_without(pt_netns(), "network namespaces (unshare CLONE_NEWNET)");
	p = pt_start("net_tap0,iface=wr-tap", 6);
	assert_true(pt_run("ip link set wr-tap up"));
	fd = pt_socket("wr-tap");
	not_supported(p);
	pt_check_rx(p, fd, 100);
	pt_check_tx_shapes(p, fd, 100);
	close(fd);
	wr_port_close(p);
	assert_int_equal(pt_in_use(), 0);
}

// --- a driver that can ----------------------------------------------------------------------

// No virtual driver takes such rules, so the calls end here: they are kept, or passed on to DPDK.
static struct fake {
	bool on;
	int validate_rc, create_errno;
	uint32_t validated, created, destroyed;
	enum rte_flow_item_type type[8];
	uint8_t v4_dst[4], v6_dst[16];
	uint16_t udp_port, queue;
	uint32_t spi;
} fake;

static void see(const struct rte_flow_item *item, const struct rte_flow_action *action)
{
	for (uint32_t i = 0; i < RTE_DIM(fake.type); i++, item++) {
		const uint8_t *mask = item->mask;
		const struct rte_flow_item_ipv4 *v4 = item->spec;
		const struct rte_flow_item_ipv6 *v6 = item->spec;
		const struct rte_flow_item_udp *udp = item->spec;
		const struct rte_flow_item_esp *esp = item->spec;

		fake.type[i] = item->type;
		if (item->type == RTE_FLOW_ITEM_TYPE_IPV4) {
			memcpy(fake.v4_dst, &v4->hdr.dst_addr, 4);
			assert_memory_equal(mask + 16, "\xff\xff\xff\xff", 4);
			for (int k = 0; k < 16; k++)
				assert_int_equal(mask[k], 0);
		} else if (item->type == RTE_FLOW_ITEM_TYPE_IPV6) {
			memcpy(fake.v6_dst, v6->hdr.dst_addr, 16);
			for (int k = 0; k < 40; k++)
				assert_int_equal(mask[k], k < 24 ? 0 : 0xff);
		} else if (item->type == RTE_FLOW_ITEM_TYPE_UDP) {
			fake.udp_port = rte_be_to_cpu_16(udp->hdr.dst_port);
			assert_memory_equal(mask, "\0\0\xff\xff\0\0\0\0", 8);
		} else if (item->type == RTE_FLOW_ITEM_TYPE_ESP) {
			fake.spi = rte_be_to_cpu_32(esp->hdr.spi);
			assert_memory_equal(mask, "\xff\xff\xff\xff\0\0\0\0", 8);
		} else if (item->type == RTE_FLOW_ITEM_TYPE_END) {
			break;
		}
	}
	assert_int_equal(action[0].type, RTE_FLOW_ACTION_TYPE_QUEUE);
	fake.queue = ((const struct rte_flow_action_queue *)action[0].conf)->index;
	assert_int_equal(action[1].type, RTE_FLOW_ACTION_TYPE_END);
}

int rte_flow_validate(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
	struct rte_flow_error *error)
{
	if (!fake.on) {
		__typeof__(&rte_flow_validate) real;

		*(void **)&real = dlsym(RTLD_NEXT, "rte_flow_validate");
		assert_non_null(real);
		return real(port, attr, pattern, actions, error);
	}
	fake.validated++;
	assert_true(attr->ingress);
	see(pattern, actions);
	return fake.validate_rc;
}

struct rte_flow *rte_flow_create(uint16_t port, const struct rte_flow_attr *attr,
	const struct rte_flow_item pattern[], const struct rte_flow_action actions[],
	struct rte_flow_error *error)
{
	assert_true(fake.on); // never without asking first
	assert_true(attr->ingress);
	fake.created++;
	see(pattern, actions);
	rte_errno = fake.create_errno;
	return fake.create_errno != 0 ? NULL : (struct rte_flow *)&fake;
}

int rte_flow_destroy(uint16_t port, struct rte_flow *flow, struct rte_flow_error *error)
{
	assert_ptr_equal(flow, &fake);
	fake.destroyed++;
	return 0;
}

static void device_rule(bool v6, uint16_t udp_port)
{
	struct wr_port *p = pt_start("net_ring0", 0);
	struct wr_addr to = local(v6);
	uint32_t n = 0;
	void *rule;

	fake = (struct fake){.on = true, .queue = 9};
	assert_int_equal(wr_port_steer_spi(p, &to, udp_port, SPI, 0, &rule), 0);
	assert_ptr_equal(rule, &fake);
	assert_int_equal(fake.validated, 1);
	assert_int_equal(fake.created, 1);
	assert_int_equal(fake.type[n++], RTE_FLOW_ITEM_TYPE_ETH);
	assert_int_equal(fake.type[n++], v6 ? RTE_FLOW_ITEM_TYPE_IPV6 : RTE_FLOW_ITEM_TYPE_IPV4);
	if (v6)
		assert_memory_equal(fake.v6_dst, to.b, 16);
	else
		assert_memory_equal(fake.v4_dst, to.b + 12, 4);
	if (udp_port != 0)
		assert_int_equal(fake.type[n++], RTE_FLOW_ITEM_TYPE_UDP);
	assert_int_equal(fake.udp_port, udp_port);
	assert_int_equal(fake.type[n++], RTE_FLOW_ITEM_TYPE_ESP);
	assert_int_equal(fake.type[n], RTE_FLOW_ITEM_TYPE_END);
	assert_int_equal(fake.spi, SPI);
	assert_int_equal(fake.queue, 0);
	wr_port_unsteer(p, rule);
	assert_int_equal(fake.destroyed, 1);
	fake.on = false;
	wr_port_close(p);
}

static void flow_device_rule_of_each_form(void **state)
{
	device_rule(false, 0);
	device_rule(true, 0);
	device_rule(false, 4500);
	device_rule(true, 4500);
}

static void flow_device_refusals(void **state)
{
	struct wr_port *p = pt_start("net_ring0", 0);
	struct wr_addr to = local(false);
	void *rule = &to;

	fake = (struct fake){.on = true, .validate_rc = -EINVAL};
	assert_int_equal(wr_port_steer_spi(p, &to, 0, SPI, 0, &rule), -ENOTSUP);
	assert_null(rule);
	assert_int_equal(fake.created, 0);
	fake = (struct fake){.on = true, .create_errno = ENOSPC};
	assert_int_equal(wr_port_steer_spi(p, &to, 0, SPI, 0, &rule), -ENOSPC);
	assert_null(rule);
	fake.on = false;
	wr_port_close(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flow_sim_steers_esp_v4),
		cmocka_unit_test(flow_sim_steers_esp_v6),
		cmocka_unit_test(flow_sim_steers_udp_v4),
		cmocka_unit_test(flow_sim_steers_udp_v6),
		cmocka_unit_test(flow_sim_leaves_tcp_to_the_hash),
		cmocka_unit_test(flow_sim_short_is_not_steered),
		cmocka_unit_test(flow_sim_full),
		cmocka_unit_test(flow_refused),
		cmocka_unit_test(flow_ring_cannot),
		cmocka_unit_test(flow_tap_cannot),
		cmocka_unit_test(flow_device_rule_of_each_form),
		cmocka_unit_test(flow_device_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
