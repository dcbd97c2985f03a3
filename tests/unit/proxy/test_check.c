/* SPDX-License-Identifier: BSD-3-Clause */
#include "check_rig.h"

// Checks from the question to the answer, and what becomes of their connections.

static void check_tcp_each_end(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct check_rig r;
		struct wr_endpoint at;

		check_rig_open(&r, family);
		check_rig_check(&r, WR_CHECK_TCP, 0, "connected");
		// The reset came before its application saw anything.
		assert_int_equal(r.peer_stats.ctr[WR_CTR_tcp_syn_in], 1);
		assert_int_equal(r.accepted, 0);
		assert_int_equal(r.peer_stats.ctr[WR_CTR_tcp_rst_in], 1);
		at = r.be.addr;
		wr_tcp_unlisten(r.peer, &at);
		check_rig_check(&r, WR_CHECK_TCP, ECONNREFUSED, "connection refused");
		r.dead = true;
		check_rig_check(&r, WR_CHECK_TCP, ETIMEDOUT, "not connected within 1 s");
		assert_in_range(r.last.took_us, RIG_S, RIG_S + 5 * RIG_MS);
		assert_int_equal(check_rig_ctr(&r, WR_CTR_probes_sent), 3);
		assert_int_equal(check_rig_ctr(&r, WR_CTR_probes_failed), 2);
		check_rig_close(&r);
	}
}

static void check_http_passes(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct check_rig r;

		check_rig_open(&r, family);
		r.answer = RIG_OK_ANSWER;
		r.closes = true;
		check_rig_check(&r, WR_CHECK_HTTP, 0, "HTTP 200");
		assert_int_equal(r.last.status, 200);
		assert_true(r.last.took_us < 5 * RIG_MS);
		r.got[r.got_len] = '\0';
		assert_non_null(
			strstr(r.got, family == 4 ? "GET / HTTP/1.1\r\nHost: 198.18.1.20\r\n"
						  : "\r\nHost: [2001:db8::20]\r\n"));
		// In order, and without TIME-WAIT of ours.
		assert_true(r.over);
		assert_int_equal(r.end, WR_TCP_END_CLOSED);
		assert_int_equal(check_rig_ctr(&r, WR_CTR_tcp_rst_out), 0);
		assert_int_equal(check_rig_ctr(&r, WR_CTR_checks_http), 1);
		check_rig_close(&r);
	}
}

// The verdict comes with the header; a backend that does not close is reset a moment later.
static void check_http_without_close(void **state)
{
	struct check_rig r;

	check_rig_open(&r, 4);
	r.answer = RIG_OK_ANSWER;
	check_rig_ask(&r, WR_CHECK_HTTP, 1, RIG_S);
	check_rig_run(&r, 2 * RIG_MS);
	assert_int_equal(r.answers, 1);
	assert_int_equal(r.p->checks_busy, 1);
	check_rig_run(&r, 300 * RIG_MS);
	assert_int_equal(r.answers, 1);
	assert_int_equal(r.p->checks_busy, 0);
	assert_int_equal(r.end, WR_TCP_END_RESET);
	check_rig_close(&r);
}

static void check_http_in_pieces(void **state)
{
	struct check_rig r;

	check_rig_open(&r, 4);
	snprintf(r.conf->pools[0].http.body, sizeof(r.conf->pools[0].http.body), "ok");
	r.answer = RIG_OK_ANSWER;
	r.piece = 3;
	r.closes = true;
	check_rig_check(&r, WR_CHECK_HTTP, 0, "HTTP 200");
	assert_true(r.last.took_us > 15 * RIG_MS);
	snprintf(r.conf->pools[0].http.body, sizeof(r.conf->pools[0].http.body), "ko");
	check_rig_check(&r, WR_CHECK_HTTP, EPROTO, "body lacks 'ko'");
	check_rig_close(&r);
}

static void check_http_fails(void **state)
{
	struct check_rig r;

	check_rig_open(&r, 4);
	r.answer = "HTTP/1.1 503 No\r\n\r\n";
	r.closes = true;
	check_rig_check(&r, WR_CHECK_HTTP, EPROTO, "HTTP 503");
	assert_int_equal(r.last.status, 503);
	r.answer = "SSH-2.0\r\n";
	check_rig_check(&r, WR_CHECK_HTTP, EPROTO, "not HTTP: invalid constant string");
	r.answer = "";
	check_rig_check(&r, WR_CHECK_HTTP, EPIPE, "closed before an answer");
	r.answer = "HTTP/1.1 200 OK\r\nA";
	check_rig_check(&r, WR_CHECK_HTTP, EPIPE, "closed in the middle of its answer");
	r.closes = false;
	check_rig_check(&r, WR_CHECK_HTTP, ETIMEDOUT, "answer not complete within 1 s");
	r.answer = NULL;
	check_rig_check(&r, WR_CHECK_HTTP, ETIMEDOUT, "no answer within 1 s");
	r.resets = true;
	check_rig_check(&r, WR_CHECK_HTTP, ECONNRESET, "reset before an answer");
	assert_int_equal(check_rig_ctr(&r, WR_CTR_probes_failed), 7);
	check_rig_close(&r);
}

