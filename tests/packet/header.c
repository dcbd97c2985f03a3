/* SPDX-License-Identifier: BSD-3-Clause */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "script.h"

// Header lines: for which variants a script is, and what engine and peer are like.

#define FIELD(f)                                                                                   \
	{                                                                                          \
#f, offsetof(struct wr_tcp_config, f), sizeof(((struct wr_tcp_config *)0)->f)      \
	}
static const struct config_field {
	const char *name;
	size_t off, size;
} config_fields[] = {
	FIELD(max_conns),
	FIELD(max_half_open),
	FIELD(reserved_conns),
	FIELD(held_budget),
	FIELD(held_reserve),
	FIELD(small_budget),
	FIELD(rcv_buf_bytes),
	FIELD(snd_buf_bytes),
	FIELD(ooo_segs_max),
	FIELD(ooo_total_max),
	FIELD(time_wait_us),
	FIELD(rto_min_us),
	FIELD(rto_initial_us),
	FIELD(rto_max_us),
	FIELD(syn_timeout_us),
	FIELD(give_up_us),
	FIELD(ack_delay_us),
	FIELD(rcv_buf_max_bytes),
	FIELD(snd_buf_max_bytes),
	FIELD(keepalive_us),
	FIELD(keepalive_interval_us),
	FIELD(keepalive_probes),
	FIELD(congestion),
	FIELD(cookies),
	FIELD(resets_per_s),
};

static int parse_config(struct pk_lex *l, struct pk_script *s)
{
	const char *names[RTE_DIM(config_fields)], *near;
	int64_t n;

	if (!pk_next(l))
		return pk_bad(l, "config KEY VALUE: the key is missing");
	for (uint32_t i = 0; i < RTE_DIM(config_fields); i++) {
		const struct config_field *c = &config_fields[i];
		char *to = (char *)&s->cfg + c->off;

		names[i] = c->name;
		if (strcmp(c->name, l->word) != 0)
			continue;
		if (!pk_next(l))
			return pk_bad(l, "config %s: the value is missing", c->name);
		if (wr_units_parse_time(l->word, (wr_us_t *)&n) != 0 &&
			pk_parse_number(l, l->word, c->name, 0, INT64_MAX, &n) != 0)
			return -1;
		if (c->size == 8)
			*(uint64_t *)to = (uint64_t)n;
		else if (c->size == 4)
			*(uint32_t *)to = (uint32_t)n;
		else if (c->size == 2)
			*(uint16_t *)to = (uint16_t)n;
		else
			*(uint8_t *)to = (uint8_t)n;
		return 0;
	}
	near = pk_nearest(l->word, names, RTE_DIM(names));
	return pk_bad(l, "'%s' is no field of struct wr_tcp_config that scripts may set%s%s",
		l->word, near != NULL ? ", perhaps " : "", near != NULL ? near : "");
}

static int parse_peer(struct pk_lex *l, struct pk_script *s)
{
	char what[32] = "";
	int64_t n;
	int r;

	if (pk_next(l))
		snprintf(what, sizeof(what), "%.31s", l->word);
	if (strcmp(what, "mss") != 0 && strcmp(what, "wscale") != 0 && strcmp(what, "win") != 0)
		return pk_bad(
			l, "peer '%s': peer mss N, peer wscale N, peer win N are known", what);
	if (!pk_next(l))
		return pk_bad(l, "peer %s: the number is missing", what);
	if (*what == 'm') {
		r = pk_parse_number(l, l->word, "peer mss", 0, 65535, &n);
		s->peer_mss = (uint32_t)n;
	} else if (what[1] == 's') {
		r = pk_parse_number(l, l->word, "peer wscale", 0, 14, &n);
		s->peer_wscale = (uint8_t)n;
	} else {
		r = pk_parse_number(l, l->word, "peer win", 0, 1 << 30, &n);
		s->peer_win = (uint32_t)n;
	}
	return r;
}

int pk_parse_header(struct pk_lex *l, struct pk_script *s)
{
	int r;

	if (strcmp(l->word, "only") == 0) {
		if (pk_end(l))
			return pk_bad(l, "only: a part of a variant is missing, as 'only v4'");
		while (pk_next(l))
			if (pk_parse_only(l, l->word, &s->only) != 0)
				return -1;
		return 1;
	}
	if (strcmp(l->word, "config") == 0)
		r = parse_config(l, s);
	else if (strcmp(l->word, "peer") == 0)
		r = parse_peer(l, s);
	else
		return 0;
	if (r == 0 && pk_next(l))
		return pk_bad(l, "'%s' is too much", l->word);
	return r != 0 ? -1 : 1;
}
