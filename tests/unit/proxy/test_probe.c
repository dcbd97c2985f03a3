/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "triple.h"

// Health checks through the data path.

#define HEALTH "    health: {type: tcp, interval: 1s, rise: 2, fall: 3}\n"

static void probe_up_and_down(void **state)
{
	for (int family = 4; family <= 6; family += 2) {
		struct tri_config cfg = {.pool = HEALTH, .family = family};
		struct triple *t = tri_create(&cfg);
		struct tri_conn *c;

		TRI_EQ(t, tri_probe(t, 0, TRI_S), WR_BACKEND_SAME);
		TRI_CHECK(t, tri_backend(t, 0)->checked);
		// The backend answered; the reset came before its application saw anything.
		TRI_EQ(t, t->peer[1].stats.ctr[WR_CTR_tcp_syn_in], 1);
		TRI_EQ(t, t->peer[1].stats.ctr[WR_CTR_tcp_accepted], 0);
		TRI_EQ(t, t->peer[1].stats.ctr[WR_CTR_tcp_rst_in], 1);
		tri_listen(t, 0, false);
		TRI_EQ(t, tri_probe(t, 0, TRI_S), WR_BACKEND_SAME);
		TRI_EQ(t, tri_backend(t, 0)->last_probe_err, ECONNREFUSED);
		TRI_EQ(t, tri_probe(t, 0, TRI_S), WR_BACKEND_SAME);
		TRI_EQ(t, tri_probe(t, 0, TRI_S), WR_BACKEND_WENT_DOWN);
		TRI_EQ(t, tri_ctr(t, WR_CTR_probes_sent), 4);
		TRI_EQ(t, tri_ctr(t, WR_CTR_probes_failed), 3);
		for (int i = 0; i < 8; i++) {
			c = tri_connect(t, &(struct tri_want){.mode = TRI_ECHO, .up = 10});
			TRI_WAIT(t, tri_complete(t, c), TRI_S);
			TRI_EQ(t, tri_other(t, c)->peer, 2);
		}
		TRI_EQ(t, tri_backend_counters(t, 0).picks, 0);
		tri_listen(t, 0, true);
		TRI_EQ(t, tri_probe(t, 0, TRI_S), WR_BACKEND_SAME);
		TRI_EQ(t, tri_probe(t, 0, TRI_S), WR_BACKEND_WENT_UP);
		tri_finish(t);
	}
}

static void probe_timeout(void **state)
{
	struct tri_config cfg = {.pool = HEALTH};
	struct triple *t = tri_create(&cfg);
	wr_us_t begun = t->now;

	t->peer[1].dead = true;
	TRI_EQ(t, tri_probe(t, 0, 200 * TRI_MS), WR_BACKEND_WENT_DOWN); // the first one
	TRI_EQ(t, tri_backend(t, 0)->last_probe_err, ETIMEDOUT);
	TRI_CHECK(t, t->now - begun >= 200 * TRI_MS && t->now - begun < 210 * TRI_MS);
	tri_finish(t);
}

// With all connections taken a probe still finds one, and the backend stays up.
static void probe_has_reserved_connections(void **state)
{
	struct tri_config cfg = {.pool = HEALTH, .backends = 1, .max_sessions = 16};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_tuple fake = {.lport = 1, .rport = 1};
	struct wr_tcp_connect_opts o = {0};
	wr_handle_t h[512];
	uint32_t n = 0;

	// Leave nothing that is not reserved.
	TRI_EQ(t, wr_addr_parse("198.18.1.1", &fake.local), 0);
	TRI_EQ(t, wr_addr_parse("198.18.1.99", &fake.remote), 0);
	while (wr_tcp_connect(w->tcp, &fake, &o, t->now, &h[n]) == 0) {
		fake.lport++;
		n++;
		TRI_CHECK(t, n < RTE_DIM(h));
	}
	TRI_EQ(t, tri_probe(t, 0, TRI_S), WR_BACKEND_SAME);
	TRI_EQ(t, tri_backend(t, 0)->last_probe_err, 0);
	while (n > 0)
		wr_tcp_abort(w->tcp, h[--n], t->now);
	tri_finish(t);
}

// Many at once: more than there are slots are answered at once, and are no verdict.
static void probe_slots_full(void **state)
{
	struct tri_config cfg = {.pool = HEALTH};
	struct triple *t = tri_create(&cfg);
	struct wr_worker *w = wr_fabric_worker(t->f, 0);
	struct wr_backend *be = tri_backend(t, 0);
	int err = -1;

	t->peer[1].dead = true;
	for (uint32_t i = 0; i < PROBES_MAX; i++)
		wr_proxy_probe(w->proxy, 0, 100 + i, TRI_S, t->now);
	be->probe_asked = 4242;
	wr_proxy_probe(w->proxy, 0, 4242, TRI_S, t->now);
	TRI_EQ(t, wr_backends_probe_take(t->backends, 0, t->now, &err), WR_BACKEND_SAME);
	TRI_EQ(t, err, ENOBUFS);
	TRI_EQ(t, be->health, WR_HEALTH_UP);
	wr_proxy_probe(w->proxy, 999, 1, TRI_S, t->now); // no such backend: nothing happens
	tri_run(t, 2 * TRI_S);
	TRI_EQ(t, tri_ctr(t, WR_CTR_probes_failed), PROBES_MAX);
	tri_finish(t);
}

// Out of source ports is our own trouble; no source at all for a backend is its.
static void probe_without_source(void **state)
{
	struct tri_config cfg = {.pool = HEALTH, .family = 4, .sources = "\"198.18.1.10\""};
	struct triple *t = tri_create(&cfg);
	struct source_pairs *sp = &wr_fabric_worker(t->f, 0)->proxy->pairs[0];
	static uint16_t taken[65536];
	uint32_t n = 0;

	while ((taken[n] = wr_ports_get(&sp->ports[0])) != 0)
		n++;
	TRI_EQ(t, tri_probe(t, 0, TRI_S), WR_BACKEND_SAME);
	TRI_EQ(t, tri_backend(t, 0)->last_probe_err, EADDRNOTAVAIL);
	TRI_EQ(t, tri_backend(t, 0)->health, WR_HEALTH_UP);
	while (n > 0)
		wr_ports_put(&sp->ports[0], taken[--n]);
	sp->usable[0] = false;
	TRI_EQ(t, tri_probe(t, 0, TRI_S), WR_BACKEND_WENT_DOWN);
	TRI_EQ(t, tri_backend(t, 0)->last_probe_err, ENETUNREACH);
	sp->usable[0] = true;
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(probe_up_and_down),
		cmocka_unit_test(probe_timeout),
		cmocka_unit_test(probe_has_reserved_connections),
		cmocka_unit_test(probe_slots_full),
		cmocka_unit_test(probe_without_source),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
