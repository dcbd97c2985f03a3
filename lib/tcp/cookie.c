/* SPDX-License-Identifier: BSD-3-Clause */
#include "cookie.h"

#include <assert.h>
#include <string.h>

#include "wr_hash.h"
#include "wr_pkt.h"

#define MSS_COUNT 8u
#define MSS_MASK  (MSS_COUNT - 1)

// Low bits of the timestamp.
#define TS_WSCALE    0x0fu
#define TS_NO_WSCALE 0x0fu // RFC 7323 2.3: 14 is the most
#define TS_SACKOK    0x10u
#define TS_MARK      0x20u // this SYN-ACK was a cookie
#define TS_BITS      0x3fu
#define STEP_MS      (uint32_t)(WR_TCP_COOKIE_STEP_US / WR_US_PER_MS)

// Ethernet and jumbo frames, PPPoE (rounded down), usual tunnels, the defaults of RFC 9293 3.7.1
// and the floor of the engine.
static const uint16_t mss_v4[MSS_COUNT] = {64, 536, 1220, 1360, 1400, 1440, 1460, 8960};
static const uint16_t mss_v6[MSS_COUNT] = {64, 1220, 1340, 1380, 1400, 1420, 1440, 8940};

static const uint16_t *mss_table(const struct wr_tuple *t)
{
	return wr_addr_is_v4(&t->local) ? mss_v4 : mss_v6;
}

static uint64_t step_of(wr_us_t now)
{
	return now / WR_TCP_COOKIE_STEP_US;
}

static uint32_t hash(const struct wr_tcp_cookie_secret *s, const struct wr_tuple *t,
	uint32_t peer_isn, uint64_t step)
{
	uint8_t text[48];

	memcpy(text, t->local.b, 16);
	memcpy(text + 16, t->remote.b, 16);
	memcpy(text + 32, &t->lport, 2);
	memcpy(text + 34, &t->rport, 2);
	memcpy(text + 36, &peer_isn, 4);
	memcpy(text + 40, &step, 8);
	return (uint32_t)wr_siphash(step < s->since ? s->old : s->key, text, sizeof(text));
}

void wr_tcp_cookie_secret_init(struct wr_tcp_cookie_secret *s, const uint64_t key[2])
{
	memset(s, 0, sizeof(*s));
	memcpy(s->key, key, sizeof(s->key));
}

void wr_tcp_cookie_secret_change(struct wr_tcp_cookie_secret *s, const uint64_t key[2], wr_us_t now)
{
	uint64_t next = step_of(now) + 1;

	if (s->since < next) // otherwise the present key was never used
		memcpy(s->old, s->key, sizeof(s->old));
	memcpy(s->key, key, sizeof(s->key));
	s->since = next;
}

uint32_t wr_tcp_cookie_make(const struct wr_tcp_cookie_secret *s, const struct wr_tuple *t,
	uint32_t peer_isn, const struct wr_tcp_cookie_opts *o, wr_us_t now)
{
	const uint16_t *table = mss_table(t);
	uint32_t i = MSS_COUNT - 1;

	while (i > 0 && table[i] > o->mss)
		i--;
	// exclusive or, so that the bits do not show
	return hash(s, t, peer_isn, step_of(now)) ^ i;
}

uint32_t wr_tcp_cookie_ts(uint32_t ts_now, const struct wr_tcp_cookie_opts *o)
{
	uint32_t bits = TS_MARK, ts;

	assert(o->wscale < TS_NO_WSCALE);
	bits |= o->opts & WR_TCPOPT_WSCALE ? o->wscale & TS_WSCALE : TS_NO_WSCALE;
	if (o->opts & WR_TCPOPT_SACKOK)
		bits |= TS_SACKOK;
	ts = (ts_now & ~TS_BITS) | bits;
	return bits > (ts_now & TS_BITS) ? ts - (TS_BITS + 1) : ts;
}

// What the echo carries; false when it is none of ours.
static bool read_ts(const struct wr_tcp_cookie_ack *a, struct wr_tcp_cookie_opts *out)
{
	if (!(a->ts_ecr & TS_MARK) || a->ts_now - a->ts_ecr > 2 * STEP_MS + TS_BITS)
		return false;
	out->opts |= WR_TCPOPT_TS;
	if ((a->ts_ecr & TS_WSCALE) != TS_NO_WSCALE) {
		out->opts |= WR_TCPOPT_WSCALE;
		out->wscale = a->ts_ecr & TS_WSCALE;
	}
	if (a->ts_ecr & TS_SACKOK)
		out->opts |= WR_TCPOPT_SACKOK;
	return true;
}

bool wr_tcp_cookie_check(const struct wr_tcp_cookie_secret *s, const struct wr_tuple *t,
	const struct wr_tcp_cookie_ack *a, wr_us_t now, struct wr_tcp_cookie_opts *out)
{
	struct wr_tcp_cookie_opts o = {.opts = WR_TCPOPT_MSS};
	uint64_t step = step_of(now);
	uint32_t diff;

	if (a->ts && !read_ts(a, &o)) // costs no hash
		return false;
	diff = hash(s, t, a->seq - 1, step) ^ (a->ack - 1);
	if (diff > MSS_MASK)
		diff = hash(s, t, a->seq - 1, step - 1) ^ (a->ack - 1);
	if (diff > MSS_MASK)
		return false;
	o.mss = mss_table(t)[diff];
	*out = o;
	return true;
}
