/* SPDX-License-Identifier: BSD-3-Clause */

// Active checks through the data path, on reserved connections that pressure never sheds. A verdict
// is told at once; an answer's connection may linger for a moment then, so that the backend closes
// it in its own way, without a reset in its log or TIME-WAIT here.

#include "proxy_priv.h"

#include <errno.h>
#include <stdlib.h>

#include "check_agent.h"
#include "check_answer.h"
#include "check_http.h"

#define PORT_TRIES 8
#define HASH_TRIES 512 // random ports towards another port: one in `workers` comes home
#define LINGER_US  (250 * WR_US_PER_MS)
#define READ_STEP  (16u << 10)
#define RECV_BUF   (16u << 10) // so much is a check's share of the memory credit

enum check_state {
	CHECK_FREE,
	CHECK_RUNS,
	CHECK_LINGERS, // judged; until the backend's FIN
};

struct check {
	struct wr_wheel_node timer;
	wr_handle_t conn;
	uint32_t asked;
	uint32_t next_free; // as p->check_free
	uint32_t read;
	wr_us_t begun_us, timeout_us;
	uint16_t backend, port;
	uint8_t kind, slot;
	uint8_t state; // enum check_state
	uint8_t stage; // enum check_stage
	union {        // by kind
		struct check_http http;
		struct check_agent agent;
	};
};

// --- slots ------------------------------------------------------------------------------------

int checks_create(struct wr_proxy *p)
{
	p->check_count = p->cfg.max_probes;
	p->checks = calloc(p->check_count, sizeof(*p->checks));
	if (p->checks == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < p->check_count; i++) {
		p->checks[i].timer.owner = i;
		p->checks[i].timer.kind = TIMER_CHECK;
		p->checks[i].next_free = i + 1 < p->check_count ? i + 2 : 0;
	}
	p->check_free = p->check_count > 0;
	return 0;
}

void checks_destroy(struct wr_proxy *p)
{
	free(p->checks);
}

// Its connection is over already or given up.
static void check_put(struct wr_proxy *p, struct check *k)
{
	wr_wheel_cancel(&p->wheel, &k->timer);
	k->conn = WR_HANDLE_NONE;
	k->state = CHECK_FREE;
	k->next_free = p->check_free;
	p->check_free = (uint32_t)(k - p->checks) + 1;
	p->checks_busy--;
}

static void check_abort(struct wr_proxy *p, struct check *k, wr_us_t now)
{
	if (k->conn != WR_HANDLE_NONE)
		wr_tcp_abort(p->tcp, k->conn, now);
	check_put(p, k);
}

// One that lingers makes room when all are taken.
static struct check *check_get(struct wr_proxy *p, wr_us_t now)
{
	struct check *k;

	for (uint32_t i = 0; p->check_free == 0 && i < p->check_count; i++)
		if (p->checks[i].state == CHECK_LINGERS)
			check_abort(p, &p->checks[i], now);
	if (p->check_free == 0)
		return NULL;
	k = &p->checks[p->check_free - 1];
	p->check_free = k->next_free;
	p->checks_busy++;
	return k;
}

// --- the verdict --------------------------------------------------------------------------------

static void check_tell(struct wr_proxy *p, struct check *k, struct wr_check_answer *a, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, k->backend);

	a->took_us = (uint32_t)(now - k->begun_us);
	if (a->err != 0 && k->slot == WR_CHECK_SLOT_HEALTH)
		wr_stats_add(p->stats, WR_CTR_probes_failed, 1);
	if (be != NULL) // else removed since
		wr_backend_check_answer(be, k->slot, k->asked, a);
}

// Nobody was heard: the connection could not be made, ended, or time is over.
static void check_fail(struct wr_proxy *p, struct check *k, struct wr_check_answer *a, wr_us_t now)
{
	if (k->kind == WR_CHECK_AGENT)
		check_answer_no_verdict(a);
	check_tell(p, k, a, now);
	check_abort(p, k, now);
}

