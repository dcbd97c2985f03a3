/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

static char buf[WR_SCOPE_LEN];

static const char *queue_scope(enum wr_queue_kind kind, uint16_t scope)
{
	const struct wr_queue q = {.kind = kind, .scope = scope};

	return wr_ctl_queue_scope(rig.c, &q, buf, sizeof(buf));
}

static const char *event_scope(enum wr_event_kind kind, uint32_t scope, const char *peer)
{
	struct wr_event ev = {.kind = kind, .queue = UINT16_MAX, .scope = scope};

	if (peer != NULL)
		assert_int_equal(wr_endpoint_parse(peer, &ev.a), 0);
	return wr_ctl_event_scope(rig.c, &ev, buf, sizeof(buf));
}

static void names_of_queues(void **state)
{
	assert_string_equal(queue_scope(WR_Q_rx_ring, 1), "port lan");
	assert_string_equal(queue_scope(WR_Q_tx_backlog, 0), "port wan");
	assert_string_equal(queue_scope(WR_Q_tx_backlog, 7), "");
	assert_string_equal(queue_scope(WR_Q_handoff, 3), "from worker 3");
	assert_string_equal(queue_scope(WR_Q_backend_inflight, 1), "web/b1");
	assert_string_equal(queue_scope(WR_Q_backend_inflight, 99), "");
	assert_string_equal(queue_scope(WR_Q_pool_inflight, 0), "pool web");
	assert_string_equal(queue_scope(WR_Q_pool_inflight, 9), "");
	assert_string_equal(queue_scope(WR_Q_pending, 0), "service web");
	assert_string_equal(queue_scope(WR_Q_pending_wait, 9), "");
	assert_string_equal(queue_scope(WR_Q_conns, 0), "");
	assert_string_equal(wr_ctl_domain(rig.c, 0), "web");
	assert_string_equal(wr_ctl_domain(rig.c, WR_PRESSURE_WORKER), "worker");
}

static void names_of_events(void **state)
{
	assert_string_equal(event_scope(WR_EV_backend_down, 0, NULL), "web/b0");
	assert_string_equal(event_scope(WR_EV_backend_down, 70000, NULL), "");
	assert_string_equal(event_scope(WR_EV_backend_down, WR_MAX_BACKENDS - 1, NULL), "");
	assert_string_equal(event_scope(WR_EV_breaker_open, 1, NULL), "web/b1");
	assert_string_equal(event_scope(WR_EV_backend_agent, 1, NULL), "web/b1");
	assert_string_equal(event_scope(WR_EV_pool_spill, 0, NULL), "pool web");
	assert_string_equal(event_scope(WR_EV_pool_empty, 9, NULL), "");
	assert_string_equal(event_scope(WR_EV_proxy_header_bad, 0, NULL), "service web");
	assert_string_equal(event_scope(WR_EV_port_link, 1, NULL), "port lan");
	assert_string_equal(event_scope(WR_EV_started, 1, NULL), "");
	assert_string_equal(event_scope(WR_EV_ipsec_keys, 0, NULL), ""); // there are no tunnels
	assert_string_equal(event_scope(WR_EV_service_level, 0, NULL), "service web");
	assert_string_equal(event_scope(WR_EV_door_limited, 0, NULL), "service web");
	assert_string_equal(event_scope(WR_EV_door_open, UINT16_MAX, NULL), "");
	assert_string_equal(event_scope(WR_EV_limit_reached, 0, NULL), "service web");
	assert_string_equal(event_scope(WR_EV_limit_reached, UINT16_MAX, NULL), "the instance");
}

// The same number is a service for a client's connection and a backend for a backend's.
static void names_of_stalled_peers(void **state)
{
	assert_string_equal(event_scope(WR_EV_conn_stalled, 0, "198.18.0.2:10000"), "service web");
	assert_string_equal(event_scope(WR_EV_conn_stalled, 0, "198.18.1.20:80"), "web/b0");
	assert_string_equal(event_scope(WR_EV_conn_stalled, 0, "198.18.1.20:81"), "service web");
	assert_string_equal(event_scope(WR_EV_stall_closed, 0, "198.18.1.20:80"), "web/b0");
	assert_string_equal(event_scope(WR_EV_conn_resumed, 9, "198.18.0.2:1"), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_of_queues, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(names_of_events, rig_setup, rig_teardown),
		cmocka_unit_test_setup_teardown(names_of_stalled_peers, rig_setup, rig_teardown),
	};

	return cmocka_run_group_tests(tests, rig_group_start, rig_group_stop);
}
