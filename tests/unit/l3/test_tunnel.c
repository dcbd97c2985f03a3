/* SPDX-License-Identifier: BSD-3-Clause */
#include "l3_test.h"

#include "l3_priv.h"

#define R4 "198.18.0.9"     // remote end on the link of port 0
#define R6 "2001:db8::9"    // the same, IPv6
#define B4 "203.0.113.5"    // behind the first tunnel
#define B6 "2001:db8:5::77" // behind the second
#define C4 "203.0.114.5"    // behind none

struct rig_tunnels {
	struct rig r;
	struct wr_l3_tunnel t[WR_MAX_TUNNELS + 1];
};

static void tunnels_config(struct rig_tunnels *rt)
{
	rig_config(&rt->r);
	memset(rt->t, 0, sizeof(rt->t));
	rt->t[0] = (struct wr_l3_tunnel){.remote = t_addr(R4), .to_count = 2};
	rt->t[0].to[0] = t_prefix("203.0.113.0/24");
	rt->t[0].to[1] = t_prefix("203.0.112.7/32");
	rt->t[1] = (struct wr_l3_tunnel){.remote = t_addr(R6), .to_count = 1};
	rt->t[1].to[0] = t_prefix("2001:db8:5::/48");
	rt->r.cfg.tunnel_count = 2;
	rt->r.cfg.tunnels = rt->t;
}

static void reachable(struct rig *r, const char *addr, const struct rte_ether_addr *mac)
{
	struct wr_addr a = t_addr(addr);
	struct l3_neigh *e = l3_neigh_add(r->net, 0, &a, r->now);

	assert_non_null(e);
	l3_neigh_set(r->net, e, L3_NEIGH_REACHABLE, mac, r->now);
}

// Both gateways and both remote ends are known.
static void tunnels_start(struct rig_tunnels *rt)
{
	tunnels_config(rt);
	rig_start(&rt->r);
	reachable(&rt->r, "198.18.0.254", &t_peer);
	reachable(&rt->r, "2001:db8::fe", &t_peer);
	reachable(&rt->r, R4, &t_peer2);
	reachable(&rt->r, R6, &t_peer2);
}

static void output_outer(struct rig *r, const char *dst, uint8_t mark)
{
	wr_l3_output_outer(r->l[1], t_packet(r, dst, mark), &r->tx, r->now);
}

// Takes all that is kept, which are these marks in their order, all of one tunnel.
static void taken(struct rig *r, uint16_t tunnel, const uint8_t *mark, uint16_t n)
{
	struct rte_mbuf *m[WR_L3_TUNNELLED];

	assert_int_equal(wr_l3_take_tunnelled(r->l[1], m, RTE_DIM(m)), n);
	for (uint16_t i = 0; i < n; i++) {
		assert_int_equal(m[i]->port, tunnel);
		assert_int_equal(rte_pktmbuf_mtod(m[i], uint8_t *)[m[i]->data_len - 1], mark[i]);
		rte_pktmbuf_free(m[i]);
	}
}

static bool path(struct rig *r, const char *dst, uint16_t *port, uint16_t *mtu)
{
	struct wr_addr a = t_addr(dst);

	return wr_l3_path(r->net, &a, port, mtu);
}

static int tunnel_of(struct rig *r, const char *text)
{
	struct wr_addr a = t_addr(text);

	return wr_l3_tunnel_of(r->net, &a);
}

// --- made -----------------------------------------------------------------------------------

static void refused(struct rig_tunnels *rt, const char *word)
{
	struct wr_err err = {0};

	wr_test_eal_init();
	assert_null(wr_l3_net_create(&rt->r.cfg, 1, T_START, &err));
	if (strstr(err.text, word) == NULL)
		fail_msg("\"%s\" is not in: %s", word, err.text);
}

static void tunnel_create_overlap_refused(void **state)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[1] = (struct wr_l3_tunnel){.remote = t_addr(R4), .to_count = 1};
	rt.t[1].to[0] = t_prefix("203.0.113.128/25");
	refused(&rt, "tunnel 1: 203.0.113.128/25 overlaps with what is behind tunnel 0");
	rt.t[1].to[0] = t_prefix("0.0.0.0/0");
	refused(&rt, "tunnel 1: 0.0.0.0/0 overlaps");
	tunnels_config(&rt);
	rt.t[0].to[0] = t_prefix("2001:db8::/32");
	rt.t[0].to_count = 1;
	refused(&rt, "tunnel 1: 2001:db8:5::/48 overlaps");
}

