/* SPDX-License-Identifier: BSD-3-Clause */

// The PROXY protocol (haproxy.org/download/2.9/doc/proxy-protocol.txt): who the client is, told by
// the balancer in front of us before anything else, and told by us to backends.

#include "proxy_priv.h"

#include "wr_proxy_header.h"

#include <errno.h>

bool header_expected(const struct wr_conf_service *sv, const struct wr_addr *from)
{
	for (uint32_t i = 0; i < sv->proxied_count; i++)
		if (wr_prefix_contains(&sv->proxied[i], from))
			return true;
	return false;
}

// Buffers that go nowhere: written to nobody, they are counted as bytes that their connection's end
// cost.
static void drop(struct wr_proxy *p, struct wr_mq *q, wr_us_t now)
{
	if (q->count > 0)
		wr_tcp_write(p->tcp, WR_HANDLE_NONE, q, now);
}

void header_drop(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct session_note *n = note_of(p, s);
	struct wr_mq q = {0};

	if (s->state == WR_SESSION_HEADER) {
		drop(p, &s->header.got, now);
	} else if (!session_is_moving(s) && n->rest != NULL) {
		wr_mq_append(&q, n->rest);
		n->rest = NULL;
		if (q.bytes > 0)
			drop(p, &q, now);
		else
			wr_tcp_free_mq(p->tcp, &q, WR_DROP_NONE);
	}
}

void header_refuse(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_tcp_info client;

	wr_stats_add(p->stats, WR_CTR_proxy_headers_bad, 1);
	p->services[s->service].refused++;
	p->bad_header.count++;
	p->bad_header.scope = s->service;
	if (wr_tcp_info(p->tcp, s->client, &client))
		p->bad_header.a = (struct wr_endpoint){client.tuple.remote, client.tuple.rport};
	proxy_tell(p, &p->bad_header, WR_EV_proxy_header_bad, now);
	session_abort(p, s, WR_RECORD_PROXY, now);
}

// The header's bytes go; what came behind it waits for the backend, in the buffer that the header
// ended in. Where the client wanted to go, the next one behind us may want to know: it lies in that
// buffer's headroom, where the frame's headers were.
static void split(
	struct wr_proxy *p, struct session *s, uint32_t len, const struct wr_proxy_header *h)
{
	struct session_note *n = note_of(p, s);
	struct wr_mq *got = &s->header.got;
	struct wr_mq gone = {0};
	struct rte_mbuf *last;

	wr_stats_add(p->stats, WR_CTR_pay_taken_bytes, len);
	while (got->count > 1) {
		len -= got->head->data_len;
		wr_mq_append(&gone, wr_mq_pop(got));
	}
	last = wr_mq_pop(got);
	rte_pktmbuf_adj(last, (uint16_t)len);
	n->told = !h->local && rte_pktmbuf_headroom(last) >= sizeof(h->local_to);
	if (n->told)
		memcpy(last->buf_addr, &h->local_to, sizeof(h->local_to));
	n->rest = last;
	if (last->data_len == 0 && !n->told) {
		wr_mq_append(&gone, last);
		n->rest = NULL;
	}
	wr_tcp_free_mq(p->tcp, &gone, WR_DROP_NONE);
}

static void known(struct wr_proxy *p, struct session *s, const struct wr_proxy_header *h,
	uint32_t len, wr_us_t now)
{
	struct session_note *n = note_of(p, s);

	split(p, s, len, h);
	n->header_bytes = (uint16_t)len;
	if (!h->local) {
		n->client = h->client.addr;
		n->client_port = h->client.port;
		s->proxied = true;
	}
	wr_stats_add(p->stats, WR_CTR_proxy_headers_in, 1);
	session_known(p, s, now);
}

static uint32_t copy(uint8_t to[WR_PROXY_HEADER_MAX], uint32_t at, const struct rte_mbuf *m)
{
	uint32_t n = RTE_MIN((uint32_t)m->data_len, WR_PROXY_HEADER_MAX - at);

	memcpy(to + at, rte_pktmbuf_mtod(m, const void *), n);
	return at + n;
}

