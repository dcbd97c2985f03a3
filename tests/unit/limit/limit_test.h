/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include <errno.h>
#include <pthread.h>

#include "limit_priv.h"

#define T_S WR_US_PER_S

static inline struct wr_addr t_addr(const char *text)
{
	struct wr_addr a;

	assert_int_equal(wr_addr_parse(text, &a), 0);
	return a;
}

static inline struct wr_prefix t_prefix(const char *text)
{
	struct wr_prefix p;

	assert_int_equal(wr_prefix_parse(text, &p), 0);
	return p;
}

// A rule of an operator, without end.
static inline struct wr_access_rule t_rule(
	const char *from, uint16_t service, uint8_t action, uint8_t class)
{
	return (struct wr_access_rule){
		.from = t_prefix(from), .service = service, .action = action, .class = class};
}

// xorshift64*: the same numbers each run.
static inline uint64_t t_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

// Run `body` in n threads at once, each with its own argument of `size` bytes.
static inline void t_threads(uint32_t n, void *(*body)(void *), void *args, size_t size)
{
	pthread_t thread[8];

	assert_true(n <= 8);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(
			pthread_create(&thread[i], NULL, body, (char *)args + i * size), 0);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(pthread_join(thread[i], NULL), 0);
}
