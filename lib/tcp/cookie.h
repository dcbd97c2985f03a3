/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"
#include "wr_units.h"

// SYN cookies (RFC 4987 3.6): what a SYN said comes back in the ACK of the SYN-ACK, so that nothing
// is kept in between. Pure functions of their arguments.
//
// The initial sequence number is 29 bits of SipHash over tuple, peer's ISN and time step, and 3
// bits that choose an MSS from a table. A guess is right with probability 2^-28 (8 MSS, 2 steps, in
// 2^32). Window scale and SACK travel in the low bits of the timestamp that the peer echoes;
// without timestamps both are off, and our SYN-ACK must not show them either.

#define WR_TCP_COOKIE_STEP_US (64 * WR_US_PER_S) // good for this step and the next: 64 to 128 s

// Keys, from getrandom(2). A change begins with the next step, so each step has one key and cookies
// on their way stay good.
struct wr_tcp_cookie_secret {
	uint64_t key[2];
	uint64_t old[2]; // of the steps before `since`
	uint64_t since;
};

// What the peer's SYN said.
struct wr_tcp_cookie_opts {
	uint16_t mss;   // as sent, or the default of the family when it was not
	uint8_t opts;   // WR_TCPOPT_MSS, _WSCALE, _SACKOK, _TS
	uint8_t wscale; // at most 14; 0 without WR_TCPOPT_WSCALE
};

// The ACK that claims to answer a cookie.
struct wr_tcp_cookie_ack {
	uint32_t ack;
	uint32_t seq; // of its first byte; the peer's ISN is the number before
	bool ts;      // it has the timestamps option
	uint32_t ts_ecr;
	uint32_t ts_now; // the clock that was given to wr_tcp_cookie_ts(), now
};

void wr_tcp_cookie_secret_init(struct wr_tcp_cookie_secret *s, const uint64_t key[2]);
// Twice within one step, the later key counts; in two steps on end, cookies of the step before are
// lost.
void wr_tcp_cookie_secret_change(
	struct wr_tcp_cookie_secret *s, const uint64_t key[2], wr_us_t now);

// The initial sequence number for the SYN-ACK. Of `o`, the MSS goes in: the largest of the table
// that is not above it.
uint32_t wr_tcp_cookie_make(const struct wr_tcp_cookie_secret *s, const struct wr_tuple *t,
	uint32_t peer_isn, const struct wr_tcp_cookie_opts *o, wr_us_t now);

// TSval of the SYN-ACK when `o` has timestamps: carries window scale and SACK. `ts_now` is the
// connection's clock in milliseconds; the value is 0 to 63 behind it and never ahead, so all that
// is sent later is newer (RFC 7323 5.3), and it does not go back while `o` is the same.
uint32_t wr_tcp_cookie_ts(uint32_t ts_now, const struct wr_tcp_cookie_opts *o);

// Whether `a` answers a cookie of this tuple that has not expired; sets *out then. An echo that no
// SYN-ACK of ours within that time can have caused is a refusal, as the peer would go on with
// options that we do not know.
bool wr_tcp_cookie_check(const struct wr_tcp_cookie_secret *s, const struct wr_tuple *t,
	const struct wr_tcp_cookie_ack *a, wr_us_t now, struct wr_tcp_cookie_opts *out);
