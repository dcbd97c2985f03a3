/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wr_err.h"
#include "wr_limits.h"

// Key files. One association a line, words separated by blanks, `#` begins a comment:
//
//   WORKER  in|out  SPI         KEY (hex)                AUTHENTICATION KEY (hex, AES-CBC only)
//   0       out     0x00001001  3f0a...
//   0       in      0x00002001  91bb...
//
// KEY of AES-GCM is key and salt (RFC 4106: 16 + 4 or 32 + 4 bytes), of AES-CBC the key alone (16
// or 32), with an authentication key of 32 bytes (RFC 4868). Each worker needs one line in and one
// line out. No message ever shows any part of a key.

enum wr_ipsec_cipher {
	WR_IPSEC_AES_GCM_128,        // aes-gcm-128 (RFC 4106, ICV of 16 bytes)
	WR_IPSEC_AES_GCM_256,        // aes-gcm-256
	WR_IPSEC_AES_CBC_128_SHA256, // aes-cbc-128-sha256 (RFC 3602, RFC 4868: ICV of 16 bytes)
	WR_IPSEC_AES_CBC_256_SHA256, // aes-cbc-256-sha256
	WR_IPSEC_CIPHERS
};
const char *wr_ipsec_cipher_name(enum wr_ipsec_cipher c); // "aes-gcm-128"

// Key material of one association.
struct wr_ipsec_key {
	uint16_t worker;
	bool out;
	uint32_t spi; // host order; 256 or above (RFC 4303 2.1)
	uint8_t key[32];
	uint8_t key_len;
	uint8_t salt[4];  // AES-GCM
	uint8_t auth[32]; // AES-CBC
	// Of what is sent: where its IVs begin, random, so that keys that are used again after a
	// restart repeat no IV (but with a chance of packets / 2^63). Not in the file: load fills
	// it.
	uint64_t iv;
	uint32_t line; // in its file
};

// All associations of one tunnel, of one generation.
struct wr_ipsec_keys {
	uint16_t workers;
	struct wr_ipsec_key in[WR_MAX_WORKERS], out[WR_MAX_WORKERS]; // by worker
};

// Read text of `len` bytes; `file` only names it. 0 or -EINVAL with a sentence that names file and
// line, what is wrong and what would be right, never the value of a key: a word missing, hex that
// is none, a key of another length, all bytes of a key equal, a key twice, an SPI below 256 or
// twice in a direction, a worker twice or above `workers`, a worker without an association in one
// direction ("an association without a peer"). On error *out is wiped.
int wr_ipsec_keys_parse(const char *file, const char *text, size_t len, enum wr_ipsec_cipher cipher,
	uint16_t workers, struct wr_ipsec_keys *out, struct wr_err *err);

// Read a file. Refused unless it is a regular file of root or of the present user that nobody else
// may read or write (-EACCES; the sentence says which chmod or chown cures it). At most 1 MiB.
int wr_ipsec_keys_load(const char *file, enum wr_ipsec_cipher cipher, uint16_t workers,
	struct wr_ipsec_keys *out, struct wr_err *err);

// The same, but the file may also be of `user` (runtime.user; "": none), who reads it again once
// root's rights are given up.
int wr_ipsec_keys_load_as(const char *user, const char *file, enum wr_ipsec_cipher cipher,
	uint16_t workers, struct wr_ipsec_keys *out, struct wr_err *err);

// Two associations, of two tunnels, that may not be at once.
struct wr_ipsec_clash {
	const struct wr_ipsec_key *a, *b; // of the first tunnel and of the second
	bool spi;                         // they have one SPI; false: one key
};

// Whether the keys of two tunnels may not be at once: both have an SPI that arrives, or one that is
// sent when they are sent to `one_remote`, or a key, whatever its direction.
bool wr_ipsec_keys_clash(const struct wr_ipsec_keys *a, const struct wr_ipsec_keys *b,
	bool one_remote, struct wr_ipsec_clash *out);

void wr_ipsec_keys_wipe(struct wr_ipsec_keys *k);
