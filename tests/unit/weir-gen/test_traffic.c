/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "client.h"
#include "server.h"
#include "wr_mbuf.h"
#include "wr_parse.h"
#include "wr_rng.h"

// Clients and a server over TCP on a virtual clock: what the one counts, the other counts.

#define BUFFERS 16383
#define FRAMES  8192 // on the link; a power of two
#define DELAY   20   // us each way
#define S       WR_US_PER_S

static struct link {
	struct rte_mempool *small, *large;
	struct ep_stack *ep[2]; // clients', server's
	struct wr_stats drops[2];
	struct {
		struct rte_mbuf *m;
		wr_us_t at;
		int to;
	} frame[FRAMES];
	uint32_t head, tail;
	uint32_t loss; // permille
	struct wr_rng rng;
	struct gen_now now;
	struct gen_client client_conf;
	struct gen_backend server_conf;
	struct client *client;
	struct server *server;
} net;

static void set_time(wr_us_t us)
{
	net.now = (struct gen_now){us, us * 1000};
}

static struct rte_mempool *pool(const char *name, uint16_t room)
{
	struct rte_mempool *p = rte_mempool_lookup(name);

	if (p == NULL)
		p = rte_pktmbuf_pool_create(
			name, BUFFERS, 0, WR_MBUF_PRIV_SIZE, room, SOCKET_ID_ANY);
	assert_non_null(p);
	return p;
}

static void init(enum gen_protocol protocol, bool v6)
{
	struct gen_client *c = &net.client_conf;
	struct gen_backend *b = &net.server_conf;

	wr_test_eal_init();
	memset(&net, 0, sizeof(net));
	net.small = pool("small", RTE_PKTMBUF_HEADROOM + 128);
	net.large = pool("large", RTE_PKTMBUF_HEADROOM + 1600);
	wr_rng_init(&net.rng, 3);
	set_time(1000);
	strcpy(c->name, "c");
	strcpy(b->name, "b");
	strcpy(c->path, "/");
	strcpy(c->host, "weir.example");
	c->protocol = b->protocol = protocol;
	c->source_count = 1;
	wr_addr_parse(v6 ? "2001:db8::10" : "198.18.0.10", &c->source[0].first);
	wr_addr_parse(v6 ? "2001:db8::13" : "198.18.0.13", &c->source[0].last);
	c->source_port_first = 1024;
	c->source_port_last = 65535;
	c->target_count = b->listen_count = 1;
	wr_endpoint_parse(v6 ? "[2001:db8::1]:80" : "198.18.0.1:80", &c->target[0]);
	b->listen[0] = c->target[0];
	c->model = GEN_LOAD_POISSON;
	c->rate = 2000;
	c->max_open = 2000;
	c->requests = 1;
	c->request_bytes = protocol == GEN_PROTOCOL_RAW ? 64 : 0;
	c->answer_bytes = 300;
	c->connect_timeout_us = c->answer_timeout_us = 5 * S;
	b->answer_bytes = 300;
}

static struct ep_stack *stack(int i)
{
	struct ep_config cfg = {.max_conns = 4096,
		.app_bytes = i == 0 ? client_app_bytes() : server_app_bytes(),
		.timestamps = true,
		.small = net.small,
		.large = net.large,
		.stats = &net.drops[i],
		.seed = (uint64_t)i + 1,
		.numa_node = SOCKET_ID_ANY};
	struct ep_stack *s = ep_create(&cfg, &net.now);

	assert_non_null(s);
	return s;
}

static void start(void)
{
	struct wr_err err = {0};

	net.ep[0] = stack(0);
	net.ep[1] = stack(1);
	net.server = server_create(&net.server_conf, true, net.ep[1], 5, &err);
	net.client = client_create(&net.client_conf, true, net.ep[0], 6, &err);
	assert_string_equal(err.text, "");
	server_start(net.server, &net.now);
	client_start(net.client, 0, WR_US_NEVER, &net.now);
}

