/* SPDX-License-Identifier: BSD-3-Clause */

// Receive, classify and steer: every frame read leaves here as handed on, consumed or dropped with
// a reason.

#include "entry.h"
#include "ipsec.h"
#include "stage.h"

#include <rte_ethdev.h>

#include "wr_parse.h"

#define NOTICE_US WR_US_PER_S // one checksum or truncation event a port and second

static void drop(struct wr_worker *w, struct wr_pkt *p, enum wr_drop why)
{
	wr_stats_drop(&w->stats, why, 1);
	rte_pktmbuf_free(p->m);
}

static void raise(struct wr_worker *w, const struct wr_event *ev)
{
	wr_stats_add(&w->stats, WR_CTR_events_raised, 1);
	if (!wr_event_push(w->events, ev))
		wr_stats_add(&w->stats, WR_CTR_events_lost, 1);
}

// Frames that arrive unfinished or cut mean a peer's offloads are on: say so with the cure.
static void notice_offload(struct wr_worker *w, struct wr_pkt *p, wr_us_t now)
{
	struct wport *wp = &w->port[p->m->port];
	struct wr_event ev = {.at_us = now, .worker = w->id, .queue = UINT16_MAX, .count = 1};

	if (now < wp->next_notice_us)
		return;
	wp->next_notice_us = now + NOTICE_US;
	ev.kind = p->drop == WR_DROP_ip_truncated ? WR_EV_port_truncated : WR_EV_port_checksum;
	ev.scope = p->m->port;
	raise(w, &ev);
}

// The port's hash is not the one that source ports were chosen by; the hand-off mends it, at a
// cost.
static void notice_miss(struct wr_worker *w, uint16_t port, wr_us_t now)
{
	struct wport *wp = &w->port[port];
	struct wr_event ev = {.at_us = now,
		.kind = WR_EV_steer_miss,
		.worker = w->id,
		.queue = UINT16_MAX,
		.scope = port};

	wr_stats_add(&w->stats, WR_CTR_steer_misses, 1);
	wp->misses++;
	if (now < wp->next_miss_us)
		return;
	wp->next_miss_us = now + NOTICE_US;
	ev.count = wp->misses;
	wp->misses = 0;
	raise(w, &ev);
}

// The worker that a frame belongs to. TCP by its hash; everything else has one owner: worker 0.
static uint16_t owner_of(const struct wr_fabric *f, const struct wr_pkt *p)
{
	const struct wr_rss *rss = f->port_rss[p->m->port];

	if (p->kind != WR_PKT_TCP || rss == NULL)
		return 0;
	return wr_rss_worker(rss, wr_rss_hash(rss, &p->t));
}

static void hand_off(struct wr_worker *w, struct wr_pkt *p, uint16_t to)
{
	struct rte_ring *ring = w->fabric->worker[to]->handoff_in[w->id];

	// The receiver parses again but need not sum again.
	p->m->ol_flags |= RTE_MBUF_F_RX_L4_CKSUM_GOOD | RTE_MBUF_F_RX_IP_CKSUM_GOOD;
	if (rte_ring_sp_enqueue(ring, p->m) != 0) {
		drop(w, p, WR_DROP_handoff_full);
		return;
	}
	wr_stats_add(&w->stats, WR_CTR_rx_handoff_out, 1);
}

static void punt(struct wr_worker *w, struct wr_pkt *p, enum wr_drop otherwise)
{
	struct wport *wp = &w->port[p->m->port];
	uint32_t errors = 0, linear = 0;
	uint64_t rx_flags = RTE_MBUF_F_RX_L4_CKSUM_MASK | RTE_MBUF_F_RX_IP_CKSUM_MASK;

	if (wp->tap == NULL) {
		drop(w, p, otherwise);
		return;
	}
	p->m->ol_flags &= ~rx_flags;
	if (wr_port_tx(wp->tap, 0, &p->m, 1, &errors, &linear) != 1 || errors != 0) {
		if (errors == 0)
			rte_pktmbuf_free(p->m);
		wr_stats_drop(&w->stats, WR_DROP_exception_full, 1);
		return;
	}
	wr_stats_add(&w->stats, WR_CTR_rx_exception, 1);
}

