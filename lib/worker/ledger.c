/* SPDX-License-Identifier: BSD-3-Clause */

// The ledgers: in = out + held + drops by reason, each from its own counts.

#include "worker_priv.h"

const char *wr_ledger_name(enum wr_ledger_kind k)
{
	static const char *const names[WR_LEDGER_COUNT] = {
		"frames_in", "payload_in", "payload_out", "frames_out", "mbufs"};

	return k < WR_LEDGER_COUNT ? names[k] : "?";
}

const char *wr_ledger_unit(enum wr_ledger_kind k)
{
	static const char *const units[WR_LEDGER_COUNT] = {
		"frames", "bytes", "bytes", "frames", "mbufs"};

	return k < WR_LEDGER_COUNT ? units[k] : "?";
}

// Where a frame can leave before TCP or layer 3 took it, and after it was made.
static const enum wr_drop reasons_in[] = {WR_DROP_short_frame, WR_DROP_own_mac, WR_DROP_not_our_mac,
	WR_DROP_unknown_ethertype, WR_DROP_vlan_unknown, WR_DROP_frame_error, WR_DROP_ip_version,
	WR_DROP_ip_header, WR_DROP_ip_checksum, WR_DROP_ip_truncated, WR_DROP_ip_options,
	WR_DROP_ip_fragment, WR_DROP_ip_source, WR_DROP_ip_ext_header, WR_DROP_not_for_us,
	WR_DROP_unknown_protocol, WR_DROP_no_service, WR_DROP_land, WR_DROP_arp_malformed,
	WR_DROP_arp_not_ours, WR_DROP_nd_malformed, WR_DROP_icmp_malformed, WR_DROP_icmp_ignored,
	WR_DROP_icmp_rate, WR_DROP_addr_conflict, WR_DROP_exception_full, WR_DROP_tcp_header,
	WR_DROP_tcp_checksum, WR_DROP_tcp_checksum_partial, WR_DROP_tcp_options, WR_DROP_tcp_flags,
	WR_DROP_tcp_port_zero, WR_DROP_handoff_full, WR_DROP_syn_early, WR_DROP_ipsec_unknown_spi,
	WR_DROP_ipsec_malformed, WR_DROP_ipsec_replay, WR_DROP_ipsec_authentication,
	WR_DROP_ipsec_selector, WR_DROP_ipsec_clear, WR_DROP_ipsec_expired, WR_DROP_ipsec_keepalive,
	WR_DROP_ipsec_in_no_buffer};
static const enum wr_drop reasons_out[] = {WR_DROP_neigh_queue_full, WR_DROP_neigh_table_full,
	WR_DROP_neigh_unreachable, WR_DROP_no_route, WR_DROP_exception_tx_full, WR_DROP_tx_error,
	WR_DROP_link_down, WR_DROP_ipsec_no_association, WR_DROP_ipsec_kernel,
	WR_DROP_ipsec_no_buffer, WR_DROP_ipsec_out_queue_full, WR_DROP_ipsec_too_big};

static uint64_t sum(const struct wr_stats *s, const enum wr_drop *reason, size_t n)
{
	uint64_t total = 0;

	for (size_t i = 0; i < n; i++)
		total += s->drop[reason[i]];
	return total;
}

static void close_row(struct wr_ledger_row *r)
{
	r->residual = (int64_t)(r->in - r->out - r->held - r->dropped);
}

void wr_ledger_compute(
	const struct wr_stats_snapshot *snap, struct wr_ledger_row out[WR_LEDGER_COUNT])
{
	const struct wr_stats *s = &snap->stats;
	const struct wr_stats_gauges *g = &snap->gauges;
	const uint64_t *c = s->ctr;

	memset(out, 0, WR_LEDGER_COUNT * sizeof(*out));
	out[WR_LEDGER_FRAMES_IN] =
		(struct wr_ledger_row){.in = c[WR_CTR_rx_frames] + c[WR_CTR_rx_handoff_in],
			.out = c[WR_CTR_rx_tcp] + c[WR_CTR_rx_l3] + c[WR_CTR_rx_exception] +
	                       c[WR_CTR_rx_handoff_out],
			.held = g->syns_held,
			.dropped = sum(s, reasons_in, RTE_DIM(reasons_in))};
	out[WR_LEDGER_PAYLOAD_IN] = (struct wr_ledger_row){.in = c[WR_CTR_pay_rx_bytes],
		.out = c[WR_CTR_pay_read_bytes],
		.held = g->pay_recv_held_bytes,
		.dropped = s->drop_bytes[WR_DROP_pay_aborted_rx] +
	                   s->drop_bytes[WR_DROP_pay_ooo_evicted]};
	out[WR_LEDGER_PAYLOAD_OUT] = (struct wr_ledger_row){.in = c[WR_CTR_pay_written_bytes],
		.out = c[WR_CTR_pay_tx_bytes],
		.held = g->pay_send_held_bytes,
		.dropped = s->drop_bytes[WR_DROP_pay_aborted_tx]};
	out[WR_LEDGER_FRAMES_OUT] =
		(struct wr_ledger_row){.in = c[WR_CTR_tx_made] + c[WR_CTR_tx_handoff_in],
			.out = c[WR_CTR_tx_frames] + c[WR_CTR_tx_handoff_out],
			.held = g->tx_backlog + g->l3_queued,
			.dropped = sum(s, reasons_out, RTE_DIM(reasons_out))};
	for (int i = 0; i < WR_LEDGER_COUNT; i++)
		close_row(&out[i]);
}

void wr_fabric_mbuf_ledger(struct wr_fabric *f, struct wr_ledger_row *out)
{
	*out = (struct wr_ledger_row){0};
	for (uint16_t i = 0; i < f->cfg.workers; i++) {
		struct wr_stats_snapshot s;

		wr_worker_stats(f->worker[i], &s);
		out->held += s.gauges.held_rx_mbufs;
	}
	out->in = fabric_rx_in_use(f);
	out->out = f->mbuf_baseline;
	close_row(out);
}
