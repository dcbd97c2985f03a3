/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "ep.h"
#include "gen.h"
#include "wr_l3.h"
#include "wr_mempool.h"
#include "wr_port.h"
#include "wr_stats.h"

// A host: one port with layer 3 and TCP endpoints of its own. Hosts of one process know nothing of
// each other, so that clients on one port can talk to backends on another through what is tested.

#define HOST_BACKLOG 2048u // frames waiting for the port; a power of two
#define HOST_SPARE   64u   // of which layer 3 alone may take the last ones

struct capture;

struct host {
	const struct gen_port *conf;
	struct wr_port *port;
	struct wr_l3_net *net;
	struct wr_l3 *l3;
	struct ep_stack *ep;
	struct wr_stats stats; // of this host: drops by reason
	struct capture *capture;
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes, tx_errors;
	uint32_t range_count; // source addresses of its clients
	struct gen_range ranges[GEN_MAX_CLIENTS * GEN_MAX_RANGES];
	bool spoofs;          // a packet stream leaves here: its answers are nobody's
	uint64_t stamped;     // frames that came back to a stream
	uint32_t head, count; // of the backlog
	struct rte_mbuf *backlog[HOST_BACKLOG];
};

struct host_env {
	const struct gen_conf *conf;
	const struct wr_mempools *pools;
	uint32_t app_bytes; // of a connection: the larger of clients and backends
	uint64_t seed;
};

// Layer 3 and endpoints for a started port: the addresses that clients send from and backends
// listen on are this host's. Sentence on error.
int host_init(struct host *h, uint16_t index, const struct host_env *env, const struct gen_now *now,
	struct wr_err *err);
void host_fini(struct host *h); // not the port

// The port that clients or a backend belong to: the one that was named, else the one whose prefix
// holds the address, else (clients) the one with a gateway of its family. -1: none.
int host_of_client(const struct gen_conf *conf, const struct gen_client *c);
int host_of_backend(const struct gen_conf *conf, const struct gen_backend *b);

// Receive and take in at most one burst; frames of stamped streams are shown to `judge` first,
// which returns true for its own. Returns how many were read.
typedef bool (*host_judge)(void *arg, const struct wr_pkt *p, const struct gen_now *now);
uint32_t host_rx(struct host *h, host_judge judge, void *arg, const struct gen_now *now);

// Frames for which the backlog has room besides what layer 3 may need.
static inline uint32_t host_room(const struct host *h)
{
	return h->count + HOST_SPARE < HOST_BACKLOG ? HOST_BACKLOG - HOST_SPARE - h->count : 0;
}

// Segments of the endpoints through layer 3 into the backlog, then the backlog into the port.
uint32_t host_output(struct host *h, const struct gen_now *now);

// Begin to ask for the next hop of an address (an ICMP echo to it); whether it is known by now.
void host_ask(struct host *h, const struct wr_addr *to, const struct wr_addr *from,
	struct rte_mempool *small, const struct gen_now *now);
bool host_knows(const struct host *h, const struct wr_addr *to, struct rte_ether_addr *mac,
	const struct gen_now *now);
