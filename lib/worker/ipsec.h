/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "worker_priv.h"
#include "wr_ipsec.h"

// Smallest packet that everybody can be expected to take (RFC 1122 3.3.2, RFC 8200 5): below it a
// tunnel is refused.
#define WR_IPSEC_INNER_LEAST 576

#define GUARDS_MAX 256

// What all workers share for encrypted paths.
struct fabric_ipsec {
	uint16_t count;
	struct wr_ipsec_tunnel tunnel[WR_MAX_TUNNELS];
	struct wr_prefix to[WR_MAX_TUNNELS][WR_MAX_TUNNEL_TO];
	const struct wr_prefix *to_list[WR_MAX_TUNNELS];
	uint32_t to_count[WR_MAX_TUNNELS];
	uint16_t udp_count;
	uint16_t udp_port[WR_MAX_TUNNELS];
	// Sources of pools with a tunnel, of every configuration there was: their sessions may live
	// on. Written by the control thread, only added to; more than fit: all addresses.
	uint32_t guard_count;
	struct wr_conf_source guard[GUARDS_MAX];
	struct wr_ipsec_sad *sad;
	struct wr_ipsec_device *device;
};

int fabric_ipsec_create(struct wr_fabric *f, struct wr_err *err);
void fabric_ipsec_destroy(struct wr_fabric *f); // workers are gone
// Tunnels in layer 3's words: [tunnel_count].
void fabric_ipsec_l3(const struct wr_conf *c, struct wr_l3_tunnel *out);
// Tell layer 3 what fits into each; there must be a way to its far end.
int fabric_ipsec_paths(struct wr_fabric *f, struct wr_err *err);
// Remember the sources of a configuration that is to be taken over.
void fabric_ipsec_guard(struct wr_fabric *f, const struct wr_conf *c);
int worker_ipsec_create(struct wr_worker *w, struct wr_err *err);

// Encrypt what layer 3 kept, and send it.
void worker_ipsec_out(struct wr_worker *w, struct wr_l3_tx *tx, wr_us_t now);

// Whether connections to what is behind tunnels may begin at this address of ours: then what
// arrives there in clear is looked at.
bool worker_ipsec_guards(
	const struct wr_worker *w, const struct wr_addr *local, enum wr_l3_class c);

// In clear from behind a tunnel, and not neighbour discovery (RFC 4301 5.2).
bool worker_ipsec_clear(const struct wr_worker *w, const struct wr_pkt *p);
// IKE, which goes to the kernel (RFC 7296 2, RFC 3948 2.2).
bool worker_ipsec_is_ike(const struct wr_pkt *p);
// Take out what the kernel sends in clear to behind a tunnel; returns how many are left.
uint16_t worker_ipsec_sift(struct wr_worker *w, struct rte_mbuf **m, uint16_t n);

// ESP of one burst that this worker opens.
struct esp_burst {
	uint16_t count;
	uint16_t owner; // of ESP_OTHER
	struct wr_pkt pkt[WR_BURST];
	struct wr_ipsec_sa *sa[WR_BURST];
};
enum esp_take {
	ESP_NOT,   // no ESP
	ESP_MINE,  // taken into the burst
	ESP_OTHER, // of worker b->owner
	ESP_DROP,  // *why
};
// `p` is of kind WR_PKT_PUNT.
enum esp_take worker_ipsec_take(
	struct wr_worker *w, const struct wr_pkt *p, struct esp_burst *b, enum wr_drop *why);