// ::/0 does not hold the mapped form of IPv4, and one tunnel may say a thing twice.
static void tunnel_create_families_do_not_overlap(void **state)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[1].to[0] = t_prefix("::/0");
	rt.t[0].to[1] = t_prefix("203.0.113.0/26");
	rt.t[1].remote = t_addr(R4);
	rig_start(&rt.r);
	assert_int_equal(tunnel_of(&rt.r, B4), 0);
	assert_int_equal(tunnel_of(&rt.r, C4), -1);
	assert_int_equal(tunnel_of(&rt.r, "2001:db8:7::1"), 1);
	rig_stop(&rt.r);
}

static void tunnel_create_remote_refused(void **state)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.r.port[0].gateway_count = 0;
	rt.t[1].remote = t_addr("198.51.100.1");
	refused(&rt, "tunnel 1: no port leads to the remote end 198.51.100.1");
	rt.t[1].remote = t_addr("198.18.0.1");
	refused(&rt, "remote end 198.18.0.1 is an address of ours");
	rt.t[1].remote = t_addr("198.18.0.255");
	refused(&rt, "remote end 198.18.0.255 is an address of ours or a broadcast address");
	rt.t[1].remote = t_addr("ff02::1");
	refused(&rt, "remote end ff02::1 is not a unicast address");
	rt.t[1].remote = t_addr("0.0.0.0");
	refused(&rt, "is not a unicast address");
}

static void tunnel_create_nested_refused(void **state)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[1].remote = t_addr(B4);
	refused(&rt, "tunnel 1: remote end 203.0.113.5 is behind tunnel 0");
	// one gateway that carries both families, itself behind the one of its family
	rt.t[0].remote = t_addr(B4);
	rig_start(&rt.r);
	rig_stop(&rt.r);
}

static void tunnel_create_prefixes_refused(void **state)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[0].to_count = 0;
	refused(&rt, "tunnel 0: 0 prefixes are behind it");
	rt.t[0].to_count = WR_MAX_TUNNEL_TO + 1;
	refused(&rt, "tunnel 0: 17 prefixes are behind it");
	tunnels_config(&rt);
	rt.t[0].to[1].len = 129;
	refused(&rt, "impossible prefix length");
	rt.t[0].to[1].len = 95;
	refused(&rt, "impossible prefix length");
	rt.t[0].to[1] = t_prefix("2001:db8:6::/48");
	refused(&rt, "tunnel 0: 2001:db8:6::/48 is of another family");
	tunnels_config(&rt);
	rt.r.cfg.tunnel_count = WR_MAX_TUNNELS + 1;
	refused(&rt, "17 tunnels are more than the limit of 16");
}

// --- who is behind --------------------------------------------------------------------------

static void tunnel_of_prefix_lengths(void **state)
{
	static const struct {
		const char *to, *in, *out;
	} v[] = {
		{"0.0.0.0/0", "8.8.8.8", "2001:db8::1"},
		{"128.0.0.0/1", "128.0.0.0", "127.255.255.255"},
		{"203.0.112.0/20", "203.0.127.255", "203.0.128.0"},
		{"203.0.113.5/32", "203.0.113.5", "203.0.113.4"},
		{"203.0.113.77/24", "203.0.113.1", "203.0.112.255"}, // host bits do not count
		{"::/0", "2001:db8:77::1", "8.8.8.8"},
		{"2000::/3", "3fff::1", "4000::1"},
		{"2001:db8:0:5::/64", "2001:db8:0:5:ffff::1", "2001:db8:0:6::"},
		{"2001:db8::40/122", "2001:db8::7f", "2001:db8::80"},
		{"2001:db8::41/128", "2001:db8::41", "2001:db8::40"},
	};

	for (size_t i = 0; i < RTE_DIM(v); i++) {
		struct rig_tunnels rt;

		tunnels_config(&rt);
		rt.r.cfg.tunnel_count = 1;
		rt.t[0].to_count = 1;
		rt.t[0].to[0] = t_prefix(v[i].to);
		rig_start(&rt.r);
		assert_int_equal(tunnel_of(&rt.r, v[i].in), 0);
		assert_int_equal(tunnel_of(&rt.r, v[i].out), -1);
		rig_output(&rt.r, 1, v[i].in, 3);
		taken(&rt.r, 0, (uint8_t[]){3}, 1);
		rig_output(&rt.r, 1, v[i].out, 3);
		taken(&rt.r, 0, NULL, 0);
		rig_stop(&rt.r);
	}
}

