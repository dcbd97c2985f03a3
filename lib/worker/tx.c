/* SPDX-License-Identifier: BSD-3-Clause */

// Frames towards ports: a bounded backlog a port, owned by one worker; other workers reach it
// through a ring. Room is asked for before anything is built, so a short burst of the port loses
// nothing.

#include "ipsec.h"
#include "stage.h"

static uint32_t port_room(const struct wport *wp)
{
	return wp->owns_tx ? BACKLOG_SLOTS - wp->count : rte_ring_free_count(wp->to_owner);
}

uint32_t worker_tx_room(struct wr_worker *w)
{
	uint32_t room = UINT32_MAX;

	for (uint16_t i = 0; i < w->ports; i++)
		room = RTE_MIN(room, port_room(&w->port[i]));
	return room;
}

uint32_t worker_tx_backlog(const struct wr_worker *w)
{
	uint32_t n = 0;

	for (uint16_t i = 0; i < w->ports; i++)
		n += w->port[i].count;
	return n;
}

static void push(struct wport *wp, struct rte_mbuf *m)
{
	wp->backlog[(wp->head + wp->count++) & (BACKLOG_SLOTS - 1)] = m;
}

void worker_send_frames(struct wr_worker *w, struct wr_l3_tx *out)
{
	for (uint16_t i = 0; i < out->count; i++) {
		struct rte_mbuf *m = out->pkts[i];
		struct wport *wp = &w->port[m->port];

		if (unlikely(w->capture != NULL))
			worker_capture(w, m->port, true, &m, 1);
		if (wp->owns_tx && wp->count < BACKLOG_SLOTS) {
			push(wp, m);
		} else if (!wp->owns_tx && rte_ring_sp_enqueue(wp->to_owner, m) == 0) {
			wr_stats_add(&w->stats, WR_CTR_tx_handoff_out, 1);
		} else {
			wr_stats_drop(&w->stats, WR_DROP_tx_error, 1);
			rte_pktmbuf_free(m);
		}
	}
	out->count = 0;
}

uint32_t worker_output(struct wr_worker *w, wr_us_t now)
{
	struct rte_mbuf *packets[OUT_FRAMES], *frames[OUT_FRAMES];
	struct wr_l3_tx out = {.pkts = frames, .room = OUT_FRAMES};
	uint32_t done = 0, room = worker_tx_room(w);

	if (room > BACKLOG_SPARE) {
		out.room = (uint16_t)RTE_MIN(room - BACKLOG_SPARE, (uint32_t)OUT_FRAMES);
		wr_l3_poll(w->l3, &out, now);
		if (unlikely(w->ipsec != NULL)) // what waited in clear and may not go so any more
			worker_ipsec_out(w, &out, now);
		if (out.count > 0) {
			done += out.count;
			worker_send_frames(w, &out);
			room = worker_tx_room(w);
		}
	}
	// Until nothing is dirty or a port is full; a turn of at most one backlog.
	for (uint32_t k = 0; k < BACKLOG_SLOTS / OUT_FRAMES && room > BACKLOG_SPARE; k++) {
		struct wr_tcp_tx tx = {.pkts = packets};

		tx.room = (uint16_t)RTE_MIN(room - BACKLOG_SPARE, (uint32_t)OUT_FRAMES);
		stage_end(w, WR_CTR_stage_l3_output);
		wr_tcp_output(w->tcp, &tx, OUT_FRAMES, now);
		stage_end(w, WR_CTR_stage_tcp_output);
		if (tx.count == 0)
			break;
		wr_stats_add(&w->stats, WR_CTR_tx_made, tx.count);
		out.room = OUT_FRAMES;
		for (uint16_t i = 0; i < tx.count; i++) {
			// Frames that waited for a neighbour may go out before this one.
			if (out.count == out.room)
				worker_send_frames(w, &out);
			wr_l3_output(w->l3, packets[i], &out, now);
		}
		if (unlikely(w->ipsec != NULL))
			worker_ipsec_out(w, &out, now);
		worker_send_frames(w, &out);
		done += tx.count;
		if (tx.count < tx.room)
			break;
		room = worker_tx_room(w);
	}
	return done;
}

// Take what other workers sent for a port that we own, as far as the backlog has room.
static uint32_t collect(struct wr_worker *w, struct wport *wp, uint16_t port)
{
	struct rte_mbuf *m[WR_BURST];
	uint32_t done = 0;

	for (uint16_t i = 0; i < w->fabric->cfg.workers; i++) {
		struct rte_ring *ring = w->fabric->tx_ring[i][port];
		uint32_t room = BACKLOG_SLOTS - wp->count;
		uint32_t n;

		if (ring == NULL || room == 0)
			continue;
		n = rte_ring_sc_dequeue_burst(
			ring, (void **)m, RTE_MIN(room, (uint32_t)WR_BURST), NULL);
		for (uint32_t k = 0; k < n; k++)
			push(wp, m[k]);
		wr_stats_add(&w->stats, WR_CTR_tx_handoff_in, n);
		done += n;
	}
	return done;
}

static uint32_t flush_port(struct wr_worker *w, struct wport *wp)
{
	uint32_t done = 0;

	while (wp->count > 0) {
		uint32_t in_row = RTE_MIN(wp->count, BACKLOG_SLOTS - wp->head);
		uint16_t n = (uint16_t)RTE_MIN(in_row, (uint32_t)WR_BURST);
		struct rte_mbuf **m = &wp->backlog[wp->head];
		uint32_t errors = 0, linear = 0;
		uint64_t bytes = 0;
		uint16_t sent;

		for (uint16_t i = 0; i < n; i++)
			bytes += m[i]->pkt_len; // afterwards they belong to the port
		sent = wr_port_tx(wp->port, wp->txq, m, n, &errors, &linear);
		for (uint16_t i = sent; i < n; i++)
			bytes -= m[i]->pkt_len;
		wp->head = (wp->head + sent) & (BACKLOG_SLOTS - 1);
		wp->count -= sent;
		wr_stats_add(&w->stats, WR_CTR_tx_frames, sent - errors);
		wr_stats_add(&w->stats, WR_CTR_tx_bytes, bytes);
		wr_stats_add(&w->stats, WR_CTR_tx_linearised, linear);
		wr_stats_drop(&w->stats, WR_DROP_tx_error, errors);
		done += sent;
		if (sent < n) {
			wr_stats_add(&w->stats, WR_CTR_tx_full, 1);
			break;
		}
	}
	return done;
}

uint32_t worker_tx_flush(struct wr_worker *w)
{
	uint32_t done = 0;

	for (uint16_t i = 0; i < w->ports; i++) {
		struct wport *wp = &w->port[i];

		if (!wp->owns_tx)
			continue;
		if (w->fabric->cfg.workers > 1)
			done += collect(w, wp, i);
		done += flush_port(w, wp);
	}
	return done;
}
