/* SPDX-License-Identifier: BSD-3-Clause */
#include "parse_priv.h"

#define IP4_OPT_EOL  0
#define IP4_OPT_NOP  1
#define IP4_OPT_LSRR 131 // loose source route (RFC 791 3.1)
#define IP4_OPT_SSRR 137 // strict source route

// Source routes let a sender walk around filters: refused (RFC 7126 4.3, 4.4). The others have
// nothing for an end host and are skipped.
enum wr_drop parse_ip4_options(const uint8_t *opt, uint32_t len)
{
	uint32_t i = 0;

	while (i < len && opt[i] != IP4_OPT_EOL) {
		uint8_t kind = opt[i];

		if (kind == IP4_OPT_NOP) {
			i++;
			continue;
		}
		if (i + 1 >= len || opt[i + 1] < 2 || opt[i + 1] > len - i)
			return WR_DROP_ip_header;
		if (kind == IP4_OPT_LSRR || kind == IP4_OPT_SSRR)
			return WR_DROP_ip_options;
		i += opt[i + 1];
	}
	return WR_DROP_NONE;
}
