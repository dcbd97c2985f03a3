/* SPDX-License-Identifier: BSD-3-Clause */

// What a connection begins with, as a PROXY protocol header: the answer does not depend on how much
// has come yet but for "more", and what was taken is, built anew, taken again as the same.

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "wr_proxy_header.h"

#define FUZZ_CHECK(ok)                                                                             \
	do {                                                                                       \
		if (!(ok))                                                                         \
			abort();                                                                   \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

// From memory of exactly its size.
static int parse(const uint8_t *data, uint32_t len, struct wr_proxy_header *h)
{
	uint8_t *exact = malloc(len ? len : 1);
	const char *why;
	int got;

	memcpy(exact, data, len);
	got = wr_proxy_header_parse(exact, len, h);
	why = wr_proxy_header_why(exact, len);
	FUZZ_CHECK(why != NULL && why[0]);
	free(exact);
	FUZZ_CHECK(got <= (int)len && got <= WR_PROXY_HEADER_MAX);
	FUZZ_CHECK(got >= 0 || got == -EPROTO || got == -EMSGSIZE);
	return got;
}

static void check_again(const struct wr_proxy_header *h)
{
	struct wr_proxy_header again;
	uint8_t *out = malloc(WR_PROXY_HEADER_BUILD_MAX);
	uint32_t len = wr_proxy_header_build(h->version, &h->client, &h->local_to, out);

	FUZZ_CHECK(len <= WR_PROXY_HEADER_BUILD_MAX);
	FUZZ_CHECK(parse(out, len, &again) == (int)len);
	FUZZ_CHECK(again.version == h->version && !again.local);
	FUZZ_CHECK(wr_addr_eq(&again.client.addr, &h->client.addr));
	FUZZ_CHECK(wr_addr_eq(&again.local_to.addr, &h->local_to.addr));
	FUZZ_CHECK(again.client.port == h->client.port);
	FUZZ_CHECK(again.local_to.port == h->local_to.port);
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wr_proxy_header h, part;
	uint32_t len = (uint32_t)size;
	int got;

	if (size > 2 * WR_PROXY_HEADER_MAX)
		return 0;
	got = parse(data, len, &h);
	// More, then one answer for good; a few lengths at each end are enough.
	for (uint32_t i = 0; i < len; i += i < 128 || i + 32 > len ? 1 : 61) {
		int early = parse(data, i, &part);

		FUZZ_CHECK(early == 0 || early == got);
		FUZZ_CHECK(got <= 0 || (early == 0) == (i < (uint32_t)got));
	}
	if (got > 0 && !h.local)
		check_again(&h);
	return 0;
}