static void tunnel_of_none_configured(void **state)
{
	struct rte_mbuf *m;
	struct rig r;

	rig_config(&r);
	rig_start(&r);
	assert_int_equal(tunnel_of(&r, B4), -1);
	assert_int_equal(wr_l3_take_tunnelled(r.l[1], &m, 1), 0);
	rig_stop(&r);
}

// --- output ---------------------------------------------------------------------------------

static void tunnel_output_keeps_in_order(void **state)
{
	struct rig_tunnels rt;
	struct rte_mbuf *m[2];

	tunnels_start(&rt);
	for (uint8_t i = 0; i < 5; i++)
		rig_output(&rt.r, 1, i % 2 == 0 ? B4 : "203.0.112.7", i);
	assert_int_equal(rt.r.tx.count, 0);
	assert_int_equal(wr_l3_queued(rt.r.l[1]), 5);
	assert_int_equal(wr_l3_queued(rt.r.l[0]), 0);
	assert_int_equal(wr_l3_next_timer(rt.r.l[1]), 0);
	assert_int_equal(wr_l3_take_tunnelled(rt.r.l[1], m, 2), 2);
	assert_int_equal(rte_pktmbuf_mtod(m[1], uint8_t *)[40], 1);
	assert_int_equal(m[0]->pkt_len, 41); // without Ethernet
	rte_pktmbuf_free_bulk(m, 2);
	rig_output(&rt.r, 1, B4, 5);
	taken(&rt.r, 0, (uint8_t[]){2, 3, 4, 5}, 4);
	assert_int_equal(wr_l3_queued(rt.r.l[1]), 0);
	rig_output(&rt.r, 1, B6, 6);
	taken(&rt.r, 1, (uint8_t[]){6}, 1);
	rig_stop(&rt.r);
}

static void tunnel_output_full(void **state)
{
	struct rig_tunnels rt;
	uint8_t mark[WR_L3_TUNNELLED];

	tunnels_start(&rt);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < WR_L3_TUNNELLED + 3; i++)
			rig_output(&rt.r, 1, B4, (uint8_t)i);
		for (uint32_t i = 0; i < WR_L3_TUNNELLED; i++)
			mark[i] = (uint8_t)i;
		assert_int_equal(wr_l3_queued(rt.r.l[1]), WR_L3_TUNNELLED);
		assert_int_equal(rt.r.stats[1].drop[WR_DROP_ipsec_out_queue_full], 3 * (round + 1));
		taken(&rt.r, 0, mark, WR_L3_TUNNELLED);
		rig_output(&rt.r, 1, B4, 9); // and from another place of the ring
		taken(&rt.r, 0, (uint8_t[]){9}, 1);
	}
	rig_stop(&rt.r);
}

static void tunnel_output_kept_at_the_end_is_freed(void **state)
{
	struct rig_tunnels rt;

	tunnels_start(&rt);
	rig_output(&rt.r, 1, B4, 1);
	rig_output(&rt.r, 1, B6, 2);
	rig_stop(&rt.r);
	assert_int_equal(rt.r.stats[1].drop[WR_DROP_shutdown], 2);
}

