/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_units.h"

// Congestion control behind a table of operations. The engine detects losses and keeps the books;
// an algorithm answers how large cwnd and ssthresh are. All windows in bytes.

struct wr_tcp_conn;

// Room in the connection for what an algorithm remembers.
struct wr_tcp_cc_priv {
	uint32_t word[6];
};

struct wr_tcp_cc_ops {
	const char *name;
	// the connection is synchronised: initial window; `syn_lost` when the SYN had to be
	// repeated
	void (*init)(struct wr_tcp_conn *c, bool syn_lost, wr_us_t now);
	// `acked` bytes were newly delivered outside of recovery, SND.UNA has moved; `rtt_us` is
	// the sample that came with it or 0; `limited`: cwnd was the limit, without it nothing may
	// grow
	void (*acked)(
		struct wr_tcp_conn *c, uint32_t acked, uint32_t rtt_us, bool limited, wr_us_t now);
	// a loss was detected with `flight` bytes out, cwnd is still what it was: the new ssthresh
	uint32_t (*ssthresh)(struct wr_tcp_conn *c, uint32_t flight, wr_us_t now);
	// sending resumes after an idle time longer than the RTO (RFC 5681 4.1)
	void (*restart)(struct wr_tcp_conn *c, wr_us_t now);
	// the last reduction was spurious; cwnd and ssthresh were put back by the caller
	void (*undo)(struct wr_tcp_conn *c, wr_us_t now);
};

extern const struct wr_tcp_cc_ops wr_tcp_cc_newreno;
extern const struct wr_tcp_cc_ops wr_tcp_cc_cubic;

// RFC 6928 2
uint32_t wr_tcp_cc_initial_window(const struct wr_tcp_conn *c);
