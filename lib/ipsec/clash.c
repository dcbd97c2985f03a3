/* SPDX-License-Identifier: BSD-3-Clause */

// Keys of two tunnels that may not be at once. The same rules hold for new keys of a tunnel against
// all that live (lib/ctl), where only hashes of keys are kept.

#include <string.h>

#include "wr_ipsec_keys.h"

// All that is secret of it.
static bool same_key(const struct wr_ipsec_key *a, const struct wr_ipsec_key *b)
{
	return a->key_len == b->key_len && memcmp(a->key, b->key, sizeof(a->key)) == 0 &&
	       memcmp(a->salt, b->salt, sizeof(a->salt)) == 0 &&
	       memcmp(a->auth, b->auth, sizeof(a->auth)) == 0;
}

static bool pair(const struct wr_ipsec_key *a, const struct wr_ipsec_key *b, bool one_remote,
	struct wr_ipsec_clash *out)
{
	// Each end gives the SPIs of what arrives there (RFC 4301 4.1).
	bool spi = a->out == b->out && a->spi == b->spi && (!a->out || one_remote);

	if (!spi && !same_key(a, b))
		return false;
	*out = (struct wr_ipsec_clash){.a = a, .b = b, .spi = spi};
	return true;
}

bool wr_ipsec_keys_clash(const struct wr_ipsec_keys *a, const struct wr_ipsec_keys *b,
	bool one_remote, struct wr_ipsec_clash *out)
{
	for (uint16_t i = 0; i < a->workers; i++)
		for (uint16_t k = 0; k < b->workers; k++)
			if (pair(&a->in[i], &b->in[k], one_remote, out) ||
				pair(&a->out[i], &b->out[k], one_remote, out) ||
				pair(&a->in[i], &b->out[k], one_remote, out) ||
				pair(&a->out[i], &b->in[k], one_remote, out))
				return true;
	return false;
}