static void check_unable(struct wr_proxy *p, struct check *k, int err, wr_us_t now)
{
	struct wr_check_answer a = {0};

	check_answer_unable(&a, err);
	check_fail(p, k, &a, now);
}

static void check_judged(struct wr_proxy *p, struct check *k, wr_us_t now)
{
	struct wr_check_answer *a = k->kind == WR_CHECK_AGENT ? &k->agent.answer : &k->http.answer;

	check_tell(p, k, a, now);
	if (a->err == EMSGSIZE) { // it would go on for ever
		check_abort(p, k, now);
		return;
	}
	k->state = CHECK_LINGERS;
	wr_wheel_arm(&p->wheel, &k->timer, now + LINGER_US);
}

// Whether its SYN has left. As long as it has not, nobody was asked.
static bool check_left(struct wr_proxy *p, const struct check *k)
{
	struct wr_tcp_info info;

	return k->stage != CHECK_CONNECTING || !wr_tcp_info(p->tcp, k->conn, &info) ||
	       info.snd_nxt != info.iss;
}

// --- the question -------------------------------------------------------------------------------

// A tuple whose answers come to this worker. Its port is not held: nobody else takes it while the
// connection lasts, since a tuple that is in use is passed over.
static bool check_tuple(
	struct wr_proxy *p, const struct check *k, const struct wr_backend *be, struct wr_tuple *t)
{
	const struct wr_rss *rss;
	uint32_t source;
	uint16_t out, mtu;

	if (!sources_get(p, be, t, &source))
		return false;
	sources_put(p, be, source, t->lport);
	if (k->port == t->rport)
		return true;
	// Another port of the backend's is another hash.
	t->rport = k->port;
	if (!wr_l3_path(p->cfg.l3, &t->remote, &out, &mtu))
		return false;
	rss = p->cfg.port_rss[out];
	for (uint32_t i = 0; i < HASH_TRIES; i++) {
		if (rss == NULL || wr_rss_worker(rss, wr_rss_hash(rss, t)) == p->cfg.worker)
			return true;
		t->lport = (uint16_t)(WR_PORTS_FIRST + wr_rng_below(&p->rng, WR_PORTS_COUNT));
	}
	return false;
}

static int check_connect(
	struct wr_proxy *p, struct check *k, const struct wr_backend *be, wr_us_t now)
{
	struct wr_tcp_connect_opts opts = {.flags = WR_TCP_CONNECT_F_RESERVED,
		.user = USER_CHECK | (uint32_t)(k - p->checks),
		.opts = WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK | WR_TCPOPT_TS,
		.mss = sources_mss(p, be),
		.rcv_buf_bytes = RECV_BUF};
	struct wr_tuple t;
	int rc = -EADDRNOTAVAIL;

	if (!sources_reach(p, be))
		return -ENETUNREACH;
	for (uint32_t i = 0; i < PORT_TRIES; i++) {
		if (!check_tuple(p, k, be, &t))
			return -EADDRNOTAVAIL;
		rc = wr_tcp_connect(p->tcp, &t, &opts, now, &k->conn);
		if (rc != -EADDRINUSE)
			break;
	}
	if (rc < 0)
		k->conn = WR_HANDLE_NONE;
	return rc;
}

static uint16_t check_port(
	const struct wr_conf_pool *pc, const struct wr_backend *be, const struct wr_check *c)
{
	if (c->kind == WR_CHECK_AGENT)
		return pc->agent_port;
	return c->slot == WR_CHECK_SLOT_HEALTH && pc->health_port != 0 ? pc->health_port
	                                                               : be->addr.port;
}

