/* SPDX-License-Identifier: BSD-3-Clause */
#include "rig.h"

#include "wr_mempool.h"
#include "wr_proxy_header.h"

// PROXY headers: taken from the balancer in front, however its bytes come, and told to backends.

#define ALL 600 // of a header and what is behind it

static void trust(struct wr_conf *c)
{
	struct wr_conf_service *sv = &c->services[0];

	sv->proxied = calloc(2, sizeof(*sv->proxied));
	sv->proxied_count = 2;
	assert_int_equal(wr_prefix_parse("198.18.0.0/25", &sv->proxied[0]), 0);
	assert_int_equal(wr_prefix_parse("2001:db8::/56", &sv->proxied[1]), 0);
}

static struct wr_endpoint endpoint(const char *text, uint16_t port)
{
	struct wr_endpoint e = {.port = port};

	assert_int_equal(wr_addr_parse(text, &e.addr), 0);
	return e;
}

static struct wr_endpoint client_of(int family, uint32_t n)
{
	char text[64];

	snprintf(text, sizeof(text), family == 6 ? "2001:db8:77::%x" : "198.19.7.%u", 1 + n);
	return endpoint(text, (uint16_t)(4000 + n));
}

static uint32_t build(uint8_t to[ALL], uint8_t version, int family, uint32_t n)
{
	struct wr_endpoint client = client_of(family, n);
	struct wr_endpoint local = endpoint(family == 6 ? "2001:db8:99::1" : "198.19.9.9", 443);

	return wr_proxy_header_build(version, &client, &local, to);
}

static void assert_same_endpoint(const struct wr_endpoint *a, const struct wr_endpoint *b)
{
	assert_true(wr_addr_eq(&a->addr, &b->addr));
	assert_int_equal(a->port, b->port);
}

// How the bytes are cut: at `cut`, or each by itself when that is 0.
static void send_cut(
	struct rig *r, struct rig_app *a, const uint8_t *data, uint32_t len, uint32_t cut)
{
	uint32_t step = cut == 0 ? 1 : cut;

	for (uint32_t at = 0; at < len; at += step, step = cut == 0 ? 1 : len - at) {
		step = RTE_MIN(step, len - at);
		rig_send(r, a, data + at, step);
		rig_settle(r);
	}
}

static void taken(struct rig *r, uint8_t version, int family, uint32_t cut)
{
	struct rig_app *c = rig_connect(r, 0, 0, 0), *b;
	struct wr_endpoint want = client_of(family, cut);
	struct wr_session_info i;
	uint8_t data[ALL];
	uint32_t len = build(data, version, family, cut);

	memcpy(data + len, "hello", 5);
	rig_settle(r);
	assert_int_equal(rig_session(r, c).state, WR_SESSION_HEADER);
	assert_int_equal(rig_session(r, c).proxied.port, 0);
	send_cut(r, c, data, len + 5, cut);
	r->headers_in += len;
	i = rig_session(r, c);
	assert_int_equal(i.state, WR_SESSION_OPEN);
	assert_same_endpoint(&i.proxied, &want);
	b = rig_backend_end(r);
	assert_int_equal(b->got, 5);
	assert_memory_equal(b->first, "hello", 5);
	rig_end(r, c);
}

static void header_split_anywhere(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct rig_config cfg = {.family = family, .tune = trust};
		struct rig r;
		uint8_t data[ALL];

		rig_open(&r, &cfg);
		for (uint8_t version = 1; version <= 2; version++) {
			for (int of = 4; of <= 6; of += 2) {
				uint32_t len = build(data, version, of, 0);

				for (uint32_t cut = 0; cut <= len + 5; cut++)
					taken(&r, version, of, cut);
			}
		}
		assert_int_equal(rig_ctr(&r, WR_CTR_proxy_headers_bad), 0);
		assert_int_equal(
			rig_ctr(&r, WR_CTR_proxy_headers_in), rig_service(&r, 0)->sessions_total);
		assert_int_equal(rig_ctr(&r, WR_CTR_proxy_headers_out), 0);
		// Only what was behind the headers passed through.
		assert_int_equal(
			rig_service(&r, 0)->bytes_in, 5 * rig_ctr(&r, WR_CTR_proxy_headers_in));
		rig_close(&r);
	}
}