// Everything is behind it, but what no packet may be sent to.
static void tunnel_output_of_all_spares_groups_and_ourselves(void **state)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[0].to[0] = t_prefix("0.0.0.0/0");
	rt.t[0].to_count = 1;
	rt.t[1].to[0] = t_prefix("::/0");
	rt.t[1].remote = rt.t[0].remote;
	rig_start(&rt.r);
	rig_output(&rt.r, 1, "198.18.0.100", 1);
	rig_output(&rt.r, 1, "198.18.0.255", 1);
	rig_output(&rt.r, 1, "224.0.0.1", 1);
	rig_output(&rt.r, 1, "ff02::1", 1);
	assert_int_equal(rt.r.stats[1].drop[WR_DROP_no_route], 4);
	assert_int_equal(wr_l3_queued(rt.r.l[1]), 0);
	rig_output(&rt.r, 1, R4, 2); // its remote end as well, unless it is what was encrypted
	taken(&rt.r, 0, (uint8_t[]){2}, 1);
	// neighbours are asked on the link, by whoever needs them
	output_outer(&rt.r, R4, 3);
	rig_poll(&rt.r);
	assert_arp(&rt.r, 0, 1, "198.18.0.1", R4, &t_bcast);
	rig_stop(&rt.r);
}

static void tunnel_output_clear_is_not_touched(void **state)
{
	struct rig_tunnels rt;

	tunnels_start(&rt);
	for (uint8_t i = 0; i < 4; i++) {
		rig_output(&rt.r, 1, C4, 1);
		rig_output(&rt.r, 1, "2001:db8:6::1", 2);
		rig_output(&rt.r, 1, B4, 3);
		assert_int_equal(rt.r.tx.count, 2);
		assert_mac(sent(&rt.r, 0), &t_peer);
		assert_mac(sent(&rt.r, 1), &t_peer);
		taken(&rt.r, 0, (uint8_t[]){3}, 1);
		rig_clear(&rt.r);
	}
	rig_stop(&rt.r);
}

// The short way is taken by the address alone: what is behind a tunnel must not have one there.
static void tunnel_output_leaves_no_short_way(void **state)
{
	struct wr_addr b4 = t_addr(B4), b6 = t_addr(B6);
	struct rig_tunnels rt;

	tunnels_start(&rt);
	for (int round = 0; round < 4; round++) {
		bool require = round % 2 != 0;

		wr_l3_tunnel_require(rt.r.net, 0, require);
		wr_l3_tunnel_require(rt.r.net, 1, require);
		for (int i = 0; i < 3; i++) {
			rig_output(&rt.r, 1, B4, 1);
			rig_output(&rt.r, 1, B6, 1);
			output_outer(&rt.r, B4, 1);
			output_outer(&rt.r, B6, 1);
		}
		for (uint32_t k = 0; k < RTE_DIM(rt.r.l[1]->path); k++) {
			const struct l3_path *p = &rt.r.l[1]->path[k];

			if (wr_addr_eq(&p->dst, &b4) || wr_addr_eq(&p->dst, &b6))
				assert_null(p->neigh);
		}
		rig_clear(&rt.r);
		rig_run(&rt.r, 1);
		while (wr_l3_queued(rt.r.l[1]) > 0) {
			struct rte_mbuf *m;

			assert_int_equal(wr_l3_take_tunnelled(rt.r.l[1], &m, 1), 1);
			rte_pktmbuf_free(m);
		}
	}
	rig_stop(&rt.r);
}

// --- what was encrypted ---------------------------------------------------------------------

// Transport mode: the packet and its encrypted form go to one address.
static void tunnel_outer_to_what_is_behind(const char *host)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.r.cfg.tunnel_count = 1;
	rt.t[0].remote = t_addr(host);
	rt.t[0].to_count = 1;
	rt.t[0].to[0] = (struct wr_prefix){rt.t[0].remote, 128};
	rig_start(&rt.r);
	reachable(&rt.r, host, &t_peer2);
	for (uint8_t i = 0; i < 4; i++) {
		rig_output(&rt.r, 1, host, i);
		assert_int_equal(rt.r.tx.count, 0);
		taken(&rt.r, 0, &i, 1);
		output_outer(&rt.r, host, i);
		assert_int_equal(rt.r.tx.count, 1);
		assert_mac(sent(&rt.r, 0), &t_peer2);
		assert_int_equal(sent_mark(&rt.r, 0), i);
		assert_int_equal(rt.r.tx.pkts[0]->port, 0);
		rig_clear(&rt.r);
	}
	rig_stop(&rt.r);
}

