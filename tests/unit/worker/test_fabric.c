/* SPDX-License-Identifier: BSD-3-Clause */
#include "worker_test.h"

// What workers share, and who owns which queue.

static void fabric_accessors(void **state)
{
	struct tri_config cfg = {.workers = 2};
	struct triple *t = tri_create(&cfg);

	assert_int_equal(wr_fabric_workers(t->f), 2);
	assert_null(wr_fabric_worker(t->f, 2));
	assert_ptr_equal(wr_fabric_port(t->f, 1), t->port[1]);
	assert_null(wr_fabric_port(t->f, 2));
	assert_ptr_equal(wr_fabric_conf(t->f), t->conf);
	assert_ptr_equal(wr_fabric_backends(t->f), t->backends);
	assert_ptr_equal(wr_fabric_pools(t->f, 1), t->pools);
	assert_non_null(wr_fabric_l3(t->f));
	tri_finish(t);
}

// Every receive and transmit queue has exactly one owner, whatever the counts.
static void fabric_queue_owners(void **state)
{
	for (uint16_t workers = 1; workers <= 4; workers *= 2) {
		for (uint16_t queues = 1; queues <= workers; queues++) {
			struct tri_config cfg = {.workers = workers, .queues = queues};
			struct triple *t = tri_create(&cfg);

			for (uint16_t p = 0; p < 2; p++) {
				uint32_t rx[8] = {0}, tx = 0;

				for (uint16_t i = 0; i < workers; i++) {
					const struct wport *wp =
						&wr_fabric_worker(t->f, i)->port[p];

					if (wp->reads)
						rx[wp->rxq]++;
					tx += wp->owns_tx;
					assert_true(wp->owns_tx ? wp->backlog != NULL
								: wp->to_owner != NULL);
				}
				for (uint16_t q = 0; q < queues; q++)
					assert_int_equal(rx[q], 1);
				assert_int_equal(tx, queues >= workers ? workers : 1);
			}
			tri_finish(t);
		}
	}
}

// Four workers on one queue a port, both families.
static void fabric_four_workers(void **state)
{
	struct tri_config cfg = {.workers = 4, .backends = 4};
	struct triple *t = tri_create(&cfg);
	struct tri_conn *c[32];

	for (int i = 0; i < 32; i++)
		c[i] = tri_connect(t,
			&(struct tri_want){.mode = TRI_ECHO, .up = 8000, .family = i % 2 ? 4 : 6});
	for (int i = 0; i < 32; i++)
		TRI_WAIT(t, tri_complete(t, c[i]), 30 * TRI_S);
	tri_finish(t);
}

static void fabric_refuses_bad_configuration(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);
	struct wr_fabric_config fc = {.conf = t->conf,
		.ports = {t->port[0], t->port[1]},
		.pools = {t->pools},
		.backends = t->backends,
		.workers = 1};
	struct wr_endpoint listen = t->conf->services[0].listen[1];
	struct wr_err err = {0};

	// The same listener twice: the configuration's check is not the only one.
	t->conf->services[0].listen[1] = t->conf->services[0].listen[0];
	assert_null(wr_fabric_create(&fc, t->now, &err));
	assert_non_null(strstr(err.text, "cannot listen on 198.18.0.100:80"));
	t->conf->services[0].listen[1] = listen;
	// More source addresses than are possible.
	err.text[0] = '\0';
	{
		struct wr_addr last = t->conf->pools[0].source[1].last;

		assert_int_equal(
			wr_addr_parse("2001:db8:1::9:0", &t->conf->pools[0].source[1].last), 0);
		assert_null(wr_fabric_create(&fc, t->now, &err));
		if (strstr(err.text, "source addresses") == NULL)
			fail_msg("%s", err.text);
		t->conf->pools[0].source[1].last = last;
	}
	tri_finish(t); // and nothing of the failures is left
}

static void fabric_mbuf_ledger(void **state)
{
	struct tri_config cfg = {0};
	struct triple *t = tri_create(&cfg);
	struct wr_ledger_row row;
	struct rte_mbuf *m;

	tri_connect(t, &(struct tri_want){.mode = TRI_BULK, .flags = TRI_F_DEAF, .up = 1000000});
	tri_run(t, 5 * TRI_S);
	wr_fabric_mbuf_ledger(t->f, &row);
	assert_true(row.held > 50);
	assert_int_equal(row.in, row.held);
	assert_int_equal(row.residual, 0);
	m = rte_pktmbuf_alloc(t->pools->rx);
	wr_fabric_mbuf_ledger(t->f, &row);
	assert_int_equal(row.residual, 1); // a buffer that nobody accounts for
	rte_pktmbuf_free(m);
	tri_finish(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fabric_accessors),
		cmocka_unit_test(fabric_queue_owners),
		cmocka_unit_test(fabric_four_workers),
		cmocka_unit_test(fabric_refuses_bad_configuration),
		cmocka_unit_test(fabric_mbuf_ledger),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