void wr_proxy_check(struct wr_proxy *p, const struct wr_check *c, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, c->backend);
	const struct wr_conf_pool *pc;
	struct check *k;
	int rc;

	if (be == NULL)
		return;
	pc = &p->conf->pools[be->pool];
	k = check_get(p, now);
	if (k == NULL) {
		struct wr_check_answer a = {0};

		check_answer_unable(&a, ENOBUFS);
		wr_backend_check_answer(be, c->slot, c->asked, &a);
		return;
	}
	k->conn = WR_HANDLE_NONE;
	k->asked = c->asked;
	k->read = 0;
	k->begun_us = now;
	k->timeout_us = c->timeout_us;
	k->backend = c->backend;
	k->port = check_port(pc, be, c);
	k->kind = c->kind;
	k->slot = c->slot;
	k->state = CHECK_RUNS;
	k->stage = CHECK_CONNECTING;
	if (k->kind == WR_CHECK_AGENT) {
		check_agent_init(&k->agent);
		wr_stats_add(p->stats, WR_CTR_checks_agent, 1);
	} else if (k->kind == WR_CHECK_HTTP) {
		check_http_init(&k->http, &pc->http);
		wr_stats_add(p->stats, WR_CTR_checks_http, 1);
	}
	if (k->slot == WR_CHECK_SLOT_HEALTH)
		wr_stats_add(p->stats, WR_CTR_probes_sent, 1);
	// Port 0: a new configuration has no agent any more.
	rc = k->port != 0 ? check_connect(p, k, be, now) : -EADDRNOTAVAIL;
	if (rc < 0)
		check_unable(p, k, -rc, now);
	else
		wr_wheel_arm(&p->wheel, &k->timer, now + k->timeout_us);
}

// --- events -------------------------------------------------------------------------------------

// Bytes of our own behind those in *q. False: no buffer.
static bool add_bytes(struct wr_proxy *p, struct wr_mq *q, const char *data, uint32_t len)
{
	while (len > 0) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(p->cfg.small);
		uint32_t n;

		if (m == NULL)
			return false;
		n = RTE_MIN(len, (uint32_t)rte_pktmbuf_tailroom(m));
		memcpy(rte_pktmbuf_append(m, (uint16_t)n), data, n);
		wr_mq_append(q, m);
		data += n;
		len -= n;
	}
	return true;
}

// A PROXY header without a client: haproxy.org/download/2.9/doc/proxy-protocol.txt 2.1 UNKNOWN,
// 2.2 LOCAL, as a balancer's own checks have it.
static bool add_header(struct wr_proxy *p, struct wr_mq *q, enum wr_conf_send_proxy version)
{
	static const char v1[] = "PROXY UNKNOWN\r\n";
	static const char v2[] = "\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

	if (version == WR_CONF_SEND_PROXY_NO)
		return true;
	wr_stats_add(p->stats, WR_CTR_proxy_headers_out, 1);
	return version == WR_CONF_SEND_PROXY_V1 ? add_bytes(p, q, v1, sizeof(v1) - 1)
	                                        : add_bytes(p, q, v2, sizeof(v2) - 1);
}

static void http_ask(struct wr_proxy *p, struct check *k, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, k->backend);
	char request[CHECK_HTTP_REQUEST_MAX];
	const struct wr_conf_pool *pc;
	struct wr_endpoint at;
	struct wr_mq q = {0};

	if (be == NULL) { // removed since
		check_abort(p, k, now);
		return;
	}
	pc = &p->conf->pools[be->pool];
	at = (struct wr_endpoint){be->addr.addr, k->port};
	if (add_header(p, &q, pc->send_proxy) &&
		add_bytes(p, &q, request, check_http_request(&pc->http, &at, request))) {
		wr_stats_add(p->stats, WR_CTR_pay_made_bytes, q.bytes);
		wr_tcp_write(p->tcp, k->conn, &q, now);
		return;
	}
	wr_tcp_free_mq(p->tcp, &q, WR_DROP_NONE);
	check_unable(p, k, ENOBUFS, now);
}

