/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

// When packets are due: so many, or so many bits, a second from a start, to the nanosecond and
// without drift (the remainder of each division is carried on, as Bresenham's line does). A caller
// that comes late finds all that became due meanwhile.

#define PACE_NS_PER_S   1000000000ULL
#define PACE_WIRE_EXTRA 24u // preamble 8 and gap 12 bytes, check sequence 4 (IEEE 802.3 4.4.2)
#define PACE_WIRE_LEAST 60u // shorter frames are padded on the wire

struct pace {
	uint64_t next_ns;     // when the next packet is due
	uint64_t rate;        // packets or bits a second; 0: as fast as they are taken
	uint64_t carry;       // of 1 / rate ns
	uint64_t gap, rest;   // between two packets: gap ns and rest / rate
	uint64_t unit;        // gap and rest are those of unit / rate
	uint32_t frame_bytes; // that `unit` is for, when bits are counted
	bool bits;
};

static inline void pace_set_unit(struct pace *p, uint64_t unit)
{
	p->unit = unit;
	p->gap = p->rate != 0 ? unit / p->rate : 0;
	p->rest = p->rate != 0 ? unit % p->rate : 0;
}

// The gap behind a frame of so many bytes, when bits are counted.
static inline void pace_set_frame(struct pace *p, uint32_t frame_bytes)
{
	uint64_t wire = frame_bytes < PACE_WIRE_LEAST ? PACE_WIRE_LEAST : frame_bytes;

	p->frame_bytes = frame_bytes;
	pace_set_unit(p, (wire + PACE_WIRE_EXTRA) * 8 * PACE_NS_PER_S);
}

static inline void pace_start(struct pace *p, uint64_t rate, bool bits, uint64_t now_ns)
{
	*p = (struct pace){.next_ns = now_ns, .rate = rate, .bits = bits};
	if (bits)
		pace_set_frame(p, PACE_WIRE_LEAST);
	else
		pace_set_unit(p, PACE_NS_PER_S);
}

static inline bool pace_due(const struct pace *p, uint64_t now_ns)
{
	return p->rate == 0 || p->next_ns <= now_ns;
}

// A frame of so many bytes, without check sequence, was made: when is the next one due?
static inline void pace_step(struct pace *p, uint32_t frame_bytes)
{
	if (p->bits && frame_bytes != p->frame_bytes)
		pace_set_frame(p, frame_bytes);
	p->next_ns += p->gap;
	p->carry += p->rest;
	if (p->rate != 0 && p->carry >= p->rate) {
		p->carry -= p->rate;
		p->next_ns++;
	}
}

// Packets that are due; when bits are counted, of the size of the last one.
static inline uint64_t pace_backlog(const struct pace *p, uint64_t now_ns)
{
	__uint128_t room;

	if (p->rate == 0 || p->next_ns > now_ns)
		return 0;
	// Packet k from here is due while next + floor((carry + k unit) / rate) <= now.
	room = (__uint128_t)(now_ns - p->next_ns + 1) * p->rate - p->carry - 1;
	return (uint64_t)(room / p->unit) + 1;
}
