/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Checks over two TCP stacks joined by a link without delay: ours, and the backend's with an
// application that does what the script says. Backends, sources and routes are the rig's own.

#include "wr_test.h"

#include <errno.h>

#include "proxy_priv.h"

#define RIG_MS        WR_US_PER_MS
#define RIG_S         WR_US_PER_S
#define RIG_SLOTS     4
#define RIG_OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"

struct check_rig {
	wr_us_t now;
	struct wr_tcp_stack *tcp, *peer;
	struct wr_stats stats, peer_stats;
	struct rte_mempool *rx, *small, *peer_rx, *peer_small;
	struct wr_conf *conf;
	struct wr_proxy *p;
	struct wr_backend be;
	struct wr_tuple tuple; // of the last connect's source
	// The backend's application: answers once it got a newline, or at once.
	const char *answer;
	bool at_once, closes, resets, dead;
	bool stuck;     // nothing of ours leaves
	uint32_t piece; // bytes of an answer written at a time, a millisecond apart; 0: all
	wr_handle_t conn;
	uint32_t accepted, sent;
	char got[2048];
	uint32_t got_len;
	bool got_fin, over;
	enum wr_tcp_end end;
	// What check.c did.
	uint32_t answers, ports_out;
	uint8_t slot;
	uint32_t asked;
	struct wr_check_answer last;
	bool no_backend, no_reach, no_port;
	uint16_t next_port;
};

void check_rig_open(struct check_rig *r, int family);
// What is left closes by itself, and nothing is left.
void check_rig_close(struct check_rig *r);
void check_rig_listen(struct check_rig *r, uint16_t port);
// At one time; false: at rest.
bool check_rig_turn(struct check_rig *r);
void check_rig_run(struct check_rig *r, wr_us_t us);
void check_rig_ask(struct check_rig *r, uint8_t kind, uint32_t asked, wr_us_t timeout);
// One check, until it was answered so and its connection is gone.
void check_rig_check(struct check_rig *r, uint8_t kind, int err, const char *text);
uint64_t check_rig_ctr(const struct check_rig *r, int c);
