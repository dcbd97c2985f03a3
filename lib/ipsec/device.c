/* SPDX-License-Identifier: BSD-3-Clause */
// rte_cryptodev_sym_session_pool_create(), see tests/lint/experimental.txt.
#define ALLOW_EXPERIMENTAL_API

#include "ipsec_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_dev.h>
#include <rte_errno.h>
#include <rte_malloc.h>

#define DEVICE_DESCRIPTORS 1024 // far above a burst, so that a queue is never full
#define DEVICE_GENERATIONS 4    // of keys: next, current, old, leaving

static const struct ipsec_cipher ciphers[WR_IPSEC_CIPHERS] = {
	[WR_IPSEC_AES_GCM_128] = {IPSEC_DRIVER_GCM, 16, 8, 4, true},
	[WR_IPSEC_AES_GCM_256] = {IPSEC_DRIVER_GCM, 32, 8, 4, true},
	[WR_IPSEC_AES_CBC_128_SHA256] = {IPSEC_DRIVER_MB, 16, 16, 16, false},
	[WR_IPSEC_AES_CBC_256_SHA256] = {IPSEC_DRIVER_MB, 32, 16, 16, false},
};

static const char *const drivers[IPSEC_DRIVERS] = {
	[IPSEC_DRIVER_GCM] = "crypto_aesni_gcm",
	[IPSEC_DRIVER_MB] = "crypto_aesni_mb",
};

const struct ipsec_cipher *ipsec_cipher(enum wr_ipsec_cipher c)
{
	return &ciphers[c];
}

uint32_t ipsec_serial(void)
{
	static uint32_t next; // names of pools and devices are one space of the whole process

	return __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
}

uint32_t ipsec_device_descriptors(void)
{
	return DEVICE_DESCRIPTORS;
}

static bool can_gcm(uint8_t id, const struct ipsec_cipher *c)
{
	struct rte_cryptodev_sym_capability_idx idx = {
		.type = RTE_CRYPTO_SYM_XFORM_AEAD, .algo.aead = RTE_CRYPTO_AEAD_AES_GCM};
	const struct rte_cryptodev_symmetric_capability *cap =
		rte_cryptodev_sym_capability_get(id, &idx);

	// Additional data: SPI and a sequence number of 4 or 8 bytes (RFC 4106 5).
	return cap != NULL &&
	       rte_cryptodev_sym_capability_check_aead(cap, c->key_len, IPSEC_ICV_LEN, 8, 12) ==
	               0 &&
	       rte_cryptodev_sym_capability_check_aead(cap, c->key_len, IPSEC_ICV_LEN, 12, 12) == 0;
}

static bool can_cbc(uint8_t id, const struct ipsec_cipher *c)
{
	struct rte_cryptodev_sym_capability_idx idx = {
		.type = RTE_CRYPTO_SYM_XFORM_CIPHER, .algo.cipher = RTE_CRYPTO_CIPHER_AES_CBC};
	const struct rte_cryptodev_symmetric_capability *cap =
		rte_cryptodev_sym_capability_get(id, &idx);

	if (cap == NULL ||
		rte_cryptodev_sym_capability_check_cipher(cap, c->key_len, c->iv_len) != 0)
		return false;
	idx.type = RTE_CRYPTO_SYM_XFORM_AUTH;
	idx.algo.auth = RTE_CRYPTO_AUTH_SHA256_HMAC;
	cap = rte_cryptodev_sym_capability_get(id, &idx);
	return cap != NULL &&
	       rte_cryptodev_sym_capability_check_auth(cap, 32, IPSEC_ICV_LEN, 0) == 0;
}

// Each cipher asked for that this driver is for.
static int check_ciphers(const struct wr_ipsec_device *d, enum ipsec_driver v, const char *driver,
	struct wr_err *err)
{
	for (uint32_t i = 0; i < WR_IPSEC_CIPHERS; i++) {
		const struct ipsec_cipher *c = &ciphers[i];

		if ((d->ciphers & 1u << i) == 0 || c->driver != v)
			continue;
		if (c->aead ? can_gcm(d->id[v], c) : can_cbc(d->id[v], c))
			continue;
		return wr_err_set(err, ENOTSUP,
			"this box's ipsec-mb (DPDK driver %s) lacks %s with a key of %u bytes: "
			"choose another tunnels[].cipher, or install a newer libipsec-mb1",
			driver, wr_ipsec_cipher_name((enum wr_ipsec_cipher)i), c->key_len);
	}
	return 0;
}

static bool driver_needed(uint32_t set, enum ipsec_driver v)
{
	for (uint32_t i = 0; i < WR_IPSEC_CIPHERS; i++)
		if ((set & 1u << i) != 0 && ciphers[i].driver == v)
			return true;
	return false;
}

// The first cipher of the set that needs a driver, for a message.
static const char *driver_user(uint32_t set, enum ipsec_driver v)
{
	uint32_t i = 0;

	while ((set & 1u << i) == 0 || ciphers[i].driver != v)
		i++;
	return wr_ipsec_cipher_name((enum wr_ipsec_cipher)i);
}

