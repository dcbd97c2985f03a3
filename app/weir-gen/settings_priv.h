/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "gen.h"
#include "wr_settings_check.h"
#include "wr_value.h"

// Between the parts of the settings: the table (settings_table.c), what is filled in behind it
// (settings.c), what needs more than one value to judge (check*.c).

extern const struct wr_settings_table gen_settings_table;

struct gen_check {
	const struct gen_conf *c;
	struct wr_settings_place at;
};

// All checks; the first failure is told. 0 or -EINVAL.
int gen_check(const struct gen_conf *c, const struct wr_settings_marks *marks, struct wr_err *err);

// Its parts, one a source file.
int gen_check_net(const struct gen_check *k);     // ports, what they reach, who listens where
int gen_check_client(const struct gen_check *k);  // loads, shapes, tuples
int gen_check_backend(const struct gen_check *k); // queues, answers, faults
int gen_check_packets(const struct gen_check *k); // rates, ranges, sizes, files

// Fails with `path` and dist_check()'s sentence.
int gen_check_dist(const struct gen_check *k, const struct gen_dist *d, uint32_t line,
	const char *fmt, ...) __attribute__((format(printf, 4, 5)));

// Is an address in one of the port's prefixes; has it a gateway of that family?
bool gen_check_in_prefix(const struct gen_port *p, const struct wr_addr *a);
bool gen_check_has_gateway(const struct gen_port *p, const struct wr_addr *a);

// The port that something goes through, as the loop picks it: the one it names, or whose prefix
// holds `a`, or (`gateways`) that has a gateway for it. NULL: there is none.
const struct gen_port *gen_check_port(
	const struct gen_conf *c, uint32_t port, const struct wr_addr *a, bool gateways);

static inline const char *gen_check_family(const struct wr_addr *a)
{
	return wr_addr_is_v4(a) ? "IPv4" : "IPv6";
}