static void tunnel_outer_transport_v4(void **state)
{
	tunnel_outer_to_what_is_behind(R4);
}

static void tunnel_outer_transport_v6(void **state)
{
	tunnel_outer_to_what_is_behind(R6);
}

static void tunnel_outer_is_remembered(void **state)
{
	struct wr_addr a = t_addr(R4);
	uint32_t found = 0;
	struct rig_tunnels rt;

	tunnels_start(&rt);
	output_outer(&rt.r, R4, 1);
	for (uint32_t k = 0; k < RTE_DIM(rt.r.l[1]->outer); k++) {
		const struct l3_path *p = &rt.r.l[1]->outer[k];

		found += p->neigh != NULL && wr_addr_eq(&p->dst, &a);
	}
	assert_int_equal(found, 1);
	output_outer(&rt.r, R4, 2);
	assert_int_equal(rt.r.tx.count, 2);
	assert_mac(sent(&rt.r, 1), &t_peer2);
	rig_stop(&rt.r);
}

static void tunnel_outer_refusals(void **state)
{
	struct rig_tunnels rt;
	struct rte_mbuf *m;

	tunnels_start(&rt);
	m = t_packet(&rt.r, R4, 0);
	rte_pktmbuf_trim(m, 22);
	wr_l3_output_outer(rt.r.l[1], m, &rt.r.tx, rt.r.now);
	assert_int_equal(rt.r.stats[1].drop[WR_DROP_tx_error], 1);
	output_outer(&rt.r, "198.18.0.100", 0);
	assert_int_equal(rt.r.stats[1].drop[WR_DROP_no_route], 1);
	rig_stop(&rt.r);
}

// An ESP packet that waits for its neighbour leaves once that is known, tunnel or not.
static void tunnel_outer_waits_for_the_neighbour(void **state)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[0].to[0] = t_prefix("198.18.0.9/32"); // so R4 is behind it
	rig_start(&rt.r);
	output_outer(&rt.r, R4, 7);
	assert_int_equal(wr_l3_queued(rt.r.l[1]), 1);
	rig_poll(&rt.r);
	rig_clear(&rt.r);
	rig_input(
		&rt.r, 0, t_arp(&rt.r, &(struct t_arp){0, 2, &t_mac0, &t_peer2, R4, "198.18.0.1"}));
	rig_poll(&rt.r);
	assert_int_equal(rt.r.tx.count, 1);
	assert_int_equal(sent_mark(&rt.r, 0), 7);
	rig_stop(&rt.r);
}

// --- the switch -----------------------------------------------------------------------------

static void tunnel_require_switch(const char *host, int tunnel)
{
	struct rig_tunnels rt;
	uint8_t mark = 0;

	tunnels_config(&rt);
	rt.t[tunnel].clear = true;
	rig_start(&rt.r);
	reachable(&rt.r, "198.18.0.254", &t_peer);
	reachable(&rt.r, "2001:db8::fe", &t_peer);
	assert_int_equal(tunnel_of(&rt.r, host), -1);
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 3; i++)
			rig_output(&rt.r, 1, host, ++mark);
		assert_int_equal(rt.r.tx.count, 3);
		assert_mac(sent(&rt.r, 2), &t_peer);
		assert_int_equal(sent_mark(&rt.r, 2), mark);
		rig_clear(&rt.r);
		// the way in clear is remembered, and not one more packet takes it
		wr_l3_tunnel_require(rt.r.net, (uint16_t)tunnel, true);
		assert_int_equal(tunnel_of(&rt.r, host), tunnel);
		rig_output(&rt.r, 1, host, ++mark);
		assert_int_equal(rt.r.tx.count, 0);
		taken(&rt.r, (uint16_t)tunnel, &mark, 1);
		wr_l3_tunnel_require(rt.r.net, (uint16_t)tunnel, false);
		assert_int_equal(tunnel_of(&rt.r, host), -1);
	}
	rig_stop(&rt.r);
}

static void tunnel_require_next_packet_v4(void **state)
{
	tunnel_require_switch(B4, 0);
}