int ipsec_device_plug(struct wr_ipsec_device *d, enum ipsec_driver v, const char *driver, int node,
	struct wr_err *err)
{
	char args[64];
	int id, rc;

	snprintf(d->name[v], sizeof(d->name[v]), "%s_weir%u", driver, ipsec_serial());
	snprintf(args, sizeof(args), "max_nb_queue_pairs=%u,socket_id=%d", d->workers,
		node < 0 ? 0 : node);
	rc = rte_eal_hotplug_add("vdev", d->name[v], args);
	if (rc != 0)
		return wr_err_set(err, ENODEV,
			"the DPDK driver %s, which %s needs, does not start (%s): install the "
			"package librte-crypto-ipsec-mb23 (libipsec-mb1) and look whether the CPU "
			"has AES instructions",
			driver, driver_user(d->ciphers, v), strerror(-rc));
	d->open[v] = true;
	id = rte_cryptodev_get_dev_id(d->name[v]);
	if (id < 0)
		return wr_err_set(
			err, ENODEV, "the DPDK driver %s made no device %s", driver, d->name[v]);
	d->id[v] = (uint8_t)id;
	return check_ciphers(d, v, driver, err);
}

static int make_sessions(struct wr_ipsec_device *d, int node, struct wr_err *err)
{
	// An association a tunnel, direction and worker, of each generation that there can be.
	uint32_t n = WR_MAX_TUNNELS * 2u * DEVICE_GENERATIONS * d->workers, size = 0;
	char name[RTE_MEMPOOL_NAMESIZE];

	for (uint32_t v = 0; v < IPSEC_DRIVERS; v++)
		if (d->open[v])
			size = RTE_MAX(size, rte_cryptodev_sym_get_private_session_size(d->id[v]));
	snprintf(name, sizeof(name), "weir_ipsec_ses%u", ipsec_serial());
	d->sessions = rte_cryptodev_sym_session_pool_create(name, n, size, 0, 0, node);
	if (d->sessions == NULL)
		return wr_err_set(err, ENOMEM,
			"no memory for %u crypto sessions of %u bytes (%s): give the instance more "
			"huge pages",
			n, size, rte_strerror(rte_errno));
	return 0;
}

static int start(struct wr_ipsec_device *d, enum ipsec_driver v, int node, struct wr_err *err)
{
	struct rte_cryptodev_config conf = {
		.socket_id = node < 0 ? 0 : node,
		.nb_queue_pairs = d->workers,
		.ff_disable = RTE_CRYPTODEV_FF_ASYMMETRIC_CRYPTO | RTE_CRYPTODEV_FF_SECURITY,
	};
	struct rte_cryptodev_qp_conf qp = {
		.nb_descriptors = DEVICE_DESCRIPTORS, .mp_session = d->sessions};
	int rc = rte_cryptodev_configure(d->id[v], &conf);

	for (uint16_t q = 0; rc == 0 && q < d->workers; q++)
		rc = rte_cryptodev_queue_pair_setup(d->id[v], q, &qp, conf.socket_id);
	if (rc == 0)
		rc = rte_cryptodev_start(d->id[v]);
	d->started[v] = rc == 0;
	if (rc != 0)
		return wr_err_set(err, -rc,
			"the crypto device %s cannot be set up for %u workers (%s): give the "
			"instance more huge pages or fewer workers",
			d->name[v], d->workers, strerror(-rc));
	return 0;
}

struct wr_ipsec_device *wr_ipsec_device_create(
	uint32_t set, uint16_t workers, int numa_node, struct wr_err *err)
{
	struct wr_ipsec_device *d;
	int rc = 0;

	if (set == 0 || workers == 0) {
		wr_err_set(err, EINVAL, "crypto devices for no cipher or no worker");
		return NULL;
	}
	d = rte_zmalloc_socket("ipsec_device", sizeof(*d), 0, numa_node);
	if (d == NULL) {
		wr_err_set(err, ENOMEM, "no memory for the crypto devices");
		return NULL;
	}
	d->ciphers = set;
	d->workers = workers;
	for (uint32_t v = 0; rc == 0 && v < IPSEC_DRIVERS; v++)
		if (driver_needed(set, v))
			rc = ipsec_device_plug(d, v, drivers[v], numa_node, err);
	if (rc == 0)
		rc = make_sessions(d, numa_node, err);
	for (uint32_t v = 0; rc == 0 && v < IPSEC_DRIVERS; v++)
		if (d->open[v])
			rc = start(d, v, numa_node, err);
	if (rc == 0)
		return d;
	wr_ipsec_device_destroy(d);
	return NULL;
}

void wr_ipsec_device_destroy(struct wr_ipsec_device *d)
{
	if (d == NULL)
		return;
	for (uint32_t v = 0; v < IPSEC_DRIVERS; v++) {
		if (!d->open[v])
			continue;
		if (d->started[v])
			rte_cryptodev_stop(d->id[v]);
		rte_cryptodev_close(d->id[v]);
		rte_eal_hotplug_remove("vdev", d->name[v]);
	}
	rte_mempool_free(d->sessions);
	rte_free(d);
}
