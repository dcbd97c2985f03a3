/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>

#include "wr_version.h"

// What concerns the instance as a whole: status, workers, ports, neighbours, configuration.

uint8_t wr_ctl_level(struct wr_ctl *c)
{
	struct wr_pressure p;
	uint8_t level = 0;

	for (uint16_t w = 0; w < c->workers; w++) {
		wr_worker_pressure(wr_fabric_worker(c->fabric, w), &p);
		level = RTE_MAX(level, p.own.level);
	}
	return level;
}

static void sum_workers(struct wr_ctl *c, struct wr_stats_snapshot *sum)
{
	struct wr_stats_snapshot s;

	memset(sum, 0, sizeof(*sum));
	for (uint16_t w = 0; w < c->workers; w++) {
		wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
		wr_stats_sum(sum, &s);
	}
}

static uint32_t usable_backends(struct wr_ctl *c)
{
	const struct wr_pool_slot *pool;
	uint32_t usable = 0;

	for (uint32_t p = 0; p < wr_backends_pool_count(c->backends); p++) {
		pool = wr_backends_pool(c->backends, (uint16_t)p);
		if (pool != NULL)
			usable += pool->usable;
	}
	return usable;
}

static uint32_t all_backends(struct wr_ctl *c)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < wr_backends_count(c->backends); i++)
		n += wr_backends_get(c->backends, (uint16_t)i) != NULL;
	return n;
}

void wr_show_status(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_stats_snapshot s;
	uint64_t drops = 0;
	bool ready = wr_l3_ready(c->l3);

	if (!wr_reply_row(r))
		return;
	sum_workers(c, &s);
	for (uint32_t d = 1; d < WR_DROP_COUNT; d++)
		drops += s.stats.drop[d];
	wr_reply_str(r, "name", c->conf->runtime.name);
	wr_reply_str(r, "version", WR_VERSION);
	wr_reply_uint(r, "pid", (uint64_t)getpid());
	wr_reply_str(r, "state", c->stopping ? "stopping" : ready ? "serving" : "starting");
	wr_reply_uint(r, "ready", ready && !c->stopping);
	wr_reply_uint(r, "uptime_s", (c->now_us - c->started_us) / WR_US_PER_S);
	wr_reply_str(r, "config_file", c->conf->file);
	wr_reply_uint(r, "level", wr_ctl_level(c));
	wr_reply_uint(r, "workers", c->workers);
	wr_reply_uint(r, "sessions", s.gauges.sessions);
	wr_reply_uint(r, "connections", s.gauges.conns);
	wr_reply_uint(r, "half_open", s.gauges.conns_half_open);
	wr_reply_uint(r, "time_wait", s.gauges.conns_time_wait);
	wr_reply_uint(r, "sessions_total", s.stats.ctr[WR_CTR_sessions_opened]);
	wr_reply_uint(r, "backends", all_backends(c));
	wr_reply_uint(r, "backends_usable", usable_backends(c));
	wr_reply_uint(r, "rx_frames", s.stats.ctr[WR_CTR_rx_frames]);
	wr_reply_uint(r, "rx_bytes", s.stats.ctr[WR_CTR_rx_bytes]);
	wr_reply_uint(r, "tx_frames", s.stats.ctr[WR_CTR_tx_frames]);
	wr_reply_uint(r, "tx_bytes", s.stats.ctr[WR_CTR_tx_bytes]);
	wr_reply_uint(r, "works_queue_full", s.stats.ctr[WR_CTR_works_queue_full]);
	wr_reply_uint(r, "drops", drops);
	wr_reply_uint(r, "events_lost", s.stats.ctr[WR_CTR_events_lost]);
	wr_reply_uint(r, "last_event_id", c->history.next_id - 1);
}

// Of the time since the start, not of the loop's cycles: an idle worker naps, and naps are not
// loops.
static uint64_t busy_permille(const struct wr_stats_snapshot *s)
{
	double all = (double)s->gauges.now_us / WR_US_PER_S * (double)rte_get_tsc_hz();

	return all > 0 ? (uint64_t)((double)s->stats.ctr[WR_CTR_cycles_busy] * 1000 / all) : 0;
}