static void to_l3(struct wr_worker *w, struct wr_pkt *p, wr_us_t now)
{
	struct rte_mbuf *frames[4];
	struct wr_l3_tx out = {.pkts = frames, .room = RTE_DIM(frames)};

	if (worker_tx_room(w) < RTE_DIM(frames)) {
		drop(w, p, WR_DROP_icmp_rate);
		return;
	}
	if (wr_l3_input(w->l3, p, &out, now))
		punt(w, p, WR_DROP_icmp_ignored);
	worker_send_frames(w, &out);
}

// What the addresses of a burst are to us: mostly the same few.
#define SEEN 4 // remembered by the last bits of the address
struct seen {
	struct wr_addr addr;
	enum wr_l3_class c;
	bool any;
	bool guarded; // what arrives in clear may have to be refused
	// Who wrote to it last, and whether that is from behind a tunnel; meaning only when
	// guarded.
	struct wr_addr from;
	bool behind;
};

static inline struct seen *see(
	const struct wr_worker *w, struct seen *seen, const struct wr_addr *a)
{
	struct seen *s = &seen[a->b[15] % SEEN];

	if (likely(s->any && wr_addr_eq(&s->addr, a)))
		return s;
	s->addr = *a;
	s->c = wr_l3_classify(w->fabric->l3, a);
	s->any = true;
	s->guarded = false;
	if (unlikely(w->ipsec != NULL) && worker_ipsec_guards(w, a, s->c)) {
		s->guarded = true;
		s->from = *a; // nobody
		s->behind = false;
	}
	return s;
}

// To a guarded address, in clear, from behind a tunnel.
static bool from_behind(const struct wr_worker *w, struct seen *s, const struct wr_pkt *p)
{
	if (p->m->ol_flags & RTE_MBUF_F_RX_SEC_OFFLOAD)
		return false;
	if (!wr_addr_eq(&s->from, &p->t.remote)) {
		s->from = p->t.remote;
		s->behind = wr_l3_tunnel_of(w->fabric->l3, &s->from) >= 0;
	}
	return s->behind && !worker_ipsec_is_ike(p);
}

// True when the packet is for the TCP engine.
static bool classify(struct wr_worker *w, struct wr_pkt *p, struct seen *seen, wr_us_t now)
{
	struct seen *s;
	enum wr_l3_class c;

	if (p->kind == WR_PKT_ARP) {
		to_l3(w, p, now);
		return false;
	}
	if (p->kind == WR_PKT_PUNT && p->ethertype != RTE_ETHER_TYPE_IPV4 &&
		p->ethertype != RTE_ETHER_TYPE_IPV6) {
		punt(w, p, WR_DROP_unknown_ethertype);
		return false;
	}
	s = see(w, seen, &p->t.local);
	c = s->c;
	if (c == WR_L3_NOT_OURS) {
		drop(w, p, WR_DROP_not_for_us);
		return false;
	}
	if (p->kind == WR_PKT_ICMP4 || p->kind == WR_PKT_ICMP6) {
		if (unlikely(w->ipsec != NULL) && worker_ipsec_clear(w, p))
			drop(w, p, WR_DROP_ipsec_clear);
		else
			to_l3(w, p, now);
		return false;
	}
	if (unlikely(s->guarded) && from_behind(w, s, p)) {
		drop(w, p, WR_DROP_ipsec_clear);
		return false;
	}
	if (p->kind == WR_PKT_PUNT) {
		punt(w, p, WR_DROP_unknown_protocol);
		return false;
	}
	if (c == WR_L3_GROUP || c == WR_L3_TENTATIVE) {
		drop(w, p, WR_DROP_not_for_us);
		return false;
	}
	// What was encrypted is never the kernel's: it would answer in clear.
	if (c == WR_L3_OWN && w->port[p->m->port].exception && !wr_tcp_owns(w->tcp, p) &&
		(p->m->ol_flags & RTE_MBUF_F_RX_SEC_OFFLOAD) == 0) {
		if (w->id == 0)
			punt(w, p, WR_DROP_no_service);
		else
			hand_off(w, p, 0); // worker 0 owns the exception path
		return false;
	}
	return true;
}

// Where frames come from: by this they were checked, or steered, already.
enum from {
	FROM_PORT,
	FROM_WORKER,
	FROM_TUNNEL,
};

// ESP: to its worker, or among what is opened after this burst. True when it was.
static bool take_esp(struct wr_worker *w, struct wr_pkt *p, struct esp_burst *esp)
{
	enum wr_drop why;

	switch (worker_ipsec_take(w, p, esp, &why)) {
	case ESP_NOT:
		return false;
	case ESP_MINE:
		return true;
	case ESP_OTHER:
		hand_off(w, p, esp->owner);
		return true;
	case ESP_DROP:
		break;
	}
	drop(w, p, why);
	return true;
}