// Several segments lie behind the header before anything of it is looked at, and the end of the
// stream behind those.
static void header_with_much_behind(void **state)
{
	struct rig_config cfg = {.tune = trust};
	struct rig_app *c, *b;
	struct rig r;
	uint8_t data[ALL];
	uint32_t len = build(data, 2, 4, 1);

	rig_open(&r, &cfg);
	c = rig_connect(&r, 0, 0, 0);
	rig_settle(&r);
	rig_send(&r, c, data, len);
	c->to_send = 100000;
	rig_run(&r, RIG_MS);
	r.headers_in += len;
	b = rig_backend_end(&r);
	assert_int_equal(b->got, 100000);
	rig_fin(&r, c);
	rig_settle(&r);
	assert_true(c->closed && b->eof);
	rig_close(&r);
}

static void header_local(void **state)
{
	static const uint8_t local[] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49,
		0x54, 0x0a, 0x20, 0x00, 0x00, 0x00};
	static const char unknown[] = "PROXY UNKNOWN\r\n";
	struct rig_config cfg = {.tune = trust};
	struct wr_record rec;
	struct rig_app *c;
	struct rig r;

	rig_open(&r, &cfg);
	for (int v = 1; v <= 2; v++) {
		c = rig_connect(&r, 0, 3, 0);
		rig_settle(&r);
		rig_send(&r, c, v == 1 ? (const void *)unknown : local,
			v == 1 ? sizeof(unknown) - 1 : sizeof(local));
		rig_settle(&r);
		r.headers_in += v == 1 ? sizeof(unknown) - 1 : sizeof(local);
		assert_int_equal(rig_session(&r, c).state, WR_SESSION_OPEN);
		assert_int_equal(rig_session(&r, c).proxied.port, 0);
		rig_end(&r, c);
		assert_true(rig_record(&r, &rec));
		assert_false(rec.proxied);
		assert_same_endpoint(&rec.client, &rec.peer);
	}
	rig_close(&r);
}

static void assert_refused(struct rig *r, struct rig_app *c, enum wr_record_cause cause)
{
	struct wr_record rec;

	rig_settle(r);
	assert_true(c->closed);
	assert_true(rig_record(r, &rec));
	assert_int_equal(rec.cause, cause);
	assert_int_equal(rec.phase, WR_RECORD_HEADER);
	assert_int_equal(rec.backend, WR_MAGLEV_NONE);
	assert_int_equal(rec.connect_us, 0);
	assert_int_equal(rig_service(r, 0)->sessions, 0);
}

static void header_bad(void **state)
{
	static const char *const text[] = {"GET / HTTP/1.0\r\n\r\n",
		"PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 99999\r\n",
		"P\r\n"};
	struct rig_config cfg = {.tune = trust};
	struct rig_app *c;
	struct rig r;

	rig_open(&r, &cfg);
	for (uint32_t i = 0; i < RTE_DIM(text); i++) {
		c = rig_connect(&r, 0, i, 0);
		rig_settle(&r);
		rig_send(&r, c, text[i], (uint32_t)strlen(text[i]));
		assert_refused(&r, c, WR_RECORD_PROXY);
		assert_true(rig_refused(c));
		assert_int_equal(rig_ctr(&r, WR_CTR_proxy_headers_bad), i + 1);
		assert_int_equal(rig_service(&r, 0)->refused, i + 1);
	}
	// One event a second, which stands for those since.
	assert_int_equal(r.event_count[WR_EV_proxy_header_bad], 1);
	rig_run(&r, RIG_S + 5 * RIG_MS);
	assert_int_equal(r.event_count[WR_EV_proxy_header_bad], 2);
	assert_int_equal(r.event_stands_for[WR_EV_proxy_header_bad], RTE_DIM(text));
	assert_int_equal(r.last[WR_EV_proxy_header_bad].scope, 0);
	rig_close(&r);
}