static void flush(int from)
{
	struct rte_mbuf *m[64];
	struct ep_tx tx;

	do {
		tx = (struct ep_tx){m, 0, 64};
		ep_output(net.ep[from], &tx, 64, &net.now);
		for (uint16_t i = 0; i < tx.count; i++) {
			if (wr_rng_below(&net.rng, 1000) < net.loss) {
				rte_pktmbuf_free(m[i]);
				continue;
			}
			assert_true(net.tail - net.head < FRAMES);
			net.frame[net.tail % FRAMES].m = m[i];
			net.frame[net.tail % FRAMES].at = net.now.us + DELAY;
			net.frame[net.tail++ % FRAMES].to = !from;
		}
	} while (tx.count > 0);
}

static void turn(void)
{
	struct wr_pkt k;

	while (net.head != net.tail && net.frame[net.head % FRAMES].at <= net.now.us) {
		wr_parse_frame(
			&k, net.frame[net.head % FRAMES].m, WR_PARSE_F_NO_L2 | WR_PARSE_F_TRUST_CK);
		assert_int_equal(k.kind, WR_PKT_TCP);
		ep_input(net.ep[net.frame[net.head++ % FRAMES].to], &k, 1, &net.now);
	}
	for (int i = 0; i < 2; i++)
		ep_timers(net.ep[i], 1000, &net.now);
	client_poll(net.client, 1000, &net.now);
	server_poll(net.server, 1000, &net.now);
	flush(0);
	flush(1);
}

static void run(wr_us_t until)
{
	wr_us_t at;

	while (net.now.us < until) {
		turn();
		at = net.head != net.tail ? net.frame[net.head % FRAMES].at : WR_US_NEVER;
		at = RTE_MIN(at, RTE_MIN(ep_next_timer(net.ep[0]), ep_next_timer(net.ep[1])));
		at = RTE_MIN(at, RTE_MIN(client_next(net.client), server_next(net.server)));
		set_time(RTE_MIN(until, RTE_MAX(at, net.now.us + 1)));
	}
	turn();
}

static const struct gen_client_stats *clients(void)
{
	return client_stats(net.client);
}

static const struct gen_server_stats *servers(void)
{
	return server_stats(net.server);
}

// Load until `us`, then what runs may end; nothing may be left of it.
static void run_all(wr_us_t us)
{
	run(us);
	client_stop(net.client);
	run(us + 60 * S);
	assert_true(client_idle(net.client));
	assert_int_equal(servers()->working, 0);
	assert_int_equal(servers()->waiting, 0);
	assert_true(server_next(net.server) == WR_US_NEVER);
	assert_int_equal(servers()->wrong_bytes, 0);
	assert_int_equal(servers()->bad_requests, 0);
}

static void stop(void)
{
	assert_int_equal(ep_open(net.ep[0]), 0);
	assert_int_equal(ep_open(net.ep[1]), 0);
	assert_int_equal(servers()->open, 0);
	client_destroy(net.client);
	server_destroy(net.server);
	ep_destroy(net.ep[0]);
	ep_destroy(net.ep[1]);
	assert_int_equal(rte_mempool_in_use_count(net.small), 0);
	assert_int_equal(rte_mempool_in_use_count(net.large), 0);
}

static void all_answered(void)
{
	assert_true(clients()->intended > 900);
	assert_int_equal(clients()->answers, clients()->intended);
	assert_int_equal(servers()->answers, clients()->intended);
	assert_int_equal(servers()->requests, clients()->intended);
	assert_int_equal(clients()->attempts_failed, 0);
	assert_int_equal(servers()->early_closes, 0);
}

