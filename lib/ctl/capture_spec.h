/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <pcap/pcap.h>

#include "wr_conf.h"
#include "wr_err.h"
#include "wr_proxy.h"

// What a capture is asked for: "port=wan;filter=tcp port 80;packets=1000;seconds=10".

#define WR_SPEC_FILTER_LEN  900 // a request has at most 1,023 characters
#define WR_SPEC_PACKETS     1000
#define WR_SPEC_PACKETS_MAX 1000000
#define WR_SPEC_SECONDS     10
#define WR_SPEC_SECONDS_MAX 300

struct wr_capture_spec {
	int32_t port;                    // number, -1: all
	char filter[WR_SPEC_FILTER_LEN]; // libpcap's; "": everything
	uint32_t packets, seconds;
	uint32_t snap; // 0: whole frames
	bool in, out;
	bool has_conn; // a session's frames on both sides, instead of a filter
	uint16_t worker;
	uint32_t conn;
};

// 0, or -EINVAL with a sentence.
int wr_capture_spec_parse(struct wr_capture_spec *s, const char *text, const struct wr_conf *conf,
	struct wr_err *err);

// The filter of one session: its client's and its backend's tuple, tagged or not.
void wr_capture_spec_session(struct wr_capture_spec *s, const struct wr_session_info *info);

// By libpcap, with its own words on error. 0, or -EINVAL with a sentence; freed with
// pcap_freecode().
int wr_capture_spec_compile(
	const struct wr_capture_spec *s, struct bpf_program *out, struct wr_err *err);
