/* SPDX-License-Identifier: BSD-3-Clause */
#include "server_priv.h"

#include <string.h>

#include <rte_branch_prediction.h>
#include <rte_common.h>

#include "dist.h"

// Pieces of an answer nobody gave a length for: exponential of mean `tokens`, at least 1.
static uint32_t draw_pieces(struct server *v)
{
	uint64_t max = SERVER_MAX_ANSWER / v->conf->token_bytes;
	uint64_t n = (dist_exponential_ns((uint64_t)v->conf->tokens * 1000, &v->rng) + 500) / 1000;

	return (uint32_t)RTE_MIN(RTE_MAX(n, 1u), RTE_MAX(max, 1u));
}

static void size_up(struct server *v, struct server_conn *s)
{
	const struct gen_backend *conf = v->conf;
	struct server_answer *a = &s->answer;
	// The length of a raw message counts its header.
	uint32_t head = conf->protocol == GEN_PROTOCOL_RAW ? MESSAGE_HEADER : 0;
	bool asked = s->request.flags & REQUEST_ASKED;

	if (conf->tokens > 0 && !asked) {
		a->pieces = draw_pieces(v);
		a->body = a->pieces * conf->token_bytes;
	} else {
		a->body = asked ? s->request.asked : conf->answer_bytes;
		a->body = a->body > head ? a->body - head : 0;
		if (conf->tokens > 0 && a->body > 0)
			a->pieces = (a->body - 1) / conf->token_bytes + 1;
	}
	// Without gaps there is nothing to wait for between pieces, of which there may be many.
	if (conf->token_gap.mean_us == 0)
		a->pieces = 1;
}

void answer_begin(struct server *v, struct server_conn *s, enum server_status status,
	const struct gen_now *now)
{
	struct server_answer *a = &s->answer;

	*a = (struct server_answer){.base = s->sent, .pieces = 1, .status = status};
	if (status == SERVER_OK)
		size_up(v, s);
	if (v->conf->close || status == SERVER_BAD_REQUEST || (s->request.flags & REQUEST_LAST))
		a->flags |= ANSWER_CLOSE;
	if (s->request.flags & REQUEST_HEAD)
		a->pieces = 1;
	v->protocol->layout(v, s);
	if (unlikely(fault_strikes(
		    &v->faults, GEN_FAULT_GARBAGE, ep_tuple(s->conn), now->us, NULL))) {
		a->flags |= ANSWER_GARBAGE;
		v->stats.faults_struck++;
	}
}

bool answer_give(struct server *v, struct server_conn *s)
{
	struct server_answer *a = &s->answer;
	bool last = ++a->piece >= a->pieces;
	uint32_t end = last ? a->wire : v->protocol->piece_end(v, s, a->piece);
	uint32_t n = end - a->given;

	a->given = end;
	s->sent += n;
	v->stats.bytes_out += n;
	if (n > 0)
		ep_send(s->conn, n);
	if (!last)
		return false;
	s->state = SERVER_SENT;
	if ((a->flags & ANSWER_CLOSE) || (s->fin && s->ahead_count == 0))
		answer_end(v, s);
	return true;
}

void answer_end(struct server *v, struct server_conn *s)
{
	s->state = SERVER_OVER;
	// What the peer still sends is taken, so that its FIN can come.
	server_hold(s, false);
	ep_fin(s->conn);
}

// Random bytes that follow from the place, as bytes lost on the way are asked for again.
static void garbage_fill(const struct server_conn *s, uint8_t *to, uint32_t offset, uint32_t len)
{
	uint64_t x;

	for (uint32_t i = 0; i < len; i++, offset++) {
		x = ((uint64_t)s->request.id << 32 | offset) + 0x9e3779b97f4a7c15ULL;
		x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
		x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
		to[i] = (uint8_t)(x >> 56);
	}
}

void answer_fill(const struct server *v, const struct server_conn *s, uint8_t *to, uint32_t offset,
	uint32_t len)
{
	offset -= s->answer.base;
	if (unlikely(s->answer.flags & ANSWER_GARBAGE))
		garbage_fill(s, to, offset, len);
	else
		v->protocol->fill(v, s, to, offset, len);
}
