/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "proxy_priv.h"
#include "worker_priv.h"
#include "wr_rng.h"

// A whole fabric on a virtual clock: one client stack and several backend stacks, each behind a
// simulated port (wan, lan) over a link that may lose, repeat, delay and reorder. ARP and ND are
// answered for every peer. Applications send and check numbered streams; the same seed is the same
// run.

#define TRI_WAN      0
#define TRI_LAN      1
#define TRI_CLIENT   0 // peer 0; backend i is peer 1 + i
#define TRI_BACKENDS 8
#define TRI_PEERS    (1 + TRI_BACKENDS)
#define TRI_CONNS    1024 // applications on both sides, ever
#define TRI_FRAMES   16384
#define TRI_MS       WR_US_PER_MS
#define TRI_S        WR_US_PER_S

// What a link does, chances in permille of frames.
struct tri_link {
	uint32_t loss, dup, reorder;
	uint32_t delay_us, jitter_us;
	uint32_t held_us; // how much later a reordered or repeated frame arrives
	uint32_t split;   // frames that a port receives into two segments
	uint32_t corrupt; // TCP frames of which one byte behind the Ethernet header changes
};

// What happened to a frame.
#define TRI_F_LOST    0x01
#define TRI_F_DUP     0x02
#define TRI_F_LATE    0x04
#define TRI_F_CORRUPT 0x08

// Backends behind a tunnel, all of one family: enum wr_ipsec_cipher in the lowest bits, and
#define TRI_ESP        0x80
#define TRI_ESP_ESN    0x04
#define TRI_ESP_UDP    0x08
#define TRI_ESP_OUTER6 0x10

// Whoever looks on, TCP in ESP aside; may be NULL.
struct tri_watch {
	void *arg;
	// A TCP frame leaves a station and will arrive at `at`; one arrives at another.
	void (*sent)(void *arg, const struct wr_pkt *k, wr_us_t at, uint32_t what);
	void (*arrives)(void *arg, const struct wr_pkt *k, uint32_t what);
	void (*failed)(void *arg); // something is wrong; the program ends when this returns
};

struct tri_config {
	uint16_t workers;      // default 1
	uint16_t queues;       // of both ports; default: one
	uint16_t reta_size;    // of the ports, when they have several queues
	uint32_t port_flags;   // WR_PORT_F_*; default: multi-segment sending, checksums done
	uint32_t backends;     // default 2
	uint32_t spare;        // stations like backends that are not configured yet
	int family;            // of the backends: 4, 6, or 0 for both in turns
	uint32_t max_sessions; // default 256
	uint32_t rx_mbufs;     // 0: computed
	uint32_t small_mbufs;
	uint16_t tx_desc;
	uint32_t esp;        // TRI_ESP and what else; 0: no tunnels
	bool dad;            // duplicate-address detection
	bool tap;            // an exception path on the wan side: a third simulated port
	const char *runtime; // more lines of the runtime, 2 spaces deep
	const char *service; // more lines of the service, 4 spaces deep
	const char *pool;    // more lines of the pool; default: no health checks
	const char *sources; // of the pool; default: four of each family; "": the port's own
	struct tri_link link[2];
	uint64_t seed;
	const char *replay; // printed when something is wrong
};

// What the first bytes of a client's stream tell the backend to do.
enum tri_mode {
	TRI_ECHO, // send back what comes
	TRI_BULK, // send `down` bytes of its own, check what comes
};
#define TRI_F_CLOSE_FIRST                                                                          \
	0x1             // the backend ends its stream when all is sent, whatever the client does
#define TRI_F_RESET 0x2 // the backend resets as soon as it has read its order
#define TRI_F_HOLD  0x4 // the backend does not end its stream
#define TRI_F_DEAF  0x8 // the backend reads its order and then nothing until told

struct tri_order {
	uint32_t id;
	uint8_t mode, flags;
	uint16_t zero;
	uint64_t down;
};

// One application's view of its connection.
struct tri_conn {
	bool used, client;
	uint8_t peer;
	wr_handle_t h;
	struct tri_order order;
	uint32_t order_bytes;  // of the order written or read
	uint64_t up;           // client: bytes to send behind the order
	uint64_t written, got; // without the order
	bool hold;             // do not end the stream
	bool deaf;             // do not read
	bool connected, eof, shut, closed, released;
	enum wr_tcp_end end;
	wr_us_t closed_us;
};

