/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "triple.h"

// Source addresses and ports towards backends.

static const struct wr_addr *source_of(
	struct triple *t, const struct tri_conn *c, struct wr_tcp_info *info)
{
	const struct tri_conn *b = tri_other(t, c);

	TRI_CHECK(t, b != NULL && wr_tcp_info(t->peer[b->peer].tcp, b->h, info));
	return &info->tuple.remote;
}

static void sources_in_turns(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct tri_config cfg = {.backends = 1, .family = family};
		struct triple *t = tri_create(&cfg);
		uint32_t seen[32] = {0};

		for (int i = 0; i < 16; i++) {
			struct tri_conn *c = tri_connect(
				t, &(struct tri_want){.mode = TRI_ECHO, .up = 10, .hold = true});
			struct wr_tcp_info info;
			const struct wr_addr *a;

			TRI_WAIT(t, tri_other(t, c) != NULL, TRI_S);
			a = source_of(t, c, &info);
			TRI_EQ(t, wr_addr_is_v4(a), family == 4);
			if (family == 4)
				TRI_CHECK(t, a->b[15] >= 10 && a->b[15] <= 13);
			else
				TRI_CHECK(t, a->b[15] >= 0x10 && a->b[15] <= 0x13);
			seen[a->b[15]]++;
		}
		for (uint32_t i = 0; i < 4; i++)
			TRI_EQ(t, seen[(family == 4 ? 10 : 0x10) + i], 4);
		tri_finish(t);
	}
}

// Without source addresses of its own a pool uses the port's.
static void sources_ports_own(void **state)
{
	for (uint16_t workers = 1; workers <= 2; workers++) {
		struct tri_config cfg = {.sources = "", .workers = workers, .backends = 2};
		struct triple *t = tri_create(&cfg);

		for (int i = 0; i < 10; i++) {
			struct tri_conn *c = tri_connect(
				t, &(struct tri_want){.mode = TRI_ECHO, .up = 10, .hold = true});
			struct wr_tcp_info info;
			const struct wr_addr *a;
			struct wr_addr own;

			TRI_WAIT(t, tri_other(t, c) != NULL, TRI_S);
			a = source_of(t, c, &info);
			wr_addr_parse(wr_addr_is_v4(a) ? "198.18.1.1" : "2001:db8:1::1", &own);
			TRI_CHECK(t, wr_addr_eq(a, &own));
		}
		tri_finish(t);
	}
}

// A backend that no source can reach is skipped.
static void sources_family_missing(void **state)
{
	struct tri_config cfg = {.sources = "\"198.18.1.10\", \"2001:db8:1::10\"", .backends = 2};
	struct triple *t = tri_create(&cfg);
	struct source_pairs *const *sp = wr_fabric_worker(t->f, 0)->proxy->pairs;

	TRI_EQ(t, sp[0]->sources, 2);
	TRI_EQ(t, sp[1]->sources, 2);
	TRI_CHECK(t, sp[0]->usable[0] && !sp[0]->usable[1]); // b0 is IPv4, b1 is IPv6
	TRI_CHECK(t, !sp[1]->usable[0] && sp[1]->usable[1]);
	TRI_CHECK(t, sp[2] == NULL);
	sp[1]->usable[1] = false;
	for (int i = 0; i < 10; i++) {
		struct tri_conn *c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});

		TRI_WAIT(t, tri_complete(t, c), TRI_S);
		TRI_EQ(t, tri_other(t, c)->peer, 1);
	}
	TRI_CHECK(t, tri_backend_counters(t, 1).connect_failed > 0);
	tri_finish(t);
}

static void sources_exhausted(void **state)
{
	struct tri_config cfg = {.sources = "\"198.18.1.10\"", .backends = 1, .family = 4};
	struct triple *t = tri_create(&cfg);
	struct source_pairs *sp = wr_fabric_worker(t->f, 0)->proxy->pairs[0];
	static uint16_t taken[65536];
	struct tri_conn *c;
	uint32_t n = 0;

	while ((taken[n] = wr_ports_get(&sp->ports[0])) != 0)
		n++;
	TRI_EQ(t, n, WR_PORTS_COUNT);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_RESET);
	TRI_EQ(t, tri_ctr(t, WR_CTR_source_ports_exhausted), 1);
	TRI_EQ(t, tri_backend_counters(t, 0).connect_failed, 1);
	tri_run(t, 10 * TRI_MS);
	TRI_EQ(t, t->full[WR_Q_source_ports], 1);
	// At its critical mark new clients are refused at the door.
	t->tick_us = TRI_MS;
	tri_run(t, 200 * TRI_MS);
	TRI_EQ(t, t->critical[WR_Q_source_ports], 1);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	TRI_WAIT(t, c->released, TRI_S);
	TRI_EQ(t, c->end, WR_TCP_END_REFUSED);
	tri_run(t, 200 * TRI_MS);
	TRI_EQ(t, t->full[WR_Q_source_ports], 2);
	TRI_EQ(t, t->last[WR_EV_works_queue_full].reason, WR_DROP_syn_refused);
	while (n > 0)
		wr_ports_put(&sp->ports[0], taken[--n]);
	tri_run(t, 200 * TRI_MS);
	TRI_EQ(t, t->normal[WR_Q_source_ports], 1);
	c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	TRI_WAIT(t, tri_complete(t, c), TRI_S);
	tri_finish(t);
}

