/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "ep_rig.h"

// A peer of hand-made segments for the generator's side 1, and what it answers.

#define RAW_SEEN 128

struct raw {
	struct rig *r;
	struct ep_stack *s;
	struct wr_tuple t; // as the endpoint sees it
	uint32_t iss, irs; // of the raw peer; of the endpoint
	uint8_t opts;      // WR_TCPOPT_TS: with timestamps
	uint32_t ts;
	uint16_t window;
	struct rig_app *app;
	struct wr_pkt seen[RAW_SEEN]; // of the last raw_output()
	uint32_t count;
};

// A listening stack, nothing sent yet.
void raw_start(struct raw *w, bool v6, bool timestamps);
void raw_stop(struct raw *w);
// Handshake; the connection is up and nothing waits to be sent.
void raw_open(struct raw *w);
// A segment at stream offset `at` (0: first byte), acknowledging `ack` bytes of the endpoint's.
void raw_send(struct raw *w, uint8_t flags, uint32_t at, uint32_t ack, uint32_t len);
// What the endpoint sends now (its timers included); returns the count.
uint32_t raw_output(struct raw *w);
void raw_wait(struct raw *w, wr_us_t us); // clock and timers, in steps of 1 ms
struct ep_conn *raw_conn(struct raw *w);
