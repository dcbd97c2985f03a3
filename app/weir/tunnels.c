/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnels.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_cpuflags.h>

_Static_assert((int)WR_CONF_CIPHER_AES_GCM_128 == (int)WR_IPSEC_AES_GCM_128 &&
		       (int)WR_CONF_CIPHER_AES_GCM_256 == (int)WR_IPSEC_AES_GCM_256 &&
		       (int)WR_CONF_CIPHER_AES_CBC_128_SHA256 == (int)WR_IPSEC_AES_CBC_128_SHA256 &&
		       (int)WR_CONF_CIPHER_AES_CBC_256_SHA256 == (int)WR_IPSEC_AES_CBC_256_SHA256,
	"ciphers are in one order");

bool tunnels_cpu(void)
{
	return rte_cpu_get_flag_enabled(RTE_CPUFLAG_AES) > 0;
}

static void say_where(const struct wr_conf *c, uint32_t i, struct wr_err *err)
{
	wr_err_prefix(err, "%s:%u: tunnel %s", c->file, c->tunnels[i].line, c->tunnels[i].name);
}

int tunnels_load(const struct wr_conf *c, const char *root, uint32_t i, struct wr_ipsec_keys *out,
	struct wr_err *err)
{
	const struct wr_conf_tunnel *t = &c->tunnels[i];
	char path[768];
	int rc;

	snprintf(path, sizeof(path), "%s%s", root, t->keys);
	rc = wr_ipsec_keys_load_as(c->runtime.user, path, (enum wr_ipsec_cipher)t->cipher,
		(uint16_t)c->runtime.worker_count, out, err);
	if (rc < 0)
		say_where(c, i, err);
	return rc;
}

// Of tunnels `i` and `k`, in this order.
static void say_clash(const struct wr_conf *c, uint32_t i, uint32_t k,
	const struct wr_ipsec_clash *clash, struct wr_err *err)
{
	const struct wr_conf_tunnel *t = &c->tunnels[i], *other = &c->tunnels[k];
	char remote[WR_ADDR_STR];

	if (!clash->spi)
		wr_err_set(err, EINVAL,
			"%s:%u: KEY is that of tunnel %s too (line %u of %s, %s:%u); cure: a "
			"random key of its own for each association, here and on its far side",
			t->keys, clash->a->line, other->name, other->line, c->file, other->keys,
			clash->b->line);
	else if (clash->a->out)
		wr_err_set(err, EINVAL,
			"%s:%u: SPI %#x is sent to %s by tunnel %s too (line %u of %s, %s:%u); "
			"cure: another SPI for one of them, here and on its far side",
			t->keys, clash->a->line, clash->a->spi,
			wr_addr_format(&t->remote, remote, sizeof(remote)), other->name,
			other->line, c->file, other->keys, clash->b->line);
	else
		wr_err_set(err, EINVAL,
			"%s:%u: SPI %#x arrives for tunnel %s too (line %u of %s, %s:%u); "
			"cure: another SPI for one of them, here and on its far side",
			t->keys, clash->a->line, clash->a->spi, other->name, other->line, c->file,
			other->keys, clash->b->line);
	say_where(c, i, err);
}

int tunnels_clash(const struct wr_conf *c, const struct wr_ipsec_keys *keys, struct wr_err *err)
{
	struct wr_ipsec_clash clash;

	for (uint32_t i = 1; i < c->tunnel_count; i++)
		for (uint32_t k = 0; k < i; k++) {
			bool one_remote = wr_addr_eq(&c->tunnels[i].remote, &c->tunnels[k].remote);

			if (!wr_ipsec_keys_clash(&keys[i], &keys[k], one_remote, &clash))
				continue;
			say_clash(c, i, k, &clash, err);
			return -EINVAL;
		}
	return 0;
}

int tunnels_check(const struct wr_conf *c, bool aes, struct wr_err *err)
{
	size_t len = c->tunnel_count * sizeof(struct wr_ipsec_keys);
	struct wr_ipsec_keys *keys;
	int rc = 0;

	if (c->tunnel_count == 0)
		return 0;
	if (!aes) {
		wr_err_set(err, ENOTSUP,
			"this CPU has no AES instructions, which encryption needs; cure: a CPU "
			"that has them (a guest: one that is shown them, as qemu -cpu host does), "
			"or no tunnels");
		say_where(c, 0, err);
		return -ENOTSUP;
	}
	keys = malloc(len);
	if (keys == NULL)
		return wr_err_set(err, ENOMEM, "%s: no memory to read key files", c->file);
	memset(keys, 0, len);
	for (uint32_t i = 0; rc == 0 && i < c->tunnel_count; i++)
		rc = tunnels_load(c, "", i, &keys[i], err);
	if (rc == 0)
		rc = tunnels_clash(c, keys, err);
	explicit_bzero(keys, len);
	free(keys);
	return rc;
}