static void tunnel_require_next_packet_v6(void **state)
{
	tunnel_require_switch(B6, 1);
}

// Let out in clear, but still waiting for a neighbour when the tunnel became required.
static void tunnel_require_catches_what_waits(void **state)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[0].clear = true;
	rig_start(&rt.r);
	rig_output(&rt.r, 1, B4, 1);
	rig_output(&rt.r, 1, C4, 2); // by the same gateway, of no tunnel
	rig_output(&rt.r, 1, "203.0.112.7", 3);
	assert_int_equal(wr_l3_queued(rt.r.l[1]), 3);
	rig_poll(&rt.r);
	rig_clear(&rt.r);
	wr_l3_tunnel_require(rt.r.net, 0, true);
	rig_input(&rt.r, 0,
		t_arp(&rt.r,
			&(struct t_arp){0, 2, &t_mac0, &t_peer, "198.18.0.254", "198.18.0.1"}));
	rig_poll(&rt.r);
	assert_int_equal(rt.r.tx.count, 1);
	assert_int_equal(sent_mark(&rt.r, 0), 2);
	assert_int_equal(wr_l3_queued(rt.r.l[1]), 2);
	taken(&rt.r, 0, (uint8_t[]){1, 3}, 2);
	rig_stop(&rt.r);
}

static void tunnel_require_still_clear_what_waits_leaves(void **state)
{
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[0].clear = true;
	rig_start(&rt.r);
	rig_output(&rt.r, 1, B4, 1);
	rig_poll(&rt.r);
	rig_clear(&rt.r);
	rig_input(&rt.r, 0,
		t_arp(&rt.r,
			&(struct t_arp){0, 2, &t_mac0, &t_peer, "198.18.0.254", "198.18.0.1"}));
	rig_poll(&rt.r);
	assert_int_equal(rt.r.tx.count, 1);
	assert_int_equal(sent_mark(&rt.r, 0), 1);
	rig_stop(&rt.r);
}

// --- questions ------------------------------------------------------------------------------

static void tunnel_path_follows_the_remote_end(void **state)
{
	uint16_t port = 9, mtu = 9;
	struct wr_addr b4 = t_addr(B4);
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[0].remote = t_addr("198.19.0.9"); // on port 1; B4 in clear is by port 0
	rig_start(&rt.r);
	assert_false(path(&rt.r, B4, &port, &mtu)); // nothing fits yet
	assert_true(wr_l3_path_outer(rt.r.net, &b4, &port, &mtu));
	assert_int_equal(port, 0);
	assert_int_equal(mtu, 1500);
	wr_l3_tunnel_mtu(rt.r.net, 0, 8938);
	assert_true(path(&rt.r, B4, &port, &mtu));
	assert_int_equal(port, 1);
	assert_int_equal(mtu, 8938);
	assert_true(path(&rt.r, C4, &port, &mtu)); // behind none
	assert_int_equal(port, 0);
	assert_int_equal(mtu, 1500);
	assert_false(path(&rt.r, B6, &port, &mtu)); // of the other tunnel
	wr_l3_tunnel_mtu(rt.r.net, 1, 1430);
	assert_true(path(&rt.r, B6, &port, &mtu));
	assert_int_equal(port, 0);
	assert_int_equal(mtu, 1430);
	rig_stop(&rt.r);
}

static void tunnel_path_in_clear(void **state)
{
	uint16_t port = 9, mtu = 9;
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[0].remote = t_addr("198.19.0.9");
	rt.t[0].clear = true;
	rig_start(&rt.r);
	assert_false(path(&rt.r, B4, &port, &mtu));
	wr_l3_tunnel_mtu(rt.r.net, 0, 1400);
	assert_true(path(&rt.r, B4, &port, &mtu));
	assert_int_equal(port, 0);
	assert_int_equal(mtu, 1400); // holds when it is required later
	wr_l3_tunnel_mtu(rt.r.net, 0, 8938);
	assert_true(path(&rt.r, B4, &port, &mtu));
	assert_int_equal(mtu, 1500);
	wr_l3_tunnel_require(rt.r.net, 0, true);
	assert_true(path(&rt.r, B4, &port, &mtu));
	assert_int_equal(port, 1);
	assert_int_equal(mtu, 8938);
	rig_stop(&rt.r);
}

