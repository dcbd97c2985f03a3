/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stddef.h>
#include <stdint.h>

// The header that carries a message's id, in requests and answers: read in pieces, as they arrive.

#define HTTP_ID_NAME "x-weir-gen-id"
#define HTTP_ID_ALL  (sizeof(HTTP_ID_NAME) - 1) // bytes of it: the name is this one
#define HTTP_ID_NOT  UINT8_MAX                  // it is another one

// How many bytes of the name match after `len` more at `at`; begins with 0.
static inline uint8_t http_id_match(uint8_t matched, const char *at, size_t len)
{
	for (size_t i = 0; i < len && matched != HTTP_ID_NOT; i++)
		matched = matched < HTTP_ID_ALL && (at[i] | 0x20) == HTTP_ID_NAME[matched]
		                  ? matched + 1
		                  : HTTP_ID_NOT;
	return matched;
}