static void header_too_long(void **state)
{
	uint8_t data[WR_PROXY_HEADER_MAX] = {0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55,
		0x49, 0x54, 0x0a, 0x21, 0x11, 0x10, 0x00};
	struct rig_config cfg = {.tune = trust};
	struct rig_app *c;
	struct rig r;

	rig_open(&r, &cfg);
	c = rig_connect(&r, 0, 0, 0);
	rig_settle(&r);
	send_cut(&r, c, data, 15, 0);
	assert_false(c->closed);
	rig_send(&r, c, data + 15, 300);
	assert_refused(&r, c, WR_RECORD_PROXY);
	rig_close(&r);
}

static void header_late(void **state)
{
	for (uint32_t sent = 0; sent <= 20; sent += 20) {
		struct rig_config cfg = {.tune = trust};
		struct rig_app *c;
		struct rig r;
		uint8_t data[ALL];

		build(data, 1, 4, 0);
		rig_open(&r, &cfg);
		c = rig_connect(&r, 0, 0, 0);
		rig_settle(&r);
		if (sent > 0)
			rig_send(&r, c, data, sent);
		rig_run(&r, 2990 * RIG_MS);
		assert_false(c->closed);
		rig_run(&r, 20 * RIG_MS);
		assert_refused(&r, c, WR_RECORD_PROXY);
		assert_int_equal(rig_ctr(&r, WR_CTR_proxy_headers_bad), 1);
		assert_int_equal(rig_service(&r, 0)->timeouts, 0);
		rig_close(&r);
	}
}

static void header_client_leaves(void **state)
{
	for (int reset = 0; reset <= 1; reset++) {
		struct rig_config cfg = {.tune = trust};
		struct rig_app *c;
		struct rig r;
		uint8_t data[ALL];

		build(data, 2, 4, 0);
		rig_open(&r, &cfg);
		c = rig_connect(&r, 0, 0, 0);
		rig_settle(&r);
		rig_send(&r, c, data, 13);
		rig_settle(&r);
		if (reset)
			rig_reset(&r, c);
		else
			rig_fin(&r, c);
		assert_refused(&r, c, reset ? WR_RECORD_CLIENT : WR_RECORD_PROXY);
		assert_int_equal(rig_ctr(&r, WR_CTR_proxy_headers_bad), !reset);
		rig_close(&r);
	}
}

// Who is not trusted has no header taken from it.
static void header_from_others_is_data(void **state)
{
	struct rig_config cfg = {.tune = trust};
	struct rig_app *c;
	struct rig r;
	uint8_t data[ALL];
	uint32_t len = build(data, 1, 4, 0);

	rig_open(&r, &cfg);
	c = rig_connect(&r, 0, 130, 0);
	rig_settle(&r);
	rig_send(&r, c, data, len);
	rig_settle(&r);
	assert_int_equal(rig_session(&r, c).proxied.port, 0);
	assert_int_equal(rig_backend_end(&r)->got, len);
	assert_memory_equal(rig_backend_end(&r)->first, data, len);
	rig_end(&r, c);
	rig_close(&r);
}

// The handshake does not wait for a backend, since the header cannot come before it.
static void header_behind_deferred_listener(void **state)
{
	struct rig_config cfg = {.tune = trust, .deferred = true};
	struct rig_app *c;
	struct rig r;

	rig_open(&r, &cfg);
	c = rig_connect(&r, 0, 0, 0);
	rig_settle(&r);
	assert_true(c->connected);
	taken(&r, 2, 4, 10);
	rig_reset(&r, c);
	rig_settle(&r);
	rig_close(&r);
}

static void deny(struct wr_conf *c)
{
	trust(c);
	c->access.deny = calloc(1, sizeof(*c->access.deny));
	c->access.deny_count = 1;
	assert_int_equal(wr_prefix_parse("198.19.7.0/28", &c->access.deny[0]), 0);
	c->services[0].client.connections = 1;
	c->services[0].client_prefix_v4 = 32;
}