// No way in clear at all: that of the tunnel is told, for those who ask once.
static void tunnel_path_in_clear_without_a_way(void **state)
{
	uint16_t port = 9, mtu = 9;
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.r.port[0].gateway_count = 0;
	rt.t[0].clear = true;
	rig_start(&rt.r);
	wr_l3_tunnel_mtu(rt.r.net, 0, 1400);
	assert_true(path(&rt.r, B4, &port, &mtu));
	assert_int_equal(port, 0);
	assert_int_equal(mtu, 1400);
	assert_false(path(&rt.r, C4, &port, &mtu));
	rig_output(&rt.r, 1, B4, 1);
	assert_int_equal(rt.r.stats[1].drop[WR_DROP_no_route], 1);
	wr_l3_tunnel_require(rt.r.net, 0, true);
	rig_output(&rt.r, 1, B4, 2);
	taken(&rt.r, 0, (uint8_t[]){2}, 1);
	rig_stop(&rt.r);
}

static void tunnel_source_is_of_the_port_to_the_remote_end(void **state)
{
	struct wr_addr b4 = t_addr(B4), b6 = t_addr(B6), c4 = t_addr(C4), got, want;
	struct rig_tunnels rt;

	tunnels_config(&rt);
	rt.t[0].remote = t_addr("198.19.0.9");
	rig_start(&rt.r);
	for (int require = 0; require < 2; require++) {
		wr_l3_tunnel_require(rt.r.net, 0, require != 0);
		want = t_addr("198.19.0.1");
		assert_true(wr_l3_source(rt.r.net, &b4, &got));
		assert_true(wr_addr_eq(&got, &want));
		want = t_addr("198.18.0.1");
		assert_true(wr_l3_source(rt.r.net, &c4, &got));
		assert_true(wr_addr_eq(&got, &want));
	}
	want = t_addr("2001:db8::1");
	assert_true(wr_l3_source(rt.r.net, &b6, &got));
	assert_true(wr_addr_eq(&got, &want));
	rig_stop(&rt.r);

	tunnels_config(&rt);
	rt.t[1].remote = t_addr("198.19.0.9"); // a port without an address of the family inside
	rig_start(&rt.r);
	assert_false(wr_l3_source(rt.r.net, &b6, &got));
	rig_stop(&rt.r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tunnel_create_overlap_refused),
		cmocka_unit_test(tunnel_create_families_do_not_overlap),
		cmocka_unit_test(tunnel_create_remote_refused),
		cmocka_unit_test(tunnel_create_nested_refused),
		cmocka_unit_test(tunnel_create_prefixes_refused),
		cmocka_unit_test(tunnel_of_prefix_lengths),
		cmocka_unit_test(tunnel_of_none_configured),
		cmocka_unit_test(tunnel_output_keeps_in_order),
		cmocka_unit_test(tunnel_output_full),
		cmocka_unit_test(tunnel_output_kept_at_the_end_is_freed),
		cmocka_unit_test(tunnel_output_of_all_spares_groups_and_ourselves),
		cmocka_unit_test(tunnel_output_clear_is_not_touched),
		cmocka_unit_test(tunnel_output_leaves_no_short_way),
		cmocka_unit_test(tunnel_outer_transport_v4),
		cmocka_unit_test(tunnel_outer_transport_v6),
		cmocka_unit_test(tunnel_outer_is_remembered),
		cmocka_unit_test(tunnel_outer_refusals),
		cmocka_unit_test(tunnel_outer_waits_for_the_neighbour),
		cmocka_unit_test(tunnel_require_next_packet_v4),
		cmocka_unit_test(tunnel_require_next_packet_v6),
		cmocka_unit_test(tunnel_require_catches_what_waits),
		cmocka_unit_test(tunnel_require_still_clear_what_waits_leaves),
		cmocka_unit_test(tunnel_path_follows_the_remote_end),
		cmocka_unit_test(tunnel_path_in_clear),
		cmocka_unit_test(tunnel_path_in_clear_without_a_way),
		cmocka_unit_test(tunnel_source_is_of_the_port_to_the_remote_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