// The tuple of a port that we put into TIME-WAIT is not used again at once.
static void sources_skip_time_wait(void **state)
{
	struct tri_config cfg = {.sources = "\"198.18.1.10\"", .backends = 1, .family = 4};
	struct triple *t = tri_create(&cfg);
	struct source_pairs *sp = wr_fabric_worker(t->f, 0)->proxy->pairs[0];
	static uint16_t taken[65536];
	struct tri_conn *c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	struct tri_conn *again;
	uint32_t n = 0;

	TRI_WAIT(t, tri_complete(t, c), TRI_S);
	// Leave only the port that was just used, and two others behind it.
	while ((taken[n] = wr_ports_get(&sp->ports[0])) != 0)
		n++;
	wr_ports_put(&sp->ports[0], taken[n - 1]); // the used one: it came last
	wr_ports_put(&sp->ports[0], taken[0]);
	again = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
	TRI_WAIT(t, tri_complete(t, again), TRI_S);
	TRI_EQ(t, tri_ctr(t, WR_CTR_tcp_timewait_reused), 0);
	for (uint32_t i = 1; i < n - 1; i++)
		wr_ports_put(&sp->ports[0], taken[i]);
	tri_finish(t);
}

static struct wr_endpoint at(const char *text)
{
	struct wr_endpoint e;

	assert_int_equal(wr_endpoint_parse(text, &e), 0);
	return e;
}

static struct wr_conf_source range(const char *first, const char *last)
{
	return (struct wr_conf_source){at(first).addr, at(last).addr};
}

// Whether ports stay with a backend that is configured anew: where its sources are the same.
static void sources_match_the_pool(void **state)
{
	struct tri_config cfg = {.backends = 1, .family = 4};
	struct triple *t = tri_create(&cfg);
	struct wr_proxy *p = wr_fabric_worker(t->f, 0)->proxy;
	struct wr_conf_pool a = {.source_count = 2}, b;
	struct wr_conf_backend bc = {.address = at("198.18.1.20:80")};
	struct source_pairs *sp, *own;

	a.source[0] = range("198.18.1.10:1", "198.18.1.12:1");
	a.source[1] = range("198.18.1.20:1", "198.18.1.20:1");
	TRI_EQ(t, sources_count(&a), 4);
	sp = sources_create(p, &a, &bc);
	TRI_CHECK(t, sp != NULL && sp->sources == 4 && !sp->own && sp->mss > 0);
	TRI_CHECK(t, wr_addr_eq(&sp->source[3], &a.source[1].first));
	TRI_CHECK(t, sources_match(sp, &a));
	b = a;
	b.source[1] = range("198.18.1.21:1", "198.18.1.21:1");
	TRI_CHECK(t, !sources_match(sp, &b));
	b.source_count = 1;
	TRI_CHECK(t, !sources_match(sp, &b));
	b.source_count = 0;
	TRI_EQ(t, sources_count(&b), 1);
	TRI_CHECK(t, !sources_match(sp, &b));
	own = sources_create(p, &b, &bc);
	TRI_CHECK(t, own != NULL && own->sources == 1 && own->own && own->usable[0]);
	TRI_CHECK(t, sources_match(own, &b) && !sources_match(own, &a));
	sources_destroy(own);
	sources_destroy(sp);
	sources_destroy(NULL);
	b.source_count = 1;
	b.source[0] = range("198.18.0.0:1", "198.18.255.255:1");
	TRI_CHECK(t, sources_count(&b) > WR_MAX_SOURCES);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_in_turns),
		cmocka_unit_test(sources_ports_own),
		cmocka_unit_test(sources_family_missing),
		cmocka_unit_test(sources_exhausted),
		cmocka_unit_test(sources_skip_time_wait),
		cmocka_unit_test(sources_match_the_pool),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
