/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

#include "ipsec.h"
#include "wr_csum.h"

// Backends behind tunnels, from a client's SYN to its last byte: the far gateway and the backends
// take nothing in clear (triple_net.c).

static void stream(struct triple *t, enum tri_mode mode, uint64_t up, uint64_t down)
{
	struct tri_conn *c[8];

	for (uint32_t i = 0; i < RTE_DIM(c); i++)
		c[i] = tri_connect(
			t, &(struct tri_want){
				   .mode = mode, .up = up, .down = down, .family = i % 2 ? 4 : 6});
	for (uint32_t i = 0; i < RTE_DIM(c); i++)
		TRI_WAIT(t, tri_complete(t, c[i]), 60 * TRI_S);
}

static void one_kind(uint32_t esp, int family, uint16_t workers)
{
	struct tri_config cfg = {.esp = TRI_ESP | esp, .family = family, .workers = workers};
	struct triple *t = tri_create(&cfg);

	stream(t, TRI_ECHO, 20000, 0);
	stream(t, TRI_BULK, 1000, 300000);
	TRI_CHECK(t, tri_ctr(t, WR_CTR_ipsec_out) > 100);
	TRI_CHECK(t, tri_ctr(t, WR_CTR_ipsec_in) > 8 * 300000 / 1460);
	TRI_CHECK(t, tri_ctr(t, WR_CTR_ipsec_in_bytes) > 8 * 320000);
	for (enum wr_drop d = WR_DROP_ipsec_unknown_spi; d <= WR_DROP_ipsec_too_big; d++)
		TRI_EQ(t, tri_drop(t, d), 0);
	if (workers > 1) // the gateway takes any worker's association
		TRI_CHECK(t, tri_ctr(t, WR_CTR_rx_handoff_in) > 0);
	tri_finish(t);
}

static void ipsec_streams_of_every_kind(void **state)
{
	for (uint32_t esp = 0; esp < 2 * TRI_ESP_OUTER6; esp++)
		one_kind(esp, esp % 3 ? 4 : 6, 1);
}

static void ipsec_streams_of_several_workers(void **state)
{
	one_kind(WR_IPSEC_AES_GCM_128, 4, 2);
	one_kind(WR_IPSEC_AES_GCM_256 | TRI_ESP_ESN, 6, 4);
	one_kind(WR_IPSEC_AES_CBC_128_SHA256 | TRI_ESP_UDP, 4, 4);
}

static void ipsec_lossy_paths(void **state)
{
	struct tri_link bad = {.loss = 10,
		.dup = 20,
		.reorder = 20,
		.corrupt = 10,
		.delay_us = 500,
		.held_us = 5000};
	struct tri_config cfg = {
		.esp = TRI_ESP | TRI_ESP_ESN, .family = 4, .workers = 2, .link = {bad, bad}};
	struct triple *t = tri_create(&cfg);

	stream(t, TRI_ECHO, 100000, 0);
	TRI_CHECK(t, tri_drop(t, WR_DROP_ipsec_replay) > 0);
	TRI_CHECK(t, tri_drop(t, WR_DROP_ipsec_authentication) > 0);
	tri_finish(t);
}

static void ipsec_rekey_loses_nothing(void **state)
{
	struct tri_link lan = {.delay_us = 2000};
	struct tri_config cfg = {
		.esp = TRI_ESP, .family = 4, .workers = 2, .link = {[TRI_LAN] = lan}};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c[4];

	for (uint32_t i = 0; i < RTE_DIM(c); i++)
		c[i] = tri_connect(
			t, &(struct tri_want){.mode = TRI_BULK, .up = 500000, .down = 3000000});
	for (uint32_t i = 0; i < 12; i++) {
		tri_run(t, 10 * TRI_MS);
		tri_esp_rekey(t);
	}
	for (uint32_t i = 0; i < RTE_DIM(c); i++)
		TRI_WAIT(t, tri_complete(t, c[i]), 60 * TRI_S);
	for (enum wr_drop d = WR_DROP_ipsec_unknown_spi; d <= WR_DROP_ipsec_too_big; d++)
		TRI_EQ(t, tri_drop(t, d), 0);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_retrans_bytes), 0);
	tri_finish(t);
}

// Without keys the path is closed; nothing reaches a backend, and what waits goes on with new ones.
static void ipsec_without_keys_nothing_leaves(void **state)
{
	struct tri_config cfg = {.esp = TRI_ESP, .family = 4};
	struct triple *t = tri_create(&cfg);
	struct wr_msg m = {.kind = WR_MSG_IPSEC_OUT};
	struct tri_conn *c;
	uint64_t before;

	stream(t, TRI_ECHO, 100, 0);
	tri_post(t, &m);
	tri_run(t, 10 * TRI_S);
	before = t->peer[1].frames_in + t->peer[2].frames_in;
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 100});
	tri_run(t, TRI_S);
	TRI_CHECK(t, tri_drop(t, WR_DROP_ipsec_no_association) > 0);
	TRI_EQ(t, t->peer[1].frames_in + t->peer[2].frames_in, before);
	tri_esp_rekey(t);
	TRI_WAIT(t, tri_complete(t, c), 10 * TRI_S);
	tri_finish(t);
}

