/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_backend.h"

// HAProxy's agent-check: an agent writes one line of words and closes (HAProxy configuration
// manual, 5.2 "agent-check"). Pure: bytes in, an answer out.

#define CHECK_AGENT_LINE_MAX 512 // with its end

struct check_agent {
	struct wr_check_answer answer; // once judged
	uint32_t len;
	bool judged;
	char line[CHECK_AGENT_LINE_MAX + 1];
};

void check_agent_init(struct check_agent *c);
// True: judged; what follows is not looked at.
bool check_agent_feed(struct check_agent *c, const uint8_t *data, uint32_t len);
// The agent ended its stream: judged now.
void check_agent_end(struct check_agent *c);