static void check_http_endless(void **state)
{
	static char text[80 << 10];
	int n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\nA: ");
	struct check_rig r;

	check_rig_open(&r, 4);
	memset(text + n, 'x', sizeof(text) - 1 - (size_t)n);
	r.answer = text;
	check_rig_check(&r, WR_CHECK_HTTP, EMSGSIZE, "header not over after 64 KiB");
	assert_int_equal(r.end, WR_TCP_END_RESET);
	// A judged one is not read for ever either.
	n = snprintf(text, sizeof(text), "HTTP/1.1 200 OK\r\n\r\n");
	text[n] = 'x';
	check_rig_check(&r, WR_CHECK_HTTP, 0, "HTTP 200");
	assert_int_equal(r.end, WR_TCP_END_RESET);
	check_rig_close(&r);
}

static void check_http_other_port(void **state)
{
	struct check_rig r;

	check_rig_open(&r, 4);
	r.conf->pools[0].health_port = 8080;
	check_rig_check(&r, WR_CHECK_HTTP, ECONNREFUSED, "connection refused");
	check_rig_listen(&r, 8080);
	r.answer = RIG_OK_ANSWER;
	r.closes = true;
	check_rig_check(&r, WR_CHECK_HTTP, 0, "HTTP 200");
	r.got[r.got_len] = '\0';
	assert_non_null(strstr(r.got, "\r\nHost: 198.18.1.20:8080\r\n"));
	check_rig_close(&r);
}

// Another port is another hash: answers to the port chosen come to this worker all the same.
static void check_other_port_comes_home(void **state)
{
	static const uint16_t reta[] = {0, 1, 2, 3, 4, 5, 6, 7};
	struct wr_rss *rss = wr_rss_create(wr_rss_default_key, WR_RSS_KEY_LEN, reta, 8);
	const struct wr_rss *port_rss[WR_MAX_PORTS] = {rss};
	struct wr_tcp_info info;
	uint32_t cursor;
	struct check_rig r;

	check_rig_open(&r, 4);
	r.p->cfg.port_rss = port_rss;
	r.conf->pools[0].health_port = 8080;
	r.dead = true;
	for (uint16_t worker = 0; worker < 8; worker++) {
		wr_handle_t h;

		r.p->cfg.worker = worker;
		check_rig_ask(&r, WR_CHECK_TCP, 1, RIG_S);
		cursor = 0;
		h = wr_tcp_walk(r.tcp, &cursor);
		assert_true(wr_tcp_info(r.tcp, h, &info));
		assert_int_equal(info.tuple.rport, 8080);
		assert_int_equal(wr_rss_worker(rss, wr_rss_hash(rss, &info.tuple)), worker);
		check_rig_run(&r, 2 * RIG_S);
	}
	assert_int_equal(r.answers, 8);
	r.p->cfg.worker = 8; // none leads there
	check_rig_check(&r, WR_CHECK_TCP, EADDRNOTAVAIL, "not asked: no free source port");
	r.p->cfg.worker = 0;
	check_rig_close(&r);
	wr_rss_destroy(rss);
}

static void check_sends_proxy_header(void **state)
{
	static const uint8_t v2[16] = {
		13, 10, 13, 10, 0, 13, 10, 'Q', 'U', 'I', 'T', 10, 0x20, 0, 0, 0};
	struct check_rig r;

	check_rig_open(&r, 4);
	r.answer = RIG_OK_ANSWER;
	r.closes = true;
	r.conf->pools[0].send_proxy = WR_CONF_SEND_PROXY_V2;
	check_rig_check(&r, WR_CHECK_HTTP, 0, "HTTP 200");
	assert_memory_equal(r.got, v2, sizeof(v2));
	assert_memory_equal(r.got + 16, "GET / ", 6);
	r.conf->pools[0].send_proxy = WR_CONF_SEND_PROXY_V1;
	check_rig_check(&r, WR_CHECK_HTTP, 0, "HTTP 200");
	assert_memory_equal(r.got, "PROXY UNKNOWN\r\nGET / ", 21);
	assert_int_equal(check_rig_ctr(&r, WR_CTR_proxy_headers_out), 2);
	// Not to an agent.
	r.conf->pools[0].agent_port = 80;
	r.at_once = true;
	r.answer = "up\n";
	check_rig_check(&r, WR_CHECK_AGENT, 0, "agent: up");
	assert_int_equal(r.got_len, 0);
	check_rig_close(&r);
}