void header_take(struct wr_proxy *p, struct session *s, wr_us_t now)
{
	struct wr_mq *got = &s->header.got;
	uint8_t flat[WR_PROXY_HEADER_MAX]; // the parser wants its bytes in one piece
	struct wr_proxy_header h;
	struct rte_mbuf *m;
	uint32_t len = 0;
	int rc = 0;

	wr_mq_foreach (m, got)
		len = copy(flat, len, m);
	// One buffer at a time, so that what lies behind the header lies in the last one.
	while (rc == 0 && wr_tcp_read(p->tcp, s->client, got, 1, now) > 0) {
		len = copy(flat, len, got->tail);
		rc = wr_proxy_header_parse(flat, len, &h);
		if (rc == 0 && len == WR_PROXY_HEADER_MAX)
			rc = -EMSGSIZE;
	}
	if (rc > 0)
		known(p, s, &h, (uint32_t)rc, now);
	else if (rc < 0 || wr_tcp_eof(p->tcp, s->client))
		header_refuse(p, s, now);
}

// Where the client wanted to go: as it was told to us, or where it came to.
static struct wr_endpoint destination(
	const struct wr_proxy *p, const struct session *s, const struct rte_mbuf *rest)
{
	struct wr_endpoint to = {0};
	struct wr_tcp_info client;

	if (note_of(p, s)->told && rest != NULL)
		memcpy(&to, rest->buf_addr, sizeof(to));
	else if (wr_tcp_info(p->tcp, s->client, &client))
		to = (struct wr_endpoint){client.tuple.local, client.tuple.lport};
	return to;
}

static bool send_own(struct wr_proxy *p, struct session *s, uint8_t version,
	const struct rte_mbuf *rest, wr_us_t now)
{
	const struct session_note *n = note_of(p, s);
	struct wr_endpoint client = {n->client, n->client_port}, local = destination(p, s, rest);
	struct rte_mbuf *m = rte_pktmbuf_alloc(p->cfg.small);
	struct wr_mq q = {0};
	uint32_t len;

	if (m == NULL) {
		wr_stats_drop(p->stats, WR_DROP_no_mbuf, 1);
		return false;
	}
	len = wr_proxy_header_build(version, &client, &local, rte_pktmbuf_mtod(m, uint8_t *));
	rte_pktmbuf_append(m, (uint16_t)len);
	wr_mq_append(&q, m);
	wr_stats_add(p->stats, WR_CTR_pay_made_bytes, len);
	wr_tcp_write(p->tcp, s->server, &q, now);
	wr_stats_add(p->stats, WR_CTR_proxy_headers_out, 1);
	return true;
}

static void send_rest(struct wr_proxy *p, struct session *s, struct wr_mq *q, wr_us_t now)
{
	struct wr_backend *be = wr_backends_get(p->cfg.backends, s->backend);
	uint32_t bytes = q->bytes;

	wr_tcp_write(p->tcp, s->server, q, now);
	p->services[s->service].bytes_in += bytes;
	wr_backend_counters(be, p->cfg.worker)->bytes_out += bytes;
	note_request(p, s, now);
	if (p->runs[s->service].bytes)
		admit_bytes(p, s, bytes, now);
}

bool header_send(struct wr_proxy *p, struct session *s, struct rte_mbuf *rest, wr_us_t now)
{
	const struct wr_backend *be = wr_backends_get(p->cfg.backends, s->backend);
	enum wr_conf_send_proxy how = p->conf->pools[be->pool].send_proxy;
	struct wr_mq q = {0};
	bool sent;

	if (rest != NULL)
		wr_mq_append(&q, rest);
	sent = how == WR_CONF_SEND_PROXY_NO ||
	       send_own(p, s, how == WR_CONF_SEND_PROXY_V1 ? 1 : 2, rest, now);
	if (q.bytes == 0) // kept for the destination alone
		wr_tcp_free_mq(p->tcp, &q, WR_DROP_NONE);
	else if (sent)
		send_rest(p, s, &q, now);
	else
		drop(p, &q, now);
	return sent;
}
