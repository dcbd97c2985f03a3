/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <http_parser.h>

#include "ep.h"
#include "fault.h"
#include "gen.h"
#include "message.h"
#include "server.h"
#include "wr_rng.h"
#include "wr_wheel.h"

// What the parts of a server share: server.c (connections), work.c (the queue and the work),
// answer.c (answers and their bytes), raw_server.c and http_server.c (the protocols).

// Longest answer: halves the distance at which stream offsets become ambiguous.
#define SERVER_MAX_ANSWER (1u << 30)
// Requests that wait behind others of their own connection: of all connections, and of one.
#define SERVER_AHEAD      16384u
#define SERVER_AHEAD_ONE  1024u
#define SERVER_AHEAD_NONE UINT32_MAX

#define REQUEST_ASKED 0x01 // `asked` counts
#define REQUEST_HEAD  0x02 // HTTP: without a body
#define REQUEST_LAST  0x04 // HTTP: no keep-alive
#define REQUEST_OLD   0x08 // HTTP/1.0: no chunks
#define REQUEST_BAD   0x10 // not of the protocol: the last one
struct server_request {
	uint32_t id;
	uint32_t asked; // bytes of answer
	uint32_t flags;
};

struct server_ahead {
	struct server_request request;
	uint32_t next;
};

enum server_state {
	SERVER_READING, // the next request
	SERVER_STALLED, // a fault keeps the request from the queue
	SERVER_WAITING, // in the queue
	SERVER_WORKING, // takes one of `concurrency`
	SERVER_SENT,    // all bytes of the answer given, not all acknowledged
	SERVER_OVER,    // FIN given: what still arrives is not looked at
};

enum server_status {
	SERVER_OK,
	SERVER_QUEUE_FULL,
	SERVER_BAD_REQUEST,
};

#define ANSWER_CHUNKED 0x01
#define ANSWER_GARBAGE 0x02
#define ANSWER_CLOSE   0x04 // the last one
struct server_answer {
	uint32_t base;   // stream offset of its first byte
	uint32_t wire;   // its bytes there
	uint32_t given;  // of them, so far
	uint32_t body;   // bytes of content
	uint32_t pieces; // in which it is given
	uint32_t piece;  // given so far
	uint16_t head;   // bytes before the body
	uint8_t status;  // enum server_status
	uint8_t flags;
};

struct raw_reader {
	uint8_t header[MESSAGE_HEADER];
	uint32_t id, length, asked;
	uint32_t got; // bytes of this message
	bool wrong;
};

struct http_reader {
	http_parser parser;
	uint32_t id, asked;
	bool inside; // of a message
	bool has_id;
	uint8_t url;   // how much of "/bytes/" matched, then the digits
	uint8_t field; // likewise of "x-weir-gen-id"
	bool in_value; // the last callback was for a value
};

// In the `app` bytes of every connection.
struct server_conn {
	struct ep_conn *conn;
	union {
		struct wr_wheel_node timer; // its time is in nanoseconds; stalled and working
		struct {
			struct server_conn *next, *prev;
		} wait; // waiting
	};
	uint64_t since_ns; // request complete; working: begun
	struct server_request request;
	uint8_t state;     // enum server_state
	bool fin;          // the peer's was reached
	bool held;         // ep_hold() is on
	bool stalled_once; // this request was counted as struck
	bool ignore;       // the rest of the stream: a bad request came
	bool early;        // counted
	uint32_t ahead_head, ahead_tail, ahead_count;
	uint32_t sent; // stream offset of the end of what was given
	struct server_answer answer;
	union {
		struct raw_reader raw;
		struct http_reader http;
	};
};

struct server_protocol {
	void (*start)(struct server_conn *s);
	// Read requests out of the stream; server_request() takes each. False: reset.
	bool (*data)(struct server *v, struct server_conn *s, const uint8_t *at, uint32_t len,
		const struct gen_now *now);
	bool (*partial)(const struct server_conn *s); // a request has begun and is not complete
	// Fill head, wire and flags in from status, body and pieces.
	void (*layout)(const struct server *v, struct server_conn *s);
	// Bytes of the answer up to the end of piece `k`, one of the first pieces - 1.
	uint32_t (*piece_end)(const struct server *v, const struct server_conn *s, uint32_t k);
	void (*fill)(const struct server *v, const struct server_conn *s, uint8_t *to,
		uint32_t offset, uint32_t len);
};
extern const struct server_protocol raw_server, http_server;

struct server {
	const struct gen_backend *conf;
	const struct server_protocol *protocol;
	struct ep_stack *stack;
	bool verify;
	bool instant;                     // work takes no time
	struct server_conn *first, *last; // waiting
	struct wr_rng rng;
	struct gen_server_stats stats;
	// requests read ahead
	struct server_ahead *ahead;
	uint32_t ahead_free;   // list
	uint32_t ahead_used;   // entries below were in use before
	struct wr_wheel wheel; // driven by nanoseconds: a tick is 1.024 us
	struct fault_plan faults;
};

// --- server.c ---
// A whole request was read. False: the connection is to be reset; nothing more of it may be read.
bool server_request(struct server *v, struct server_conn *s, const struct server_request *r,
	const struct gen_now *now);
// Whether the peer's window closes as it sends on.
void server_hold(struct server_conn *s, bool on);
// Reset from our side and give up what it held.
void server_abort(struct server *v, struct server_conn *s, const struct gen_now *now);

// --- work.c ---
// Take the connection's request. False: reset.
bool work_arrive(struct server *v, struct server_conn *s, const struct gen_now *now);
// The connection leaves: its place is free at once.
void work_leave(struct server *v, struct server_conn *s, const struct gen_now *now);
uint32_t work_poll(struct server *v, uint32_t budget, const struct gen_now *now);

// --- answer.c ---
// Lay out the answer to the connection's request; nothing is given yet.
void answer_begin(struct server *v, struct server_conn *s, enum server_status status,
	const struct gen_now *now);
// Give the next piece to TCP; true: it was the last one, and the state is SENT or OVER.
bool answer_give(struct server *v, struct server_conn *s);
// No further answer: FIN behind what was given.
void answer_end(struct server *v, struct server_conn *s);
void answer_fill(const struct server *v, const struct server_conn *s, uint8_t *to, uint32_t offset,
	uint32_t len);