// Rules and limits are about who the client is, not about who stands in front.
static void header_decides_admission(void **state)
{
	struct rig_config cfg = {.tune = deny};
	struct wr_record rec;
	struct rig_app *c[4];
	struct rig r;

	rig_open(&r, &cfg);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t who[] = {3, 40, 41, 40}; // denied, in, in, above its limit
		uint8_t data[ALL];
		uint32_t len = build(data, 2, 4, who[i]);

		c[i] = rig_connect(&r, 0, 0, 0);
		rig_settle(&r);
		rig_send(&r, c[i], data, len);
		r.headers_in += len;
		rig_settle(&r);
	}
	assert_true(c[0]->closed && c[3]->closed);
	assert_false(c[1]->closed || c[2]->closed);
	assert_int_equal(rig_service(&r, 0)->limited, 1);
	for (uint32_t i = 0; i < 2; i++) {
		assert_true(rig_record(&r, &rec));
		assert_int_equal(rec.cause, WR_RECORD_PROXY);
		assert_int_equal(rec.phase, WR_RECORD_CONNECT);
		assert_true(rec.proxied);
	}
	assert_false(rig_record(&r, &rec));
	rig_close(&r);
}

static void by_address(struct wr_conf *c)
{
	trust(c);
	c->pools[0].hash = WR_CONF_HASH_ADDRESS;
}

static void header_decides_backend(void **state)
{
	struct rig_config cfg = {.tune = by_address, .backends = 4};
	struct rig r;
	uint16_t at[16];
	bool differ = false;

	rig_open(&r, &cfg);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 16; i++) {
			struct rig_app *c = rig_connect(&r, 0, round, 0);
			uint8_t data[ALL];
			uint32_t len = build(data, 2, 4, i);

			rig_settle(&r);
			rig_send(&r, c, data, len);
			r.headers_in += len;
			rig_settle(&r);
			if (round == 0)
				at[i] = rig_session(&r, c).backend;
			assert_int_equal(rig_session(&r, c).backend, at[i]);
			differ = differ || at[i] != at[0];
			rig_end(&r, c);
		}
	}
	assert_true(differ);
	rig_close(&r);
}

// Operators find a session by either name of its client.
static void header_shown(void **state)
{
	struct wr_session_filter f = {.service = -1, .backend = -1, .id = -1, .has_peer = true};
	struct rig_config cfg = {.tune = trust};
	struct wr_endpoint client = client_of(4, 9);
	struct wr_session_info i[2];
	struct rig_app *c;
	struct rig r;
	uint8_t data[ALL];
	uint32_t len = build(data, 2, 4, 9);

	rig_open(&r, &cfg);
	c = rig_connect(&r, 0, 3, 0);
	rig_settle(&r);
	rig_send(&r, c, data, len + 1);
	rig_settle(&r);
	r.headers_in += len;
	for (uint32_t by = 0; by <= 2; by++) {
		struct wr_addr peers[] = {
			client.addr, rig_client_addr(&r, 3), rig_client_addr(&r, 4)};
		uint32_t cursor = 0;

		f.peer = peers[by];
		assert_int_equal(wr_proxy_dump(r.p, &f, &cursor, i, 2, r.now), by < 2);
	}
	assert_same_endpoint(&i[0].proxied, &client);
	assert_int_equal(i[0].first_byte_us, 0);
	rig_run(&r, 20 * RIG_MS);
	rig_backend_end(&r)->to_send = 5;
	rig_run(&r, RIG_MS);
	assert_in_range(rig_session(&r, c).first_byte_us, 20 * RIG_MS, 22 * RIG_MS);
	rig_end(&r, c);
	rig_close(&r);
}

static void send_v1(struct wr_conf *c)
{
	c->pools[0].send_proxy = WR_CONF_SEND_PROXY_V1;
}

static void send_v2(struct wr_conf *c)
{
	c->pools[0].send_proxy = WR_CONF_SEND_PROXY_V2;
}

