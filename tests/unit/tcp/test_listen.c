/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <errno.h>

#include "peer.h"

static struct wr_endpoint endpoint(const char *text)
{
	struct wr_endpoint e;

	assert_int_equal(wr_endpoint_parse(text, &e), 0);
	return e;
}

static void listen_add_and_remove(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_endpoint a = endpoint("198.18.0.9:80"), b = endpoint("[2001:db8::9]:80");
	struct wr_endpoint c = endpoint("198.18.0.9:81");
	struct wr_tcp_listen_opts o = {.user = 1};

	assert_int_equal(wr_tcp_listen(r->s, &a, &o), 0);
	assert_int_equal(wr_tcp_listen(r->s, &b, &o), 0);
	assert_int_equal(wr_tcp_listen(r->s, &a, &o), -EADDRINUSE);
	assert_non_null(wr_tcp_listener_lookup(r->s, &a.addr, 80));
	assert_null(wr_tcp_listener_lookup(r->s, &c.addr, 81));
	assert_int_equal(wr_tcp_unlisten(r->s, &c), -ENOENT);
	assert_int_equal(wr_tcp_unlisten(r->s, &a), 0);
	assert_int_equal(wr_tcp_unlisten(r->s, &a), -ENOENT);
	assert_null(wr_tcp_listener_lookup(r->s, &a.addr, 80));
	assert_int_equal(wr_tcp_listen(r->s, &a, &o), 0);
	assert_int_equal(wr_tcp_set_admit(r->s, &c, WR_TCP_ADMIT), -ENOENT);
	peer_stop(r);
}

static void listen_refuses_impossible(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_endpoint a = endpoint("224.0.0.1:80"), b = endpoint("0.0.0.0:80");
	struct wr_endpoint c = endpoint("198.18.0.9:80");
	struct wr_tcp_listen_opts o = {.user = 1};

	c.port = 0;
	assert_int_equal(wr_tcp_listen(r->s, &a, &o), -EINVAL);
	assert_int_equal(wr_tcp_listen(r->s, &b, &o), -EINVAL);
	assert_int_equal(wr_tcp_listen(r->s, &c, &o), -EINVAL);
	peer_stop(r);
}

static void listen_limit(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_endpoint e = endpoint("198.18.0.9:80");
	struct wr_tcp_listen_opts o = {.user = 1};
	uint32_t n = 1; // the peer's own

	for (e.port = 1000; wr_tcp_listen(r->s, &e, &o) == 0; e.port++)
		n++;
	assert_int_equal(n, WR_MAX_LISTENERS);
	assert_int_equal(wr_tcp_listen(r->s, &e, &o), -ENOMEM);
	e.port = 1500;
	assert_int_equal(wr_tcp_unlisten(r->s, &e), 0);
	e.port = 500;
	assert_int_equal(wr_tcp_listen(r->s, &e, &o), 0);
	for (e.port = 1000; e.port < 1400; e.port++)
		assert_non_null(wr_tcp_listener_lookup(r->s, &e.addr, e.port));
	peer_stop(r);
}

static void listen_connections_outlive_it(void **state)
{
	struct peer *r = peer_start(&peer_variants[0], NULL);
	struct wr_endpoint e = pair_server(&r->p);

	peer_open(r);
	assert_int_equal(wr_tcp_unlisten(r->s, &e), 0);
	peer_seg(r, WR_TCP_ACK, 1, 1, 10);
	assert_int_equal(peer_read(r, 1), 10);
	peer_stop(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(listen_add_and_remove),
		cmocka_unit_test(listen_refuses_impossible),
		cmocka_unit_test(listen_limit),
		cmocka_unit_test(listen_connections_outlive_it),
	};

	wr_test_eal_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
