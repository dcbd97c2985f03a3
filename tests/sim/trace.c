/* SPDX-License-Identifier: BSD-3-Clause */
#include <stdio.h>

#include "watch.h"
#include "wr_units.h"

// Packets as lines: time, from, to, flags, relative sequence numbers, options, fate.

static void print_flags(FILE *f, uint8_t flags)
{
	static const char *const name[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};

	for (uint32_t i = 0; i < 8; i++)
		if (flags & 1u << i)
			fprintf(f, " %s", name[i]);
}

static void print_options(FILE *f, const struct watch_line *l)
{
	if (l->opts & WR_TCPOPT_MSS)
		fprintf(f, " mss %u", l->mss);
	if (l->opts & WR_TCPOPT_WSCALE)
		fprintf(f, " wscale %u", l->wscale);
	if (l->opts & WR_TCPOPT_SACKOK)
		fprintf(f, " sackok");
	if (l->opts & WR_TCPOPT_TS)
		fprintf(f, " ts");
	for (uint32_t i = 0; i < l->sack_count; i++)
		fprintf(f, " sack %u-%u", l->sack[i].left, l->sack[i].right);
}

static void print_fate(FILE *f, const struct watch_line *l)
{
	static const struct {
		uint32_t flag;
		const char *text;
	} fate[] = {{WATCH_F_QUEUE, "queue full, "}, {WATCH_F_LOST, "lost"},
		{WATCH_F_DUP, " twice"}, {WATCH_F_LATE, " late"}, {WATCH_F_CORRUPT, " damaged"},
		{WATCH_F_HOSTILE, " changed on the way"}};

	fprintf(f, "  ;");
	if (!l->arrival && !(l->what & WATCH_F_LOST))
		fprintf(f, " arrives %llu.%06llu", (unsigned long long)(l->arrives / WR_US_PER_S),
			(unsigned long long)(l->arrives % WR_US_PER_S));
	else if (l->arrival)
		fprintf(f, " arrived");
	else
		fputc(' ', f);
	for (uint32_t i = 0; i < sizeof(fate) / sizeof(fate[0]); i++)
		if (l->what & fate[i].flag)
			fputs(fate[i].text, f);
	fputc('\n', f);
}

static void print_line(FILE *f, const struct watch_line *l)
{
	fprintf(f, "%llu.%06llu ", (unsigned long long)(l->at / WR_US_PER_S),
		(unsigned long long)(l->at % WR_US_PER_S));
	if (l->kind != WR_PKT_TCP) {
		fprintf(f, "a damaged segment is dropped: %s\n",
			l->kind == WR_PKT_DROP ? wr_drop_name((enum wr_drop)l->drop)
					       : "no longer TCP");
		return;
	}
	fprintf(f, "%s:%u > %s:%u ", l->from, l->sport, l->to, l->dport);
	print_flags(f, l->flags);
	fprintf(f, "  seq %u", l->seq);
	if (l->len > 0)
		fprintf(f, "..%u", l->seq + l->len);
	if (l->flags & WR_TCP_ACK)
		fprintf(f, " ack %u", l->ack);
	fprintf(f, " win %u", l->window);
	print_options(f, l);
	print_fate(f, l);
}

void watch_note(struct watch *w, wr_us_t now, const struct wr_pkt *k, wr_us_t arrives,
	uint32_t what, bool arrival, uint32_t seq_base, uint32_t ack_base)
{
	struct watch_line *l = &w->line[w->lines++ % WATCH_LAST];

	*l = (struct watch_line){.at = now - w->start,
		.arrives = arrives == WR_US_NEVER ? arrives : arrives - w->start,
		.sport = k->t.rport,
		.dport = k->t.lport,
		.window = k->window,
		.seq = k->seq - seq_base,
		.ack = k->ack - ack_base,
		.len = k->payload_len,
		.flags = k->flags,
		.opts = k->opts,
		.wscale = k->wscale,
		.sack_count = k->sack_count,
		.kind = k->kind,
		.drop = k->drop,
		.mss = k->mss,
		.arrival = arrival,
		.what = what};
	if (k->kind == WR_PKT_TCP) {
		l->from = w->ops.name(w->ops.arg, &k->t.remote, k->t.rport);
		l->to = w->ops.name(w->ops.arg, &k->t.local, k->t.lport);
	}
	for (uint32_t i = 0; i < k->sack_count; i++)
		l->sack[i] = (struct wr_sack_block){
			k->sack[i].left - ack_base, k->sack[i].right - ack_base};
	if (w->trace)
		print_line(stdout, l);
}

void watch_print_last(const struct watch *w)
{
	uint32_t n = w->lines < WATCH_LAST ? w->lines : WATCH_LAST;

	if (w->trace) {
		fflush(stdout);
		return; // all of them were printed
	}
	fprintf(stderr, "the last %u of %u packets, seconds from the start:\n", n, w->lines);
	for (uint32_t i = w->lines - n; i < w->lines; i++)
		print_line(stderr, &w->line[i % WATCH_LAST]);
}
