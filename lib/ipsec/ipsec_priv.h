/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <rte_branch_prediction.h>
#include <rte_cryptodev.h>
#include <rte_ipsec.h>

#include "wr_ipsec.h"

#define IPSEC_BURST     64 // crypto operations of a worker at the same time
#define IPSEC_ICV_LEN   16 // of all ciphers here (RFC 4106 6, RFC 4868 2.6)
#define IPSEC_ESP_LEN   8  // SPI and sequence number (RFC 4303 2)
#define IPSEC_TRAILER   2  // pad length and next header
#define IPSEC_UDP_LEN   8
#define IPSEC_SALT_LEN  4  // of AES-GCM, in front of the IV
#define IPSEC_IV_ROOM   16 // behind an operation, for the IV
#define IPSEC_IV_OFFSET (sizeof(struct rte_crypto_op) + sizeof(struct rte_crypto_sym_op))

// The drivers. One device of each at most, with a queue pair for each worker.
enum ipsec_driver {
	IPSEC_DRIVER_GCM,
	IPSEC_DRIVER_MB,
	IPSEC_DRIVERS
};

// What a cipher is made of.
struct ipsec_cipher {
	enum ipsec_driver driver;
	uint8_t key_len, iv_len, align; // iv_len: on the wire; align: of what is encrypted
	bool aead;
};
const struct ipsec_cipher *ipsec_cipher(enum wr_ipsec_cipher c);

struct wr_ipsec_device {
	bool open[IPSEC_DRIVERS], started[IPSEC_DRIVERS];
	uint8_t id[IPSEC_DRIVERS]; // cryptodev
	char name[IPSEC_DRIVERS][RTE_CRYPTODEV_NAME_MAX_LEN];
	uint32_t ciphers;
	uint16_t workers;
	struct rte_mempool *sessions;
};

// A number that no name of this process has yet. Control thread.
uint32_t ipsec_serial(void);
// Make the cryptodev of one driver and see that it can what d->ciphers wants of it. 0, -ENODEV,
// -ENOTSUP; wr_ipsec_device_destroy() undoes it.
int ipsec_device_plug(struct wr_ipsec_device *d, enum ipsec_driver v, const char *driver, int node,
	struct wr_err *err);
// How many operations a queue pair takes.
uint32_t ipsec_device_descriptors(void);

// One association, followed by what rte_ipsec keeps of it.
struct wr_ipsec_sa {
	struct rte_ipsec_session ss;
	const struct wr_ipsec_tunnel *t;
	struct rte_mempool *sessions; // that ss.crypto.ses is from
	uint32_t spi, generation;
	uint16_t tunnel, worker;
	uint8_t dev; // cryptodev
	bool out, aead;
	uint64_t iv; // of what is sent: added to its sequence number
	uint8_t align, iv_len;
	wr_us_t made_us, end_us;           // first moment at which it is not used any more
	uint64_t most_packets, most_bytes; // that it may ever protect
	// From here on written by its worker, read by anybody.
	bool expired;
	uint64_t packets, bytes, replayed, forged, malformed, misplaced, sequence;
	uint32_t size;                     // of the whole allocation
	uint32_t window_size, window_mask; // window.h; of arriving ones
	uint64_t *window;
};

// As wr_ipsec_sa_create(), but with a first sequence number (0: as usual): of arriving ones the
// highest that was seen.
struct wr_ipsec_sa *ipsec_sa_create_at(struct wr_ipsec_device *d, const struct wr_ipsec_tunnel *t,
	uint16_t tunnel, const struct wr_ipsec_key *k, uint32_t generation, wr_us_t now,
	uint64_t sequence, struct wr_err *err);

// Whether `bytes` more may be protected at `now`. When not, it has ended for good.
static inline bool ipsec_sa_alive(struct wr_ipsec_sa *sa, uint64_t bytes, wr_us_t now)
{
	if (likely(!sa->expired && now < sa->end_us && sa->packets < sa->most_packets &&
		    sa->bytes < sa->most_bytes && bytes <= sa->most_bytes - sa->bytes))
		return true;
	__atomic_store_n(&sa->expired, true, __ATOMIC_RELAXED);
	return false;
}

// Add to a count that others read.
static inline void ipsec_count(uint64_t *word, uint64_t n)
{
	__atomic_store_n(word, *word + n, __ATOMIC_RELAXED);
}

// Bytes of what is encrypted: `len` bytes, padding and trailer (RFC 4303 2.4).
static inline uint32_t ipsec_padded(const struct wr_ipsec_sa *sa, uint32_t len)
{
	return RTE_ALIGN_CEIL(len + IPSEC_TRAILER, (uint32_t)sa->align);
}

// A slot of struct wr_ipsec_sad that was left.
#define IPSEC_SAD_GONE ((struct wr_ipsec_sa *)(uintptr_t)1)

struct wr_ipsec_sad {
	uint32_t mask, shift, used, gone, max; // slots - 1; of the hash; associations; GONE; limit
	struct wr_ipsec_sa **slot;             // the half of `array` that is in use
	struct wr_ipsec_sa *array[];           // [2 * slots]
};

// Packets of one association in a row.
struct ipsec_run {
	struct wr_ipsec_sa *sa;
	uint16_t first, count; // in the burst
	uint16_t ready;        // the first so many were accepted for the crypto device
	uint16_t good;         // the first so many came out
};

struct wr_ipsec {
	struct wr_ipsec_config cfg;
	uint32_t room; // of a buffer behind its headroom
	struct rte_mempool *op_pool;
	struct rte_crypto_op *ops[IPSEC_BURST];
	uint32_t ops_most; // since the last look
	struct wr_ipsec_sa *out[WR_MAX_TUNNELS];
};

// Run `n` runs of at most IPSEC_BURST packets through the crypto devices, to the end. Within a run
// the good packets come first, then what rte_ipsec refused afterwards, then what it refused before.
// Of those in the middle RTE_MBUF_F_RX_SEC_OFFLOAD_FAILED means that the crypto device did, and
// RTE_MBUF_F_RX_SEC_OFFLOAD alone that the packet's trailer is wrong.
void ipsec_crypt(struct wr_ipsec *x, struct ipsec_run *runs, uint16_t n, struct rte_mbuf **m);

// Add packet number `i` of `sa` to the runs of a burst; returns how many there are then.
static inline uint16_t ipsec_run_add(
	struct ipsec_run *runs, uint16_t n, struct wr_ipsec_sa *sa, uint16_t i)
{
	if (n > 0 && runs[n - 1].sa == sa) {
		runs[n - 1].count++;
		return n;
	}
	runs[n] = (struct ipsec_run){.sa = sa, .first = i, .count = 1};
	return n + 1;
}