void wr_show_workers(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	for (uint16_t w = 0; w < c->workers; w++) {
		struct wr_worker *worker = wr_fabric_worker(c->fabric, w);
		const struct wr_mempools *pools = wr_fabric_pools(c->fabric, w);
		struct wr_stats_snapshot s;
		struct wr_pressure pr;
		const uint64_t *ctr;

		if (!wr_reply_row(r))
			continue;
		wr_worker_stats(worker, &s);
		wr_worker_pressure(worker, &pr);
		ctr = s.stats.ctr;
		wr_reply_uint(r, "worker", w);
		wr_reply_uint(r, "cpu", wr_worker_cpu(worker));
		wr_reply_uint(r, "level", pr.own.level);
		wr_reply_uint(r, "busy_permille", busy_permille(&s));
		wr_reply_uint(r, "cycles_per_s", rte_get_tsc_hz());
		wr_reply_uint(r, "cycles", ctr[WR_CTR_cycles]);
		wr_reply_uint(r, "cycles_busy", ctr[WR_CTR_cycles_busy]);
		wr_reply_uint(r, "loops", ctr[WR_CTR_loops]);
		wr_reply_uint(r, "loops_busy", ctr[WR_CTR_loops_busy]);
		wr_reply_uint(r, "sessions", s.gauges.sessions);
		wr_reply_uint(r, "connections", s.gauges.conns);
		wr_reply_uint(r, "half_open", s.gauges.conns_half_open);
		wr_reply_uint(r, "time_wait", s.gauges.conns_time_wait);
		wr_reply_uint(r, "rx_frames", ctr[WR_CTR_rx_frames]);
		wr_reply_uint(r, "rx_bytes", ctr[WR_CTR_rx_bytes]);
		wr_reply_uint(r, "tx_frames", ctr[WR_CTR_tx_frames]);
		wr_reply_uint(r, "tx_bytes", ctr[WR_CTR_tx_bytes]);
		wr_reply_uint(r, "retransmitted", ctr[WR_CTR_tcp_retrans_segs]);
		wr_reply_uint(r, "refusals", ctr[WR_CTR_works_queue_full]);
		wr_reply_uint(r, "held_rx_mbufs", s.gauges.held_rx_mbufs);
		wr_reply_uint(r, "held_budget", pools != NULL ? pools->held_budget : 0);
		wr_reply_uint(r, "promised_bytes", s.gauges.promised_bytes);
		wr_reply_uint(r, "tx_backlog", s.gauges.tx_backlog);
		wr_reply_uint(r, "events_lost", ctr[WR_CTR_events_lost]);
		wr_reply_uint(r, "clock_us", s.gauges.now_us);
	}
}

static const struct {
	uint32_t flag;
	const char *word;
} port_flags[] = {
	{WR_PORT_F_TX_TCP_CKSUM, "tx_tcp_cksum"},
	{WR_PORT_F_TX_IP_CKSUM, "tx_ip_cksum"},
	{WR_PORT_F_TX_MULTI_SEGS, "tx_multi_segs"},
	{WR_PORT_F_RX_CKSUM, "rx_cksum"},
	{WR_PORT_F_RSS, "rss"},
	{WR_PORT_F_RX_DEPTH, "rx_depth"},
	{WR_PORT_F_PROMISC, "promiscuous"},
	{WR_PORT_F_KERNEL_LOSS, "kernel_loss"},
};

static void put_flags(struct wr_reply *r, uint32_t flags)
{
	char words[WR_REPLY_TEXT_MAX + 1] = "";

	for (size_t i = 0; i < RTE_DIM(port_flags); i++) {
		size_t used = strlen(words);

		if (flags & port_flags[i].flag)
			snprintf(words + used, sizeof(words) - used, "%s%s", used > 0 ? " " : "",
				port_flags[i].word);
	}
	wr_reply_str(r, "flags", words);
}