// What a backend got begins with a header for this client, and then comes `behind`.
static void assert_header(struct rig *r, const struct rig_app *b, const struct wr_endpoint *client,
	const struct wr_endpoint *local, uint32_t behind)
{
	struct wr_proxy_header h;
	int len = wr_proxy_header_parse(b->first, (uint32_t)RTE_MIN(b->got, RIG_FIRST), &h);

	assert_true(len > 0);
	assert_false(h.local);
	assert_same_endpoint(&h.client, client);
	assert_same_endpoint(&h.local_to, local);
	assert_int_equal(b->got, (uint32_t)len + behind);
	for (uint32_t i = 0; i < behind; i++)
		assert_int_equal(b->first[(uint32_t)len + i], 'x');
	r->headers_out += (uint32_t)len;
}

static void header_sent_first(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		for (int v = 1; v <= 2; v++) {
			struct rig_config cfg = {
				.family = family, .tune = v == 1 ? send_v1 : send_v2};
			struct wr_endpoint client;
			struct rig_app *c;
			struct rig r;

			rig_open(&r, &cfg);
			for (uint32_t n = 0; n <= 100; n += 50) {
				c = rig_connect(&r, 0, 7, n);
				rig_settle(&r);
				client = (struct wr_endpoint){
					rig_client_addr(&r, 7), (uint16_t)(r.next_port - 1)};
				assert_header(&r, rig_backend_end(&r), &client,
					&r.conf->services[0].listen[0], n);
				rig_end(&r, c);
			}
			assert_int_equal(rig_ctr(&r, WR_CTR_proxy_headers_out), 3);
			assert_int_equal(rig_service(&r, 0)->bytes_in, 150);
			rig_close(&r);
		}
	}
}

static void both_ways(struct wr_conf *c)
{
	trust(c);
	c->pools[0].send_proxy = WR_CONF_SEND_PROXY_V2;
}

// What the balancer in front said is passed on, its destination too, whatever family we use.
static void header_passed_on(void **state)
{
	for (int of = 4; of <= 6; of += 2) {
		struct rig_config cfg = {.family = 10 - of, .tune = both_ways};
		struct wr_endpoint client = client_of(of, 5),
				   local = endpoint(of == 6 ? "2001:db8:99::1" : "198.19.9.9", 443);
		struct rig_app *c;
		struct rig r;
		uint8_t data[ALL];
		uint32_t len = build(data, 1, of, 5);

		rig_open(&r, &cfg);
		memset(data + len, 'x', 30);
		c = rig_connect(&r, 0, 0, 0);
		rig_settle(&r);
		rig_send(&r, c, data, len + 30);
		rig_settle(&r);
		r.headers_in += len;
		assert_header(&r, rig_backend_end(&r), &client, &local, 30);
		rig_end(&r, c);
		rig_close(&r);
	}
}

// A backend that refuses gets nothing; the one that is tried next gets it all.
static void header_sent_to_the_next_backend(void **state)
{
	struct rig_config cfg = {.tune = both_ways, .backends = 2};
	struct rig r;

	rig_open(&r, &cfg);
	rig_listen(&r, 0, false);
	for (uint32_t i = 0; i < 16; i++) {
		struct wr_endpoint client = client_of(4, i), local = endpoint("198.19.9.9", 443);
		struct rig_app *c = rig_connect(&r, 0, 0, 0);
		uint8_t data[ALL];
		uint32_t len = build(data, 2, 4, i);

		rig_settle(&r);
		memset(data + len, 'x', 20);
		rig_send(&r, c, data, len + 20);
		rig_settle(&r);
		r.headers_in += len;
		assert_header(&r, rig_backend_end(&r), &client, &local, 20);
		rig_end(&r, c);
	}
	assert_true(rig_ctr(&r, WR_CTR_connect_retries) > 0);
	assert_int_equal(rig_ctr(&r, WR_CTR_proxy_headers_out), 16);
	rig_listen(&r, 0, true);
	rig_close(&r);
}