static void process(
	struct wr_worker *w, struct rte_mbuf **m, uint16_t n, enum from from, wr_us_t now);

static __rte_noinline void open_esp(struct wr_worker *w, const struct esp_burst *esp, wr_us_t now)
{
	struct rte_mbuf *m[WR_BURST];
	uint16_t n = wr_ipsec_in(w->ipsec, esp->pkt, esp->sa, esp->count, m, now);

	if (n > 0)
		process(w, m, n, FROM_TUNNEL, now);
}

// What an instance with tunnels does before it looks closer: nobody but us says that a frame was
// encrypted.
static __rte_noinline void unmark(struct rte_mbuf **m, uint16_t n)
{
	for (uint16_t i = 0; i < n; i++)
		m[i]->ol_flags &= ~(RTE_MBUF_F_RX_SEC_OFFLOAD | RTE_MBUF_F_RX_SEC_OFFLOAD_FAILED);
}

static void process(
	struct wr_worker *w, struct rte_mbuf **m, uint16_t n, enum from from, wr_us_t now)
{
	struct wr_pkt pkts[WR_BURST];
	struct seen seen[SEEN];
	struct esp_burst esp;
	uint16_t tcp_count = 0;
	bool tunnels = w->ipsec != NULL;

	esp.count = 0;
	if (unlikely(tunnels && from == FROM_PORT))
		unmark(m, n);

	if (unlikely(wr_door_early(w->door)))
		n = entry_early(w, m, n, now);
	for (uint32_t i = 0; i < SEEN; i++)
		seen[i].any = false;
	wr_parse_burst(pkts, m, n, 0);
	stage_end(w, WR_CTR_stage_parse);
	for (uint16_t i = 0; i < n; i++) {
		struct wr_pkt *p = &pkts[i];
		enum wr_drop why;

		if (p->kind == WR_PKT_DROP) {
			if (p->drop == WR_DROP_tcp_checksum_partial ||
				p->drop == WR_DROP_ip_truncated)
				notice_offload(w, p, now);
			drop(w, p, p->drop);
			continue;
		}
		why = from == FROM_PORT ? wr_l3_check_mac(w->fabric->l3, p->m) : WR_DROP_NONE;
		if (why != WR_DROP_NONE) {
			drop(w, p, why);
			continue;
		}
		if (unlikely(tunnels) && p->kind == WR_PKT_PUNT && from != FROM_TUNNEL &&
			take_esp(w, p, &esp))
			continue;
		if (from != FROM_WORKER && w->fabric->cfg.workers > 1) {
			uint16_t to = owner_of(w->fabric, p);

			if (to != w->id) {
				if (from == FROM_PORT && w->fabric->nic_steers[p->m->port] &&
					p->kind == WR_PKT_TCP)
					notice_miss(w, p->m->port, now);
				hand_off(w, p, to);
				continue;
			}
		}
		if (!classify(w, p, seen, now))
			continue;
		if (unlikely((p->flags & (WR_TCP_SYN | WR_TCP_ACK)) == WR_TCP_SYN && tunnels) &&
			worker_ipsec_clear(w, p)) {
			drop(w, p, WR_DROP_ipsec_clear);
			continue;
		}
		if (unlikely((p->flags & (WR_TCP_SYN | WR_TCP_ACK)) == WR_TCP_SYN) &&
			!entry_judge(w, p, now)) {
			rte_pktmbuf_free(p->m);
			continue;
		}
		if (unlikely(tcp_count < i))
			pkts[tcp_count] = *p;
		tcp_count++;
	}
	if (tcp_count > 0) {
		wr_stats_add(&w->stats, WR_CTR_rx_tcp, tcp_count);
		stage_end(w, WR_CTR_stage_classify);
		wr_tcp_input_burst(w->tcp, pkts, tcp_count, now);
		stage_end(w, WR_CTR_stage_tcp_input);
	}
	if (unlikely(esp.count > 0))
		open_esp(w, &esp, now);
}

// Room in the fullest ring towards another worker: reading less than that makes overflow
// impossible.
static uint32_t handoff_credit(struct wr_worker *w)
{
	uint32_t credit = WR_BURST;

	for (uint16_t i = 0; i < w->fabric->cfg.workers; i++)
		if (i != w->id)
			credit = RTE_MIN(credit,
				rte_ring_free_count(w->fabric->worker[i]->handoff_in[w->id]));
	return credit;
}