static void traffic_every_request_answered(void **state)
{
	for (int i = 0; i < 8; i++) {
		init(i & 1 ? GEN_PROTOCOL_HTTP : GEN_PROTOCOL_RAW, i & 2);
		net.loss = i & 4 ? 20 : 0;
		net.client_conf.requests = 3;
		net.client_conf.request_bytes = 5000;
		net.client_conf.answer_bytes = 20000;
		net.client_conf.rate = 400;
		net.client_conf.answer_timeout_us = 50 * S;
		start();
		run_all(S);
		all_answered();
		stop();
	}
}

static void traffic_server_closes(void **state)
{
	for (int i = 0; i < 2; i++) {
		init(i ? GEN_PROTOCOL_HTTP : GEN_PROTOCOL_RAW, false);
		net.client_conf.close = GEN_CLOSE_SERVER;
		net.server_conf.close = true;
		start();
		run_all(S);
		all_answered();
		stop();
	}
}

static void traffic_half_closed_clients(void **state)
{
	init(GEN_PROTOCOL_RAW, false);
	net.client_conf.close = GEN_CLOSE_HALF;
	net.server_conf.service.mean_us = 3000;
	start();
	run_all(S);
	all_answered();
	stop();
}

// A queue that overflows: told by the one as often as heard by the other.
static void traffic_queue_full_counts_agree(void **state)
{
	for (int i = 0; i < 4; i++) {
		init(i & 1 ? GEN_PROTOCOL_HTTP : GEN_PROTOCOL_RAW, false);
		net.loss = i & 2 ? 10 : 0;
		net.server_conf.concurrency = 2;
		net.server_conf.queue = 4;
		net.server_conf.service =
			(struct gen_dist){.kind = GEN_DIST_EXPONENTIAL, .mean_us = 1500};
		start();
		run_all(S);
		assert_true(servers()->queue_full > 200);
		assert_int_equal(servers()->queue_full, clients()->errors[GEN_ERROR_queue_full]);
		assert_int_equal(servers()->answers, clients()->answers);
		assert_int_equal(clients()->answers + servers()->queue_full, clients()->intended);
		assert_int_equal(servers()->waiting_peak, 4);
		stop();
	}
}

// Capacity: 2 at once, 1 ms each, make 2,000 a second.
static void traffic_capacity_is_as_configured(void **state)
{
	init(GEN_PROTOCOL_RAW, false);
	net.server_conf.concurrency = 2;
	net.server_conf.queue = 100;
	net.server_conf.service.mean_us = 1000;
	net.client_conf.rate = 4000;
	start();
	run(S / 2);
	server_reset_stats(net.server);
	run(S / 2 + S);
	assert_in_range(servers()->answers, 1985, 2001);
	run_all(2 * S);
	stop();
}

static void traffic_token_streams(void **state)
{
	for (int i = 0; i < 2; i++) {
		init(i ? GEN_PROTOCOL_HTTP : GEN_PROTOCOL_RAW, true);
		net.loss = 5;
		net.server_conf.tokens = 20;
		net.server_conf.token_bytes = 6;
		net.server_conf.first_token.mean_us = 20000;
		net.server_conf.token_gap =
			(struct gen_dist){.kind = GEN_DIST_EXPONENTIAL, .mean_us = 2000};
		net.client_conf.answer_bytes = 0;
		start();
		run_all(S);
		all_answered();
		assert_true(wr_hist_mean(clients()->measured.answer_ns) > 50000000);
		stop();
	}
}

static void traffic_leaving_clients_free_their_places(void **state)
{
	init(GEN_PROTOCOL_RAW, false);
	net.server_conf.concurrency = 10;
	net.server_conf.queue = 50;
	net.server_conf.service.mean_us = 100000; // capacity of 100 a second for 2,000
	net.client_conf.answer_timeout_us = 30000;
	start();
	run_all(S);
	assert_true(clients()->errors[GEN_ERROR_answer_timeout] > 100);
	assert_int_equal(clients()->answers, 0);
	assert_true(servers()->early_closes > 0);
	stop();
}

