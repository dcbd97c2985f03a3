/* SPDX-License-Identifier: BSD-3-Clause */

// The TCP options alone. Bit 0 of the first byte: of a SYN.

#include <stdlib.h>
#include <string.h>

#include "wr_build.h"
#include "wr_parse.h"

#define FUZZ_OPT_MAX 40
#define FUZZ_CHECK(ok)                                                                             \
	do {                                                                                       \
		if (!(ok))                                                                         \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_fields(const struct wr_pkt *p, bool syn)
{
	const uint8_t syn_only = WR_TCPOPT_MSS | WR_TCPOPT_WSCALE | WR_TCPOPT_SACKOK;

	FUZZ_CHECK(syn || (p->opts & syn_only) == 0);
	FUZZ_CHECK(p->sack_count <= WR_TCP_MAX_SACK);
	FUZZ_CHECK((p->sack_count > 0) == ((p->opts & WR_TCPOPT_SACK) != 0));
	FUZZ_CHECK(p->wscale <= 14);
	FUZZ_CHECK(p->mss == 0 || (p->opts & WR_TCPOPT_MSS));
	FUZZ_CHECK((p->ts_val == 0 && p->ts_ecr == 0) || (p->opts & WR_TCPOPT_TS));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_pkt p;
	uint8_t *exact;
	enum wr_drop d;
	uint32_t len;
	bool syn;

	if (size < 1 || size > 1 + FUZZ_OPT_MAX)
		return 0;
	len = (uint32_t)size - 1;
	syn = data[0] & 1;
	exact = malloc(len > 0 ? len : 1);
	memcpy(exact, data + 1, len);
	memset(&p, 0, sizeof(p));
	p.opts = 0xff; // what an earlier use left must not show
	p.sack_count = 0xff;
	d = wr_parse_tcp_options(&p, exact, len, syn);
	free(exact);
	FUZZ_CHECK(d == WR_DROP_NONE || d == WR_DROP_tcp_options);
	check_fields(&p, syn);
	return 0;
}
