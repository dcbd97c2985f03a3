/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_addr.h"
#include "wr_units.h"

// What is left of a session when it has ended: one record, put into a bounded ring of its worker,
// which the control side reads and writes as a line. A full ring loses the record and counts it
// (records_lost); the worker never waits.

// Why a session ended, the first letter of its termination code in the manner of HAProxy's flags
// (configuration manual, 8.5): who did it.
enum wr_record_cause {
	WR_RECORD_NORMAL,         // '-' both sides ended in order
	WR_RECORD_CLIENT,         // 'C' the client reset or vanished
	WR_RECORD_SERVER,         // 'S' the backend reset, refused or vanished
	WR_RECORD_CLIENT_TIMEOUT, // 'c' the client took or sent nothing for too long
	WR_RECORD_SERVER_TIMEOUT, // 's' the backend did not, or did not answer
	WR_RECORD_PROXY,          // 'P' refused by a rule or limit, or a bad PROXY header
	WR_RECORD_RESOURCE,       // 'R' something of ours ran out: source ports, connections
	WR_RECORD_DOWN,           // 'D' its backend went down, drained or left
	WR_RECORD_KILLED,         // 'K' an operator ended it, or the instance stopped
	WR_RECORD_PRESSURE,   // 'L' ended to relieve pressure: evicted, stalled, waited too long
	WR_RECORD_NO_BACKEND, // 'U' there was no backend to pick
	WR_RECORD_CAUSES
};
char wr_record_cause_letter(enum wr_record_cause c);
const char *wr_record_cause_words(enum wr_record_cause c);

// The second letter: where it was then.
enum wr_record_phase {
	WR_RECORD_HEADER,  // 'H' its PROXY header was awaited
	WR_RECORD_QUEUE,   // 'Q' it waited for a backend with room
	WR_RECORD_CONNECT, // 'C' it was being connected
	WR_RECORD_REQUEST, // 'R' connected, no byte of an answer yet
	WR_RECORD_DATA,    // 'D' bytes were flowing
	WR_RECORD_LAST,    // 'L' one side had ended
	WR_RECORD_DONE,    // '-'
	WR_RECORD_PHASES
};
char wr_record_phase_letter(enum wr_record_phase p);

struct wr_record {
	wr_us_t ended_us; // worker clock
	uint32_t session; // id, as /weir/conns showed it
	uint16_t worker, service;
	uint16_t backend; // slot, WR_MAGLEV_NONE: never had one
	uint8_t cause, phase, class, tries;
	bool proxied;              // client is from a PROXY header
	struct wr_endpoint client; // who it is for
	struct wr_endpoint
		peer; // the other end of the connection: the client, or the balancer in front
	struct wr_endpoint local;     // listener
	uint64_t bytes_in, bytes_out; // from and to the client
	// Times in us; 0 where it never came so far.
	uint32_t wait_us;       // for a backend with room
	uint32_t connect_us;    // until a backend answered, retries included
	uint32_t first_byte_us; // from there to its first byte
	uint64_t total_us;
};

struct wr_record_ring; // an rte_ring of records

// `slots`: a power of two from 2 on; holds one less. NULL: another number, or no memory.
struct wr_record_ring *wr_record_ring_create(uint32_t slots, int numa_node);
void wr_record_ring_destroy(struct wr_record_ring *r);
bool wr_record_push(struct wr_record_ring *r, const struct wr_record *rec); // its worker only
bool wr_record_pop(struct wr_record_ring *r, struct wr_record *out);        // one consumer