// No buffer for our own header is our own fault.
static void header_without_buffer(void **state)
{
	struct rig_config cfg = {.tune = both_ways, .backends = 1};
	struct rte_mempool *none = rte_pktmbuf_pool_create(
		"rig_none", 1, 0, WR_MBUF_PRIV_SIZE, WR_SMALL_DATAROOM, SOCKET_ID_ANY);
	struct rte_mbuf *m;
	struct wr_record rec;
	struct rig_app *c;
	struct rig r;
	uint8_t data[ALL];
	uint32_t len = build(data, 2, 4, 1);

	assert_non_null(none);
	m = rte_pktmbuf_alloc(none);
	rig_open(&r, &cfg);
	r.p->cfg.small = none;
	c = rig_connect(&r, 0, 0, 0);
	rig_settle(&r);
	rig_send(&r, c, data, len + 20);
	rig_settle(&r);
	r.headers_in += len;
	assert_true(rig_refused(c));
	assert_true(rig_record(&r, &rec));
	assert_int_equal(rec.cause, WR_RECORD_RESOURCE);
	assert_int_equal(rec.phase, WR_RECORD_REQUEST);
	assert_int_equal(rig_backend(&r, 0)->resets_early, 0);
	assert_int_equal(r.stats.drop[WR_DROP_no_mbuf], 1);
	rig_close(&r);
	rte_pktmbuf_free(m);
	rte_mempool_free(none);
}

// Many at the same time, cut, ended and killed by chance: nothing is held by anybody at the end.
static void header_many(void **state)
{
	struct rig_config cfg = {.tune = both_ways, .backends = 4, .max_sessions = 64};
	struct wr_record rec;
	uint64_t records = 0;
	uint8_t data[ALL], out[ALL];
	uint32_t len = build(data, 2, 4, 0), seed = 1;
	struct rig r;

	rig_open(&r, &cfg);
	for (uint32_t i = 0; i < 3000; i++) {
		struct rig_app *c = rig_connect(&r, 0, i % 100, 0);
		uint32_t n = build(data, 2, 4, i % 200), first;

		seed = seed * 1103515245 + 12345;
		first = 1 + (seed >> 16) % (n + 9);
		if (i % 16 == 8)
			rig_listen(&r, 0, i % 32 != 8);
		rig_settle(&r);
		if (c->h != WR_HANDLE_NONE)
			rig_send(&r, c, data, first);
		if ((seed >> 8) % 3 != 0)
			rig_settle(&r);
		if (c->h != WR_HANDLE_NONE && first < n + 10 && seed % 5 != 0)
			rig_send(&r, c, data + first, n + 10 - first);
		if ((seed >> 4) % 4 == 0)
			rig_reset(&r, c);
		if (i % 50 == 49)
			wr_proxy_kill_backend(r.p, (uint16_t)((seed >> 12) % 4), r.now);
		if (i % 5 == 4 && r.app[r.apps / 2].client)
			rig_reset(&r, &r.app[r.apps / 2]);
		if (i % 64 == 63)
			rig_run(&r, 100 * RIG_MS);
		while (rig_record(&r, &rec))
			records++;
	}
	rig_run(&r, 4 * RIG_S);
	wr_proxy_abort_all(r.p);
	rig_run(&r, 5 * RIG_MS);
	while (rig_record(&r, &rec))
		records++;
	r.headers_in = rig_ctr(&r, WR_CTR_proxy_headers_in) * len;
	r.headers_out = rig_ctr(&r, WR_CTR_proxy_headers_out) * build(out, 2, 4, 0);
	assert_true(r.headers_out > 0);
	assert_int_equal(records, rig_ctr(&r, WR_CTR_records_pushed));
	assert_int_equal(records, rig_ctr(&r, WR_CTR_sessions_closed));
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(header_split_anywhere),
		cmocka_unit_test(header_with_much_behind),
		cmocka_unit_test(header_local),
		cmocka_unit_test(header_bad),
		cmocka_unit_test(header_too_long),
		cmocka_unit_test(header_late),
		cmocka_unit_test(header_client_leaves),
		cmocka_unit_test(header_from_others_is_data),
		cmocka_unit_test(header_behind_deferred_listener),
		cmocka_unit_test(header_decides_admission),
		cmocka_unit_test(header_decides_backend),
		cmocka_unit_test(header_shown),
		cmocka_unit_test(header_sent_first),
		cmocka_unit_test(header_passed_on),
		cmocka_unit_test(header_sent_to_the_next_backend),
		cmocka_unit_test(header_without_buffer),
		cmocka_unit_test(header_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
