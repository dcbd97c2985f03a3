/* SPDX-License-Identifier: BSD-3-Clause */
#include "tcp_priv.h"

#include <rte_malloc.h>

#define DEFAULT(field, value)                                                                      \
	do {                                                                                       \
		if ((field) == 0)                                                                  \
			(field) = (value);                                                         \
	} while (0)

static void config_defaults(struct wr_tcp_config *c)
{
	DEFAULT(c->max_half_open, max32(c->max_conns / 4, 16u));
	if (c->small != NULL)
		DEFAULT(c->small_budget, max32(c->small->size / 2, 1));
	DEFAULT(c->rcv_buf_bytes, 128u << 10);
	DEFAULT(c->snd_buf_bytes, 128u << 10);
	DEFAULT(c->ooo_segs_max, 128);
	DEFAULT(c->ooo_total_max, max32(c->held_budget / 4, 1u));
	DEFAULT(c->time_wait_us, 60 * WR_US_PER_S);
	DEFAULT(c->rto_min_us, 200 * WR_US_PER_MS);
	DEFAULT(c->rto_initial_us, WR_US_PER_S); // RFC 6298 2.1
	DEFAULT(c->rto_max_us, 60 * WR_US_PER_S);
	DEFAULT(c->syn_timeout_us, 60 * WR_US_PER_S);
	DEFAULT(c->give_up_us, 300 * WR_US_PER_S); // R2, RFC 9293 3.8.3
	DEFAULT(c->keepalive_interval_us, 75 * WR_US_PER_S);
	DEFAULT(c->keepalive_probes, 9);
}

static bool config_valid(const struct wr_tcp_config *c)
{
	return c->max_conns >= 1 && c->max_conns <= (1u << WR_HANDLE_INDEX_BITS) &&
	       c->reserved_conns < c->max_conns && c->held_budget >= 1 &&
	       c->held_reserve < c->held_budget && c->small != NULL && c->stats != NULL &&
	       rte_pktmbuf_priv_size(c->small) >= WR_MBUF_PRIV_SIZE &&
	       c->rto_min_us <= c->rto_max_us && c->rto_max_us <= UINT32_MAX / 2 &&
	       c->rto_initial_us <= c->rto_max_us && c->rcv_buf_bytes <= 1u << 29 &&
	       c->snd_buf_bytes <= 1u << 29 && c->rcv_buf_max_bytes <= 1u << 29 &&
	       c->snd_buf_max_bytes <= 1u << 29 && c->give_up_us <= 3600 * WR_US_PER_S &&
	       c->ack_delay_us < WR_US_PER_S / 4 && // may take twice as long, RFC 9293 3.8.6.3
	       c->keepalive_probes <= UINT8_MAX && c->congestion <= WR_TCP_NEWRENO &&
	       c->cookies <= WR_TCP_COOKIES_NEVER;
}

static uint32_t disorders(const struct wr_tcp_config *c)
{
	return min32(c->max_conns, max32(c->max_conns / WR_TCP_DISORDERS, WR_TCP_DISORDERS_MIN));
}

struct wr_tcp_stack *wr_tcp_stack_create(const struct wr_tcp_config *cfg, wr_us_t now)
{
	struct wr_tcp_config full = *cfg;
	struct wr_tcp_stack *s;

	config_defaults(&full);
	if (!config_valid(&full))
		return NULL;
	s = rte_zmalloc_socket("wr_tcp_stack", sizeof(*s), RTE_CACHE_LINE_SIZE, full.numa_node);
	if (s == NULL)
		return NULL;
	s->cfg = full;
	s->stats = full.stats;
	s->small = full.small;
	s->overcommit = 4;
	s->share = UINT32_MAX;
	if (full.resets_per_s > 0) {
		s->reset_step_ns = max32((uint32_t)(1000 * WR_US_PER_S / full.resets_per_s), 1);
		s->reset_ahead_ns = RTE_MAX(WR_TCP_RST_AHEAD_NS - s->reset_step_ns, (int64_t)0);
		s->reset_ns = (int64_t)now * 1000 - s->reset_ahead_ns;
	}
	wr_rng_init(&s->rng, full.seed);
	wr_wheel_init(&s->wheel, now);
	if (wr_pool_init(&s->conns, "wr_tcp_conns", full.max_conns, sizeof(struct wr_tcp_conn),
		    full.numa_node) != 0)
		goto err_free_stack;
	if (wr_pool_init(&s->disorders, "wr_tcp_disorders", disorders(&full),
		    sizeof(struct wr_tcp_disorder), full.numa_node) != 0)
		goto err_fini_conns;
	if (wr_tcp_flow_init(&s->flow, full.max_conns, full.numa_node) != 0)
		goto err_fini_disorders;
	if (wr_tcp_listeners_init(s) != 0 || wr_tcp_ack_delay_init(s) != 0)
		goto err_fini_flow;
	return s;

err_fini_flow:
	rte_free(s->listeners);
	wr_tcp_flow_fini(&s->flow);
err_fini_disorders:
	wr_pool_fini(&s->disorders);
err_fini_conns:
	wr_pool_fini(&s->conns);
err_free_stack:
	rte_free(s);
	return NULL;
}

static void conn_shutdown(struct wr_tcp_stack *s, struct wr_tcp_conn *c)
{
	uint64_t bytes;

	s->send_queue_bytes -= wr_tcp_unacked_payload(c);
	bytes = wr_tcp_unacked_payload(c);
	wr_tcp_mq_free(s, &c->sndq);
	bytes += wr_tcp_mq_free(s, &c->rcvq);
	bytes += wr_tcp_reasm_purge(s, c);
	if (bytes > 0)
		wr_stats_drop_bytes(s->stats, WR_DROP_shutdown, bytes);
}

void wr_tcp_stack_destroy(struct wr_tcp_stack *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->conns.capacity; i++)
		if (wr_pool_handle_at(&s->conns, i) != WR_HANDLE_NONE)
			conn_shutdown(s, wr_pool_at(&s->conns, i));
	for (; s->answer_count > 0; s->answer_count--) {
		rte_pktmbuf_free(s->answers[s->answer_head]);
		s->answer_head = (s->answer_head + 1) % WR_TCP_ANSWERS;
		wr_stats_drop(s->stats, WR_DROP_shutdown, 1);
	}
	wr_tcp_ack_delay_fini(s);
	rte_free(s->listeners);
	wr_tcp_flow_fini(&s->flow);
	wr_pool_fini(&s->disorders);
	wr_pool_fini(&s->conns);
	rte_free(s);
}

void wr_tcp_set_pressure(struct wr_tcp_stack *s, uint32_t level, uint32_t overcommit)
{
	s->level = level;
	s->overcommit = min32(max32(overcommit, 1u), 4u);
}