static void check_agent_line(void **state)
{
	struct check_rig r;

	check_rig_open(&r, 6);
	r.conf->pools[0].agent_port = 9999;
	r.at_once = r.closes = true;
	r.answer = "75% up\n";
	check_rig_check(&r, WR_CHECK_AGENT, ECONNREFUSED, "agent: connection refused (no verdict)");
	check_rig_listen(&r, 9999);
	check_rig_check(&r, WR_CHECK_AGENT, 0, "agent: 75% up");
	assert_int_equal(r.last.agent, WR_AGENT_WEIGHT | WR_AGENT_UP);
	assert_int_equal(r.last.weight_percent, 75);
	assert_int_equal(r.end, WR_TCP_END_CLOSED);
	r.answer = "drain"; // the end of the stream ends the line
	check_rig_check(&r, WR_CHECK_AGENT, 0, "agent: drain");
	r.answer = "what\n";
	check_rig_check(&r, WR_CHECK_AGENT, EPROTO, "agent: unknown word 'what'");
	r.answer = "";
	check_rig_check(&r, WR_CHECK_AGENT, EPIPE, "agent: closed without a line");
	r.closes = false;
	r.answer = NULL;
	check_rig_check(&r, WR_CHECK_AGENT, ETIMEDOUT, "agent: no answer within 1 s (no verdict)");
	assert_int_equal(check_rig_ctr(&r, WR_CTR_checks_agent), 6);
	assert_int_equal(
		check_rig_ctr(&r, WR_CTR_probes_sent) + check_rig_ctr(&r, WR_CTR_probes_failed), 0);
	r.conf->pools[0].agent_port = 0; // switched off meanwhile
	check_rig_check(&r, WR_CHECK_AGENT, EADDRNOTAVAIL,
		"agent: not asked: no free source port (no verdict)");
	check_rig_close(&r);
}

// Trouble of ours.
static void check_cannot_begin(void **state)
{
	struct rte_mbuf *all[512]; // and the one that there is not
	uint32_t n = 0;
	struct check_rig r;

	check_rig_open(&r, 4);
	r.no_reach = true;
	check_rig_check(
		&r, WR_CHECK_TCP, ENETUNREACH, "not asked: no source address and route towards it");
	r.no_reach = false;
	r.no_port = true;
	check_rig_check(&r, WR_CHECK_HTTP, EADDRNOTAVAIL, "not asked: no free source port");
	r.no_port = false;
	r.no_backend = true;
	check_rig_ask(&r, WR_CHECK_TCP, 9, RIG_S);
	assert_int_equal(r.answers, 2);
	assert_int_equal(r.p->checks_busy, 0);
	r.no_backend = false;
	// No buffer for the request.
	check_rig_ask(&r, WR_CHECK_HTTP, 3, RIG_S);
	while (check_rig_turn(&r) && r.peer_stats.ctr[WR_CTR_tcp_syn_in] == 0)
		;
	while ((all[n] = rte_pktmbuf_alloc(r.small)) != NULL)
		n++;
	check_rig_turn(&r);
	check_rig_turn(&r);
	assert_int_equal(r.answers, 3);
	assert_int_equal(r.last.err, ENOBUFS);
	while (n > 0)
		rte_pktmbuf_free(all[--n]);
	check_rig_run(&r, RIG_S);
	check_rig_close(&r);
}

// The backend goes while it is asked: nobody is told.
static void check_backend_removed(void **state)
{
	struct check_rig r;

	check_rig_open(&r, 4);
	check_rig_ask(&r, WR_CHECK_HTTP, 1, RIG_S);
	r.no_backend = true;
	check_rig_run(&r, 2 * RIG_S);
	assert_int_equal(r.answers, 0);
	r.no_backend = false;
	check_rig_ask(&r, WR_CHECK_HTTP, 1, RIG_S);
	check_rig_run(&r, 10 * RIG_MS);
	assert_true(r.got_len > 0);
	r.no_backend = true;
	check_rig_run(&r, 2 * RIG_S);
	assert_int_equal(r.answers, 0);
	check_rig_close(&r);
}

// As long as no SYN has left, nobody was asked: no verdict.
static void check_that_did_not_leave(void **state)
{
	static const uint8_t kinds[] = {WR_CHECK_TCP, WR_CHECK_HTTP, WR_CHECK_AGENT};

	for (size_t i = 0; i < sizeof(kinds); i++) {
		struct check_rig r;

		check_rig_open(&r, i % 2 ? 6 : 4);
		r.stuck = true;
		r.conf->pools[0].agent_port = 80;
		check_rig_ask(&r, kinds[i], 1, RIG_S);
		check_rig_run(&r, 999 * RIG_MS);
		assert_int_equal(r.answers, 0);
		check_rig_run(&r, 5 * RIG_MS);
		assert_int_equal(r.answers, 1);
		assert_int_equal(r.last.err, ENOBUFS);
		assert_non_null(strstr(r.last.text, "not asked: no connection or buffer free"));
		// Nor when it is TCP that gives up first.
		check_rig_ask(&r, kinds[i], 2, 1000 * RIG_S);
		check_rig_run(&r, RIG_MS);
		r.now += 900 * RIG_S;
		check_rig_run(&r, RIG_S);
		assert_int_equal(r.answers, 2);
		assert_int_equal(r.last.err, ENOBUFS);
		r.stuck = false;
		check_rig_close(&r);
	}
}