static void port_row(struct wr_reply *r, struct wr_port *port, const struct wr_conf_port *conf)
{
	const uint8_t *mac = wr_port_mac(port)->addr_bytes;
	struct wr_port_stats st;

	wr_port_stats(port, &st);
	wr_reply_str(r, "name", wr_port_name(port));
	wr_reply_uint(r, "id", wr_port_id(port));
	wr_reply_str(r, "device", conf->device);
	wr_reply_str(r, "driver", wr_port_driver(port));
	wr_reply_str(r, "link", st.link_up ? "up" : "down");
	wr_reply_uint(r, "speed_mbps", st.link_mbps);
	wr_reply_fmt(r, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3],
		mac[4], mac[5]);
	wr_reply_uint(r, "mtu", wr_port_mtu(port));
	wr_reply_uint(r, "vlan", conf->vlan);
	wr_reply_int(r, "numa_node", wr_port_numa_node(port));
	wr_reply_uint(r, "rx_queues", wr_port_rx_queues(port));
	wr_reply_uint(r, "tx_queues", wr_port_tx_queues(port));
	wr_reply_uint(r, "rx_desc", wr_port_rx_desc(port));
	wr_reply_uint(r, "tx_desc", wr_port_tx_desc(port));
	put_flags(r, wr_port_flags(port));
	wr_reply_uint(r, "rx_frames", st.rx_frames);
	wr_reply_uint(r, "rx_bytes", st.rx_bytes);
	wr_reply_uint(r, "tx_frames", st.tx_frames);
	wr_reply_uint(r, "tx_bytes", st.tx_bytes);
	wr_reply_uint(r, "rx_missed", st.rx_missed);
	wr_reply_uint(r, "rx_errors", st.rx_errors);
	wr_reply_uint(r, "rx_no_mbuf", st.rx_no_mbuf);
	wr_reply_uint(r, "tx_errors", st.tx_errors);
	wr_reply_uint(r, "kernel_loss", st.kernel_loss);
	// A loss that cannot be known is not a loss of 0.
	wr_reply_str(r, "loss_known",
		wr_port_flags(port) & WR_PORT_F_KERNEL_LOSS ? "yes" : "by the port only");
}

void wr_show_ports(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	for (uint16_t i = 0; i < c->conf->port_count; i++)
		if (wr_reply_row(r))
			port_row(r, wr_fabric_port(c->fabric, i), &c->conf->ports[i]);
}

void wr_show_neighbours(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	struct wr_l3_neigh_info info;
	uint32_t cursor = 0;
	char addr[WR_ADDR_STR];

	while (wr_l3_neigh_walk(c->l3, &cursor, c->now_us, &info)) {
		const uint8_t *mac = info.mac.addr_bytes;

		if (!wr_reply_row(r))
			continue;
		wr_reply_str(r, "address", wr_addr_format(&info.addr, addr, sizeof(addr)));
		wr_reply_fmt(r, "mac", "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2],
			mac[3], mac[4], mac[5]);
		wr_reply_str(r, "port",
			info.port < c->conf->port_count ? c->conf->ports[info.port].name : "");
		wr_reply_str(r, "state", info.state);
		wr_reply_uint(r, "age_ms", info.age_us / WR_US_PER_MS);
	}
}

void wr_show_config(struct wr_ctl *c, const struct wr_params *p, struct wr_reply *r)
{
	char *yaml = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&yaml, &len);
	char *rest;
	uint64_t number = 0;

	if (out == NULL) {
		wr_reply_error(r, "free some memory", "no memory for the configuration's text");
		return;
	}
	wr_conf_dump(c->conf, out);
	if (fclose(out) != 0) {
		wr_reply_error(r, "free some memory", "no memory for the configuration's text");
		goto out_free;
	}
	rest = yaml;
	for (char *line = strsep(&rest, "\n"); line != NULL; line = strsep(&rest, "\n")) {
		if (rest == NULL && line[0] == '\0')
			break;
		number++;
		if (!wr_reply_row(r))
			continue;
		wr_reply_uint(r, "line", number);
		wr_reply_text(r, "text", line);
	}
out_free:
	free(yaml);
}