static void check_connected(struct wr_proxy *p, struct check *k, wr_us_t now)
{
	k->stage = CHECK_ASKED;
	if (k->kind == WR_CHECK_HTTP) {
		http_ask(p, k, now);
	} else if (k->kind == WR_CHECK_TCP) {
		// The reset takes the place of the handshake's last ACK: the backend's application
		// never sees it.
		struct wr_check_answer a = {0};

		check_answer_set(&a, 0, "connected");
		check_tell(p, k, &a, now);
		check_abort(p, k, now);
	}
}

// True: judged now.
static bool check_feed(struct check *k, const struct wr_mq *q)
{
	struct rte_mbuf *m;
	bool judged = false;

	k->stage = CHECK_READING;
	wr_mq_foreach (m, q) {
		const uint8_t *data = rte_pktmbuf_mtod(m, const uint8_t *);

		if (k->kind == WR_CHECK_AGENT)
			judged = check_agent_feed(&k->agent, data, m->data_len);
		else
			judged = check_http_feed(&k->http, data, m->data_len);
		if (judged)
			break;
	}
	return judged;
}

static void check_eof(struct wr_proxy *p, struct check *k, wr_us_t now)
{
	if (k->state == CHECK_RUNS) {
		if (k->kind == WR_CHECK_AGENT)
			check_agent_end(&k->agent);
		else
			check_http_end(&k->http);
		check_judged(p, k, now);
	}
	if (k->state == CHECK_LINGERS) {
		// The backend's FIN came first: what is left is its LAST-ACK, no TIME-WAIT of ours.
		wr_tcp_release(p->tcp, k->conn, now);
		check_put(p, k);
	}
}

static void check_read(struct wr_proxy *p, struct check *k, wr_us_t now)
{
	while (k->state != CHECK_FREE) {
		struct wr_mq q = {0};
		uint32_t n = wr_tcp_read(p->tcp, k->conn, &q, READ_STEP, now);
		bool judged;

		if (n == 0)
			break;
		k->read += n;
		judged = k->state == CHECK_RUNS && check_feed(k, &q);
		wr_stats_add(p->stats, WR_CTR_pay_taken_bytes, q.bytes);
		wr_tcp_free_mq(p->tcp, &q, WR_DROP_NONE);
		if (judged)
			check_judged(p, k, now);
		if (k->state == CHECK_LINGERS && k->read > CHECK_HTTP_READ_MAX)
			check_abort(p, k, now);
	}
	if (k->state != CHECK_FREE && wr_tcp_eof(p->tcp, k->conn))
		check_eof(p, k, now);
}

void check_event(struct wr_proxy *p, uint32_t index, wr_handle_t conn, uint32_t events, wr_us_t now)
{
	struct check *k = &p->checks[index];

	if (index >= p->check_count || k->state == CHECK_FREE || k->conn != conn)
		return;
	if ((events & WR_TCP_EV_CONNECTED) && k->stage == CHECK_CONNECTING)
		check_connected(p, k, now);
	if (k->state != CHECK_FREE && k->stage != CHECK_CONNECTING)
		check_read(p, k, now);
	if (k->state == CHECK_FREE || !(events & WR_TCP_EV_CLOSED))
		return;
	if (k->state == CHECK_RUNS) {
		enum wr_tcp_end end = wr_tcp_end(p->tcp, conn);
		struct wr_check_answer a = {0};

		if (end == WR_TCP_END_TIMEOUT && !check_left(p, k))
			check_answer_unable(&a, ENOBUFS);
		else
			check_answer_ended(&a, end, k->stage);
		check_fail(p, k, &a, now);
	} else {
		check_abort(p, k, now);
	}
}

void check_timer(struct wr_proxy *p, uint32_t index, wr_us_t now)
{
	struct check *k = &p->checks[index];

	if (k->state == CHECK_RUNS) {
		struct wr_check_answer a = {0};

		if (check_left(p, k))
			check_answer_late(&a, k->stage, k->timeout_us);
		else
			check_answer_unable(&a, ENOBUFS);
		check_fail(p, k, &a, now);
	} else if (k->state == CHECK_LINGERS) {
		check_abort(p, k, now);
	}
}