static void check_slots(void **state)
{
	struct check_rig r;

	check_rig_open(&r, 4);
	r.dead = true;
	for (uint32_t i = 0; i < RIG_SLOTS; i++)
		check_rig_ask(&r, WR_CHECK_TCP, i, RIG_S);
	assert_int_equal(r.p->checks_busy, RIG_SLOTS);
	check_rig_ask(&r, WR_CHECK_TCP, 77, RIG_S);
	assert_int_equal(r.answers, 1);
	assert_int_equal(r.asked, 77);
	assert_int_equal(r.last.err, ENOBUFS);
	check_rig_run(&r, 2 * RIG_S);
	assert_int_equal(r.answers, 1 + RIG_SLOTS);
	assert_int_equal(r.p->checks_busy, 0);
	// Those that linger make room.
	r.dead = false;
	r.answer = RIG_OK_ANSWER;
	r.piece = 0;
	for (uint32_t i = 0; i < 3 * RIG_SLOTS; i++) {
		r.got_len = 0;
		check_rig_ask(&r, WR_CHECK_HTTP, 100 + i, RIG_S);
		check_rig_run(&r, RIG_MS);
		assert_int_equal(r.last.err, 0);
		assert_int_equal(r.asked, 100 + i);
	}
	assert_int_equal(r.p->checks_busy, RIG_SLOTS);
	check_rig_run(&r, RIG_S);
	check_rig_close(&r);
}

// With all connections taken a check still finds one; a tuple that is in use is passed over.
static void check_reserved_and_tuples(void **state)
{
	struct wr_tuple fake;
	struct wr_tcp_connect_opts o = {.user = USER_CHECK | RIG_SLOTS}; // nobody
	wr_handle_t h[16];
	uint32_t n = 0;
	struct check_rig r;

	check_rig_open(&r, 4);
	fake = r.tuple;
	fake.remote = r.be.addr.addr;
	fake.rport = 80;
	fake.lport = r.next_port;
	while (wr_tcp_connect(r.tcp, &fake, &o, r.now, &h[n]) == 0) {
		fake.lport++;
		n++;
	}
	assert_int_equal(n, 16 - RIG_SLOTS * 2);
	check_rig_ask(&r, WR_CHECK_TCP, 1, RIG_S);
	assert_int_equal(r.answers, 1); // eight tries, all of them taken
	assert_int_equal(r.last.err, EADDRINUSE);
	check_rig_check(&r, WR_CHECK_TCP, 0, "connected");
	while (n > 0)
		wr_tcp_abort(r.tcp, h[--n], r.now);
	check_rig_run(&r, RIG_MS);
	check_rig_close(&r);
}

// Events of a connection that was given up reach nobody.
static void check_stale_events(void **state)
{
	struct check_rig r;

	check_rig_open(&r, 4);
	check_event(r.p, RIG_SLOTS, 1, WR_TCP_EV_CONNECTED, r.now);
	check_event(r.p, 0, 1, WR_TCP_EV_CLOSED, r.now);
	check_timer(r.p, 0, r.now);
	check_rig_ask(&r, WR_CHECK_TCP, 1, RIG_S);
	check_event(r.p, 0, 12345, WR_TCP_EV_CLOSED, r.now);
	assert_int_equal(r.answers, 0);
	check_rig_run(&r, 10 * RIG_MS);
	assert_int_equal(r.answers, 1);
	check_rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_tcp_each_end),
		cmocka_unit_test(check_http_passes),
		cmocka_unit_test(check_http_without_close),
		cmocka_unit_test(check_http_in_pieces),
		cmocka_unit_test(check_http_fails),
		cmocka_unit_test(check_http_endless),
		cmocka_unit_test(check_http_other_port),
		cmocka_unit_test(check_other_port_comes_home),
		cmocka_unit_test(check_sends_proxy_header),
		cmocka_unit_test(check_agent_line),
		cmocka_unit_test(check_cannot_begin),
		cmocka_unit_test(check_backend_removed),
		cmocka_unit_test(check_that_did_not_leave),
		cmocka_unit_test(check_slots),
		cmocka_unit_test(check_reserved_and_tuples),
		cmocka_unit_test(check_stale_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