static void fault(enum gen_fault_kind kind, uint32_t permille)
{
	init(GEN_PROTOCOL_RAW, false);
	net.server_conf.fault_count = 1;
	net.server_conf.fault[0] = (struct gen_fault){.kind = kind,
		.at_us = 200000,
		.for_us = 600000,
		.delay_us = 100000,
		.permille = permille};
	net.client_conf.connect_timeout_us = 500000;
	net.client_conf.answer_timeout_us = 100000;
	start();
	run_all(S + 1000);
}

// About `share` permille of the load met the fault.
static void share(uint64_t n, uint32_t permille)
{
	uint64_t want = clients()->intended * permille / 1000;

	assert_in_range(n, want - want / 6, want + want / 6);
}

static void traffic_fault_refuse(void **state)
{
	fault(GEN_FAULT_REFUSE, 500);
	share(clients()->errors[GEN_ERROR_connect_refused], 300);
	assert_int_equal(servers()->faults_struck, clients()->errors[GEN_ERROR_connect_refused]);
	assert_int_equal(servers()->answers + servers()->faults_struck, clients()->intended);
	stop();
}

static void traffic_fault_flap(void **state)
{
	fault(GEN_FAULT_FLAP, 1000);
	share(clients()->errors[GEN_ERROR_connect_refused], 300);
	stop();
}

static void traffic_fault_reset(void **state)
{
	fault(GEN_FAULT_RESET, 1000);
	share(clients()->errors[GEN_ERROR_reset], 600);
	assert_int_equal(servers()->faults_struck, clients()->errors[GEN_ERROR_reset]);
	stop();
}

static void traffic_fault_blackhole(void **state)
{
	fault(GEN_FAULT_BLACKHOLE, 1000);
	// Those of its last 500 ms come through with a SYN sent again.
	assert_true(clients()->errors[GEN_ERROR_connect_timeout] > 100);
	assert_true(servers()->faults_struck >= clients()->errors[GEN_ERROR_connect_timeout]);
	assert_int_equal(clients()->errors[GEN_ERROR_connect_refused], 0);
	run(200 * S);
	stop();
}

static void traffic_fault_slow_accept(void **state)
{
	fault(GEN_FAULT_SLOW_ACCEPT, 1000);
	assert_int_equal(clients()->answers, clients()->intended);
	share(servers()->faults_struck, 600);
	assert_true(wr_hist_quantile(clients()->measured.connect_ns, 350000) < 1000000);
	assert_in_range(
		wr_hist_quantile(clients()->measured.connect_ns, 450000), 100000000, 102500000);
	stop();
}

static void traffic_fault_stall(void **state)
{
	fault(GEN_FAULT_STALL, 1000);
	share(clients()->errors[GEN_ERROR_answer_timeout], 500); // not the last 100 ms
	share(servers()->faults_struck, 600);
	stop();
}

static void traffic_fault_garbage(void **state)
{
	fault(GEN_FAULT_GARBAGE, 1000);
	share(clients()->errors[GEN_ERROR_wrong_bytes], 600);
	assert_int_equal(servers()->faults_struck, clients()->errors[GEN_ERROR_wrong_bytes]);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traffic_every_request_answered),
		cmocka_unit_test(traffic_server_closes),
		cmocka_unit_test(traffic_half_closed_clients),
		cmocka_unit_test(traffic_queue_full_counts_agree),
		cmocka_unit_test(traffic_capacity_is_as_configured),
		cmocka_unit_test(traffic_token_streams),
		cmocka_unit_test(traffic_leaving_clients_free_their_places),
		cmocka_unit_test(traffic_fault_refuse),
		cmocka_unit_test(traffic_fault_flap),
		cmocka_unit_test(traffic_fault_reset),
		cmocka_unit_test(traffic_fault_blackhole),
		cmocka_unit_test(traffic_fault_slow_accept),
		cmocka_unit_test(traffic_fault_stall),
		cmocka_unit_test(traffic_fault_garbage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