struct tri_peer {
	uint8_t index, side;
	bool dead; // takes no frame and sends none
	struct wr_tcp_stack *tcp;
	struct wr_stats stats;
	struct wr_addr addr4, addr6;
	struct rte_ether_addr mac;
	uint64_t frames_in;
};

struct tri_frame {
	struct rte_mbuf *m;
	wr_us_t at;
	uint64_t order;
	uint8_t side;
	bool to_peers;
	bool corrupt;
};

struct triple {
	struct tri_config cfg;
	wr_us_t now;
	wr_us_t tick_us;       // longest step of the clock; 0: any
	wr_us_t tick_least_us; // and the shortest: who waits for buffers tries again in every turn
	struct wr_rng rng;
	struct tri_watch watch;
	struct wr_conf *conf;
	struct wr_backends *backends;
	struct wr_port *port[2], *tap;
	struct wr_fabric *f;
	struct tri_esp *esp;             // the far gateway; NULL: no tunnels
	struct wr_fabric_change *change; // under way, towards `fresh`
	struct wr_conf *fresh;
	uint32_t changes; // that ended
	uint64_t kills;   // sessions of backends that were all reset
	const struct wr_mempools *pools;
	struct rte_mempool *peer_rx, *peer_small;
	struct tri_peer peer[TRI_PEERS];
	uint32_t peers;
	struct tri_conn conn[TRI_CONNS];
	uint32_t conns;
	uint16_t next_port;
	struct tri_frame *frames; // a heap
	uint32_t frame_count;
	uint64_t frame_order;
	uint64_t lost, no_buffer, strays, damaged;
	uint32_t buffers_away; // the test holds some of the RX pool: its ledger is not closed
	uint32_t steps;
	uint32_t check_every; // steps; 0: at the end only
	uint64_t event_count[WR_EV_COUNT];
	struct wr_event last[WR_EV_COUNT];
	uint64_t full[WR_Q_COUNT], high[WR_Q_COUNT], critical[WR_Q_COUNT], normal[WR_Q_COUNT];
};

struct triple *tri_create(const struct tri_config *cfg);
// Reset what still lives, let TIME-WAIT pass, check that nothing is left anywhere, and free.
void tri_finish(struct triple *t);

// When the next thing happens.
wr_us_t tri_next(struct triple *t);
// One step: everything that can happen now, then the clock to the next event, at most to `limit`.
void tri_step(struct triple *t, wr_us_t limit);
void tri_run(struct triple *t, wr_us_t us);
// All that can happen now, without moving the clock.
void tri_settle(struct triple *t);