static void to_lan(struct triple *t, struct rte_mbuf *m)
{
	rte_ether_addr_copy(wr_port_mac(t->port[TRI_LAN]),
		&rte_pktmbuf_mtod(m, struct rte_ether_hdr *)->dst_addr);
	TRI_EQ(t, wr_sim_port_inject(t->port[TRI_LAN], m), 0);
	tri_settle(t);
}

static struct rte_mbuf *echo(struct triple *t, const char *src, const char *dst)
{
	struct rte_mbuf *m = w_ip(t, src, dst, IPPROTO_ICMP);
	uint8_t *icmp = rte_pktmbuf_mtod_offset(m, uint8_t *, 14 + 20);
	uint16_t ck;

	memset(icmp, 0, 40);
	icmp[0] = 8;
	ck = wr_csum_finish(wr_csum_add(0, icmp, 40));
	memcpy(icmp + 2, &ck, sizeof(ck));
	return m;
}

// What the kernel sends through the exception path stays off the wire when it is for a backend.
static void ipsec_kernel_is_sifted(void **state)
{
	struct tri_config cfg = {.esp = TRI_ESP, .family = 4, .tap = true};
	struct triple *t = tri_create(&cfg);
	uint64_t out = tri_ctr(t, WR_CTR_tx_frames);

	TRI_EQ(t,
		wr_sim_port_inject(t->tap,
			w_tcp(t, "198.18.0.1", "198.18.1.20", 22, 33000, WR_TCP_RST | WR_TCP_ACK)),
		0);
	TRI_EQ(t,
		wr_sim_port_inject(
			t->tap, w_tcp(t, "198.18.0.1", "198.18.0.2", 22, 33000, WR_TCP_ACK)),
		0);
	tri_settle(t);
	TRI_EQ(t, tri_drop(t, WR_DROP_ipsec_kernel), 1);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tx_frames), out + 1);
	tri_finish(t);
}

// Sources stay guarded when a new configuration does not name them any more.
static void ipsec_guards_are_kept(void **state)
{
	struct tri_config cfg = {.esp = TRI_ESP, .family = 4};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_addr source = w_addr("198.18.1.11"), vip = w_addr("198.18.0.100");
	struct wr_conf *c = wr_conf_copy(t->conf);

	TRI_CHECK(t, worker_ipsec_guards(w, &source, WR_L3_VIP));
	TRI_CHECK(t, worker_ipsec_guards(w, &vip, WR_L3_OWN));
	TRI_CHECK(t, !worker_ipsec_guards(w, &vip, WR_L3_VIP));
	fabric_ipsec_guard(t->f, c);
	TRI_EQ(t, t->f->ipsec->guard_count, 1);
	c->pools[0].tunnel = -1;
	fabric_ipsec_guard(t->f, c);
	TRI_CHECK(t, worker_ipsec_guards(w, &source, WR_L3_VIP));
	// More than can be remembered: everything.
	c->pools[0].tunnel = 0;
	for (uint32_t i = 0; i <= GUARDS_MAX; i++) {
		c->pools[0].source[0].first = c->pools[0].source[0].last;
		c->pools[0].source[0].last = wr_addr_next(&c->pools[0].source[0].last);
		fabric_ipsec_guard(t->f, c);
	}
	TRI_CHECK(t, worker_ipsec_guards(w, &vip, WR_L3_VIP));
	wr_conf_free(c);
	tri_finish(t);
}