// One burst. Returns how many frames; *more tells that the port may hold others.
static uint32_t rx_burst(struct wr_worker *w, struct wport *wp, bool *more, wr_us_t now)
{
	struct rte_mbuf *m[WR_BURST];
	uint16_t want = (uint16_t)(w->fabric->cfg.workers > 1 ? handoff_credit(w) : WR_BURST);
	uint16_t n = want == 0 ? 0 : wr_port_rx(wp->port, wp->rxq, m, want);
	uint64_t bytes = 0;

	stage_end(w, WR_CTR_stage_port_rx);
	*more = n == want;
	if (n == 0)
		return 0;
	for (uint16_t i = 0; i < n; i++)
		bytes += m[i]->pkt_len;
	wr_stats_add(&w->stats, WR_CTR_rx_frames, n);
	wr_stats_add(&w->stats, WR_CTR_rx_bytes, bytes);
	if (unlikely(w->capture != NULL))
		worker_capture(w, m[0]->port, false, m, n);
	process(w, m, n, FROM_PORT, now);
	return n;
}

// What the port holds, within the budget of a turn: connections then answer once for all of it, and
// a port that ends short of the budget has told its depth.
static uint32_t rx_port(struct wr_worker *w, struct wport *wp, bool *emptied, wr_us_t now)
{
	uint32_t done = 0;
	bool more = true;

	for (uint32_t k = 0; k < RX_BURSTS && more; k++)
		done += rx_burst(w, wp, &more, now);
	wp->standing = more ? wp->standing + done : 0;
	wp->rx_depth = wp->standing + (more ? 0 : done);
	*emptied = *emptied && !more;
	return done;
}

// Frames that the kernel sends through the exception path leave by the port as they are.
static uint32_t rx_tap(struct wr_worker *w, struct wport *wp, uint16_t port)
{
	struct rte_mbuf *m[WR_BURST];
	uint32_t room = worker_tx_room(w);
	struct wr_l3_tx out = {.pkts = m, .room = WR_BURST};

	if (room == 0)
		return 0; // the kernel's own queue holds them
	out.count = wr_port_rx(wp->tap, 0, m, (uint16_t)RTE_MIN(room, (uint32_t)WR_BURST));
	for (uint16_t i = 0; i < out.count; i++)
		m[i]->port = port;
	wr_stats_add(&w->stats, WR_CTR_tx_made, out.count);
	room = out.count;
	if (unlikely(w->ipsec != NULL))
		out.count = worker_ipsec_sift(w, m, out.count);
	worker_send_frames(w, &out);
	return room;
}

// What another worker handed over may turn out to be the kernel's, and goes on to worker 0 then.
// Worker 0 hands nothing on, so it always empties its rings, and this wait ends. ESP may hold what
// any worker owns: then all rings must have room; but one frame is always read, and dropped if need
// be, so that no two workers wait for each other.
static uint32_t punt_credit(struct wr_worker *w)
{
	if (unlikely(w->ipsec != NULL))
		return RTE_MAX(handoff_credit(w), 1u);
	if (w->id == 0)
		return WR_BURST;
	return RTE_MIN(WR_BURST, rte_ring_free_count(w->fabric->worker[0]->handoff_in[w->id]));
}

uint32_t worker_rx(struct wr_worker *w, wr_us_t now)
{
	uint32_t done = 0;
	bool emptied = true;

	for (uint16_t i = 0; i < w->ports; i++) {
		if (w->port[i].reads)
			done += rx_port(w, &w->port[i], &emptied, now);
		if (w->port[i].tap != NULL)
			done += rx_tap(w, &w->port[i], i);
	}
	for (uint16_t i = 0; i < w->fabric->cfg.workers; i++) {
		struct rte_mbuf *m[WR_BURST];
		uint32_t n;

		if (w->handoff_in[i] == NULL)
			continue;
		n = rte_ring_sc_dequeue_burst(w->handoff_in[i], (void **)m, punt_credit(w), NULL);
		if (n == 0)
			continue;
		wr_stats_add(&w->stats, WR_CTR_rx_handoff_in, n);
		process(w, m, (uint16_t)n, FROM_WORKER, now);
		done += n;
		emptied = emptied && rte_ring_empty(w->handoff_in[i]);
	}
	w->rx_emptied = emptied;
	return done;
}