#define TRI_WAIT(t, cond, us)                                                                      \
	do {                                                                                       \
		wr_us_t end_ = (t)->now + (us);                                                    \
		for (tri_settle(t); !(cond); tri_step((t), end_))                                  \
			if ((t)->now >= end_)                                                      \
				tri_fail((t), "not true in time: %s", #cond);                      \
	} while (0)

// Books of every worker: ledgers, walks, ports' own counts.
void tri_check(struct triple *t);

struct tri_want {
	enum tri_mode mode;
	uint8_t flags;
	uint64_t up, down;
	int family;       // 4 (default) or 6
	uint32_t service; // 0: the one of the start; n: the n-th address behind its own
	bool hold;        // the client does not end its stream
	uint8_t no_opts;  // WR_TCPOPT_* not to offer
	uint16_t mss;
	uint32_t rcv_buf; // of the client
};
struct tri_conn *tri_connect(struct triple *t, const struct tri_want *w);
// The backend's side of a client's connection, once its order has arrived; NULL before.
struct tri_conn *tri_other(struct triple *t, const struct tri_conn *c);
void tri_reset(struct triple *t, struct tri_conn *c);
// Whether the client got all it wanted and both sides ended in order.
bool tri_complete(struct triple *t, const struct tri_conn *c);

void tri_listen(struct triple *t, uint32_t backend, bool on);
struct wr_backend *tri_backend(struct triple *t, uint32_t backend);
void tri_post(struct triple *t, const struct wr_msg *m); // to every worker
// The message that asks for a check of a backend, noted as asked.
struct wr_msg tri_ask(struct wr_backend *be, enum wr_check_kind kind, wr_us_t timeout);
// One TCP check from worker 0, judged: 0 when it passed, else its errno.
int tri_probe(struct triple *t, uint32_t backend, wr_us_t timeout);

uint64_t tri_ctr(struct triple *t, enum wr_counter c); // over all workers
uint64_t tri_drop(struct triple *t, enum wr_drop d);
uint64_t tri_sessions(struct triple *t);
struct wr_service_counters tri_service(struct triple *t);
struct wr_backend_counters tri_backend_counters(struct triple *t, uint32_t backend);

// --- configurations, one after another (triple_change.c) ----------------------------------------

// What is in force, to be edited as if it came from a file.
struct wr_conf *tri_edit(const struct triple *t);
// Lay it over what is in force and ask the workers to take it over. 0, or negative errno and it is
// freed. Owned from then on.
int tri_change_begin(struct triple *t, struct wr_conf *fresh, struct wr_err *err);
// Go on with it. True: it is over, and what was in force before is overwritten and freed.
bool tri_change_turn(struct triple *t);
// The whole of it, at one time. NULL: what is in force once more, so that who has left is gone.
void tri_change(struct triple *t, struct wr_conf *fresh);
// One more service, as the first but for its name and addresses (the n-th behind it).
struct wr_conf_service *tri_add_service(
	struct triple *t, struct wr_conf *c, const char *name, uint32_t n, uint32_t pool);
struct wr_conf_pool *tri_add_pool(struct wr_conf *c, const char *name);
// One more backend: station i (0: the first), named after it.
struct wr_conf_backend *tri_add_backend(
	struct triple *t, struct wr_conf *c, uint32_t pool, uint32_t i);
// A turn of the control thread: changes, verdicts, checks to be made, sessions to be reset,
// addresses to be given up.
void tri_control(struct triple *t);
// Run with the control thread at work, every `each` microseconds.
void tri_run_controlled(struct triple *t, wr_us_t us, wr_us_t each);
// Nobody uses anything any more: what has left is gone, no place is taken.
void tri_check_left(struct triple *t);

#define tri_fail(t, ...) tri_die((t), __FILE__, __LINE__, __VA_ARGS__)
void tri_die(struct triple *t, const char *file, int line, const char *fmt, ...)
	__attribute__((noreturn, format(printf, 4, 5)));
#define TRI_CHECK(t, cond)                                                                         \
	do {                                                                                       \
		if (!(cond))                                                                       \
			tri_fail((t), "not true: %s", #cond);                                      \
	} while (0)
#define TRI_EQ(t, a, b)                                                                            \
	do {                                                                                       \
		uint64_t a_ = (uint64_t)(a), b_ = (uint64_t)(b);                                   \
		if (a_ != b_)                                                                      \
			tri_fail((t), "%s = %llu, but %s = %llu", #a, (unsigned long long)a_, #b,  \
				(unsigned long long)b_);                                           \
	} while (0)

// --- between the files of the harness ---------------------------------------------------------
void tri_net_send(struct triple *t, uint8_t side, bool to_peers, struct rte_mbuf *m);
bool tri_net_deliver(struct triple *t); // frames that are due; false: none were
bool tri_net_drain(struct triple *t);   // what the ports sent, onto the links
bool tri_apps_turn(struct triple *t, struct tri_peer *p);

// --- tunnels (triple_esp.c) ---------------------------------------------------------------------

struct tri_esp;
void tri_esp_configure(const struct triple *t, char *text, size_t len); // YAML
void tri_esp_create(struct triple *t);
void tri_esp_destroy(struct triple *t);
void tri_esp_rekey(
	struct triple *t); // new keys on both sides; those before stay good, older do not
const struct rte_ether_addr *tri_esp_station(const struct triple *t, const struct wr_addr *a);
// ESP that arrived at the gateway (consumed): the frame inside, or NULL.
struct rte_mbuf *tri_esp_open(struct triple *t, struct wr_pkt *k);
// A backend's packet towards `to`: the ESP packet, or the same when `to` is not behind a tunnel.
struct rte_mbuf *tri_esp_seal(struct triple *t, struct rte_mbuf *m, const struct wr_addr *to);
