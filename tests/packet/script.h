/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "wr_err.h"
#include "wr_pkt.h"
#include "wr_tcp.h"

// Packet scripts as read from a file: README.md is the language. Everything that can be wrong with
// a script without running it is said here, with file, line, and what would be right.

#define PK_TEXT    256 // longest line
#define PK_RANGES  8   // of one `bytes` line
#define PK_OPT_RAW 40  // option bytes of a TCP header

// Parts of a variant, as bits; a script or a line with some of them set is only for variants that
// have all of these.
enum pk_only {
	PK_V4 = 1,
	PK_V6 = 2,
	PK_TS = 4,
	PK_NO_TS = 8,
	PK_SACK = 16,
	PK_NO_SACK = 32,
};

// A sum of numbers and of what is known only during a run.
struct pk_expr {
	int64_t n;
	int64_t mss;  // times our effective send MSS
	int64_t edge; // times the right edge of the window that we showed last
	int64_t wnd;  // times the size of that window
};

enum pk_time_kind {
	PK_NOW,   // none written
	PK_AFTER, // +S
	PK_AT,    // S
	PK_ANY,   // *
};

struct pk_time {
	enum pk_time_kind kind;
	wr_us_t us;
};

// What a packet line says of options, and of the way here.
struct pk_opts {
	bool mss, wscale, sackok, ts, sack; // written
	bool sackset;                       // the blocks in any order
	bool nots, nosack, nowscale, nomss, nosackok, eol;
	bool ts_val_own, ts_ecr_own; // "-": what the runner would use
	struct pk_expr mss_n;
	uint8_t shift;
	int64_t ts_val, ts_ecr; // relative to the first ones
	uint8_t sack_count;
	struct pk_expr left[WR_TCP_MAX_SACK], right[WR_TCP_MAX_SACK];
	uint8_t raw[PK_OPT_RAW];
	uint8_t raw_len;
};

struct pk_via {
	bool bad_checksum, bad_ip_checksum;
	uint8_t ttl;           // 0: 64
	int16_t doff;          // words of the TCP header as claimed, -1: as they are
	uint16_t padding;      // bytes behind the IP length
	uint16_t split;        // bytes in the first buffer of a chain; 0: as large as fit
	uint16_t sport, dport; // 0: those of the connection
	uint8_t tos;
	bool land;
	uint8_t admit, why; // wr_pkt.admit and admit_why
};

struct pk_packet {
	uint8_t flags;
	bool push; // P was written
	bool has_ack, has_win, has_urg;
	struct pk_expr seq, len, ack, win, urg;
	char other[16]; // data=NAME
	struct pk_opts o;
	struct pk_via via;
};

enum pk_kind {
	PK_IN,
	PK_OUT,
	PK_TIME, // a time alone
	// application
	PK_LISTEN,
	PK_UNLISTEN,
	PK_ADMIT,
	PK_OPEN,
	PK_CONNECT,
	PK_ACCEPT,
	PK_WRITE,
	PK_READ,
	PK_STOP_READING,
	PK_START_READING,
	PK_SHUTDOWN,
	PK_RELEASE,
	PK_ABORT,
	PK_FAIL,
	// expectations
	PK_NOTHING,
	PK_STATE,
	PK_EVENT,
	PK_EOF,
	PK_NO_EOF,
	PK_END,
	PK_DROP,
	PK_DROP_BYTES,
	PK_COUNT,
	PK_CWND,
	PK_SSTHRESH,
	PK_RTO,
	PK_QUEUE,
	PK_SPACE,
	PK_BYTES,
	// faults
	PK_NO_MBUFS,
	PK_MBUFS,
	PK_TX_ROOM,
	PK_TX_HOLD,
	PK_TX_FREE,
	PK_KINDS
};

// Words that follow some commands.
#define PK_F_DEFERRED 0x01 // listen
#define PK_F_FAILS    0x04 // connect, write: the call must be refused
#define PK_F_PLUS     0x08 // drop, count: since the last such line
#define PK_F_LEN      0x10 // a length was written
#define PK_F_CHUNK    0x20

struct pk_line {
	int number; // in its file
	char text[PK_TEXT];
	enum pk_kind kind;
	uint8_t only;
	struct pk_time time;
	uint8_t flags; // PK_F_*
	int32_t id;    // state, event mask, end, drop, counter, queue; -1: none
	struct pk_expr n, chunk;
	char other[16];
	struct pk_expr from[PK_RANGES], to[PK_RANGES]; // bytes
	uint8_t ranges;
	struct pk_packet p;
};

struct pk_script {
	char file[256];
	char title[PK_TEXT]; // the first comment
	char label[128];     // values of `for` names
	uint8_t only;
	uint32_t peer_mss, peer_win;
	uint8_t peer_wscale;
	struct wr_tcp_config cfg;
	struct pk_line *lines;
	uint32_t line_count;
};

struct pk_scripts {
	struct pk_script *s;
	uint32_t count;
};

// Append all scripts of a file (one for each combination of `for` values). 0, or a negative errno
// and a sentence.
int pk_script_load(const char *path, struct pk_scripts *out, struct wr_err *err);
void pk_scripts_free(struct pk_scripts *s);

// --- lex.c ----------------------------------------------------------------------------------
// Where a parser stands in its line.
struct pk_lex {
	const char *at;
	uint32_t gap; // blanks before the last word
	char word[PK_TEXT];
	struct wr_err *err;
};

bool pk_next(struct pk_lex *l); // false at the end of the line
bool pk_end(struct pk_lex *l);  // nothing but blanks follows
int pk_bad(struct pk_lex *l, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool pk_is_time(const char *word);
int pk_parse_time(struct pk_lex *l, const char *word, struct pk_time *out);
int pk_parse_seconds(struct pk_lex *l, const char *word, wr_us_t *out);
int pk_parse_expr(struct pk_lex *l, const char *text, struct pk_expr *out);
int pk_parse_number(struct pk_lex *l, const char *word, const char *what, int64_t least,
	int64_t most, int64_t *out);
int pk_parse_only(struct pk_lex *l, const char *word, uint8_t *mask);
// The nearest of `names` to a mistyped word, or NULL.
const char *pk_nearest(const char *word, const char *const *names, uint32_t n);

// --- parse_packet.c, parse_command.c --------------------------------------------------------
int pk_parse_packet(struct pk_lex *l, bool out, struct pk_packet *p);
int pk_parse_options(struct pk_lex *l, bool out, struct pk_opts *o); // behind '<', to '>'
int pk_parse_command(struct pk_lex *l, const char *word, struct pk_line *line);
extern const char *const pk_events[8];

// --- header.c -------------------------------------------------------------------------------
// 1: a header line, 0: none, negative: wrong.
int pk_parse_header(struct pk_lex *l, struct pk_script *s);