// Whoever speaks in clear with a protected address, to where connections towards tunnels begin or
// to a service, is not heard; nor can it make us answer.
static void ipsec_clear_is_refused(void **state)
{
	struct tri_config cfg = {.esp = TRI_ESP, .family = 4};
	struct triple *t = tri_create(&cfg);
	struct rte_mbuf *m;
	uint64_t out;

	stream(t, TRI_ECHO, 100, 0);
	out = tri_ctr(t, WR_CTR_tx_frames);
	to_lan(t, w_tcp(t, "198.18.1.20", "198.18.1.10", 80, 33000, WR_TCP_RST | WR_TCP_ACK));
	to_lan(t, w_tcp(t, "198.18.1.20", "198.18.1.10", 80, 33000, WR_TCP_ACK));
	to_lan(t, w_tcp(t, "198.18.1.21", "198.18.1.1", 80, 33000, WR_TCP_ACK));
	to_lan(t, w_tcp(t, "198.18.1.21", "198.18.0.100", 4000, 80, WR_TCP_SYN));
	TRI_EQ(t, tri_drop(t, WR_DROP_ipsec_clear), 4);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tx_frames), out);
	// Nor ICMP, nor what the kernel would get; IKE may, which the kernel's is.
	to_lan(t, w_ip(t, "198.18.1.20", "198.18.1.1", IPPROTO_UDP));
	TRI_EQ(t, tri_drop(t, WR_DROP_ipsec_clear), 5);
	m = w_ip(t, "198.18.1.20", "198.18.1.1", IPPROTO_UDP);
	*rte_pktmbuf_mtod_offset(m, rte_be16_t *, 14 + 20 + 2) = RTE_BE16(500);
	to_lan(t, m);
	TRI_EQ(t, tri_drop(t, WR_DROP_ipsec_clear), 5);
	TRI_EQ(t, tri_drop(t, WR_DROP_unknown_protocol), 1);
	to_lan(t, echo(t, "198.18.1.20", "198.18.0.100"));
	TRI_EQ(t, tri_drop(t, WR_DROP_ipsec_clear), 6);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tx_frames), out);
	// Others may.
	to_lan(t, w_tcp(t, "198.18.1.99", "198.18.1.1", 80, 33000, WR_TCP_ACK));
	TRI_EQ(t, tri_drop(t, WR_DROP_ipsec_clear), 6);
	to_lan(t, echo(t, "198.18.1.99", "198.18.0.100"));
	TRI_EQ(t, tri_drop(t, WR_DROP_ipsec_clear), 6);
	tri_finish(t);
}

// Frames that claim to have been in a tunnel, as another instance's may on a shared-memory port.
static void ipsec_mark_is_not_believed(void **state)
{
	struct tri_config cfg = {.esp = TRI_ESP, .family = 4};
	struct triple *t = tri_create(&cfg);
	struct rte_mbuf *m = w_tcp(t, "198.18.1.20", "198.18.1.10", 80, 33000, WR_TCP_ACK);

	m->ol_flags |= RTE_MBUF_F_RX_SEC_OFFLOAD;
	to_lan(t, m);
	TRI_EQ(t, tri_drop(t, WR_DROP_ipsec_clear), 1);
	tri_finish(t);
}

static void ipsec_esp_nobody_knows(void **state)
{
	struct tri_config cfg = {.esp = TRI_ESP | TRI_ESP_UDP, .family = 4};
	struct triple *t = tri_create(&cfg);

	to_lan(t, w_ip(t, "198.18.1.200", "198.18.1.1", IPPROTO_ESP));
	to_lan(t, w_ip(t, "198.18.1.99", "198.18.1.1", IPPROTO_ESP));
	TRI_EQ(t, tri_drop(t, WR_DROP_ipsec_unknown_spi) + tri_drop(t, WR_DROP_ipsec_malformed), 2);
	tri_finish(t);
}

static void ipsec_queues_are_registered(void **state)
{
	struct tri_config cfg = {.esp = TRI_ESP, .family = 4};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);

	TRI_CHECK(t, w->q.ipsec_buffers >= 0 && w->q.crypto >= 0);
	TRI_EQ(t, w->pressure.queue[w->q.ipsec_buffers].capacity, t->pools->esp_count);
	TRI_CHECK(t, w->pressure.queue[w->q.crypto].capacity >= 64);
	t->tick_us = TRI_MS; // gauges are looked at now and then
	stream(t, TRI_BULK, 0, 300000);
	tri_run(t, TRI_S);
	TRI_CHECK(t, w->pressure.queue[w->q.crypto].peak > 0);
	tri_finish(t);
}

static void ipsec_no_tunnels_no_cost(void **state)
{
	struct tri_config cfg = {.family = 4};
	struct triple *t = tri_create(&cfg);

	TRI_CHECK(t, wr_fabric_worker(t->f, 0)->ipsec == NULL);
	TRI_CHECK(t, wr_fabric_tunnels(t->f) == NULL && wr_fabric_ipsec_sad(t->f) == NULL);
	TRI_CHECK(t, wr_fabric_ipsec_device(t->f) == NULL);
	TRI_CHECK(t, wr_fabric_worker(t->f, 0)->q.crypto < 0);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipsec_no_tunnels_no_cost),
		cmocka_unit_test(ipsec_streams_of_every_kind),
		cmocka_unit_test(ipsec_streams_of_several_workers),
		cmocka_unit_test(ipsec_lossy_paths),
		cmocka_unit_test(ipsec_rekey_loses_nothing),
		cmocka_unit_test(ipsec_without_keys_nothing_leaves),
		cmocka_unit_test(ipsec_clear_is_refused),
		cmocka_unit_test(ipsec_kernel_is_sifted),
		cmocka_unit_test(ipsec_guards_are_kept),
		cmocka_unit_test(ipsec_mark_is_not_believed),
		cmocka_unit_test(ipsec_esp_nobody_knows),
		cmocka_unit_test(ipsec_queues_are_registered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
