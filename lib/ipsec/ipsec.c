/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec_priv.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_malloc.h>

static int make_ops(struct wr_ipsec *x, struct wr_err *err)
{
	char name[RTE_MEMPOOL_NAMESIZE];

	snprintf(name, sizeof(name), "weir_ipsec_op%u", ipsec_serial());
	x->op_pool = rte_crypto_op_pool_create(name, RTE_CRYPTO_OP_TYPE_SYMMETRIC, IPSEC_BURST, 0,
		IPSEC_IV_ROOM, x->cfg.numa_node);
	if (x->op_pool == NULL || rte_crypto_op_bulk_alloc(x->op_pool, RTE_CRYPTO_OP_TYPE_SYMMETRIC,
					  x->ops, IPSEC_BURST) != IPSEC_BURST)
		return wr_err_set(err, ENOMEM,
			"no memory for the crypto operations of worker %u: give the instance more "
			"huge pages",
			x->cfg.worker);
	return 0;
}

struct wr_ipsec *wr_ipsec_create(const struct wr_ipsec_config *cfg, struct wr_err *err)
{
	struct wr_ipsec *x;

	if (cfg->tunnel_count > WR_MAX_TUNNELS || cfg->worker >= cfg->device->workers) {
		wr_err_set(err, EINVAL, "%u tunnels or worker %u are more than there can be",
			cfg->tunnel_count, cfg->worker);
		return NULL;
	}
	x = rte_zmalloc_socket("ipsec", sizeof(*x), RTE_CACHE_LINE_SIZE, cfg->numa_node);
	if (x == NULL) {
		wr_err_set(err, ENOMEM, "no memory for the IPsec part of worker %u", cfg->worker);
		return NULL;
	}
	x->cfg = *cfg;
	x->room = rte_pktmbuf_data_room_size(cfg->pool) - (uint32_t)RTE_PKTMBUF_HEADROOM;
	if (make_ops(x, err) == 0)
		return x;
	wr_ipsec_destroy(x);
	return NULL;
}

void wr_ipsec_destroy(struct wr_ipsec *x)
{
	if (x == NULL)
		return;
	// The operations are of this pool and go with it.
	rte_mempool_free(x->op_pool);
	rte_free(x);
}

struct wr_ipsec_sa *wr_ipsec_set_out(struct wr_ipsec *x, uint16_t tunnel, struct wr_ipsec_sa *sa)
{
	struct wr_ipsec_sa *was = x->out[tunnel];

	x->out[tunnel] = sa;
	return was;
}

// Operations [from, to) through one device, until all are back. A software driver has finished all
// of them by the time that it was asked often enough, so this ends.
static void run_device(struct wr_ipsec *x, uint8_t dev, uint16_t from, uint16_t to)
{
	struct rte_crypto_op *back[IPSEC_BURST];
	uint16_t sent = from, left = to - from;

	x->ops_most = RTE_MAX(x->ops_most, (uint32_t)left);
	while (left > 0) {
		if (sent < to)
			sent += rte_cryptodev_enqueue_burst(
				dev, x->cfg.worker, x->ops + sent, to - sent);
		left -= rte_cryptodev_dequeue_burst(dev, x->cfg.worker, back, left);
	}
}

// rte_ipsec takes the sequence number as IV. That begins anew when keys are used again, after a
// restart; an IV that comes twice gives AES-GCM away (NIST SP 800-38D 8). So an association adds a
// number of its own: any IV will do that no other packet of the key has (RFC 4106 3.1).
static void set_iv(const struct wr_ipsec_sa *sa, struct rte_crypto_op *op)
{
	uint8_t *of_op = rte_crypto_op_ctod_offset(op, uint8_t *, IPSEC_IV_OFFSET);
	uint32_t field =
		sa->aead ? op->sym->aead.data.offset - sa->iv_len : op->sym->cipher.data.offset;
	uint8_t *of_packet = rte_pktmbuf_mtod_offset(op->sym->m_src, uint8_t *, field);
	uint64_t iv;

	memcpy(&iv, of_packet, sizeof(iv));
	iv = rte_cpu_to_be_64(rte_be_to_cpu_64(iv) + sa->iv);
	memcpy(of_packet, &iv, sizeof(iv));
	if (sa->aead)
		memcpy(of_op + IPSEC_SALT_LEN, &iv, sizeof(iv));
	else
		// CBC needs an IV that nobody can foresee (NIST SP 800-38A appendix C): with zero
		// here the field, which is encrypted as the first block, becomes the appendix's
		// first method. Operations are used again, and of arriving packets their IV is the
		// packet's.
		memset(of_op, 0, IPSEC_IV_ROOM);
}

static void prepare(struct wr_ipsec *x, struct ipsec_run *r, struct rte_mbuf **m, uint16_t at)
{
	r->ready = rte_ipsec_pkt_crypto_prepare(&r->sa->ss, m + r->first, x->ops + at, r->count);
	for (uint16_t i = 0; r->sa->out && i < r->ready; i++)
		set_iv(r->sa, x->ops[at + i]);
}

void ipsec_crypt(struct wr_ipsec *x, struct ipsec_run *runs, uint16_t n, struct rte_mbuf **m)
{
	uint16_t ready = 0, sent = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (i > 0 && runs[i].sa->dev != runs[i - 1].sa->dev) {
			run_device(x, runs[i - 1].sa->dev, sent, ready);
			sent = ready;
		}
		prepare(x, &runs[i], m, ready);
		ready += runs[i].ready;
	}
	if (n > 0)
		run_device(x, runs[n - 1].sa->dev, sent, ready);
	for (uint16_t i = 0; i < ready; i++) {
		struct rte_mbuf *p = x->ops[i]->sym->m_src;

		p->ol_flags |= RTE_MBUF_F_RX_SEC_OFFLOAD;
		if (unlikely(x->ops[i]->status != RTE_CRYPTO_OP_STATUS_SUCCESS))
			p->ol_flags |= RTE_MBUF_F_RX_SEC_OFFLOAD_FAILED;
	}
	for (uint16_t i = 0; i < n; i++)
		runs[i].good = runs[i].ready == 0 ? 0
		                                  : rte_ipsec_pkt_process(&runs[i].sa->ss,
							    m + runs[i].first, runs[i].ready);
}

void wr_ipsec_gauges(struct wr_ipsec *x, struct wr_ipsec_gauges *out)
{
	*out = (struct wr_ipsec_gauges){
		.buffers_used = rte_mempool_in_use_count(x->cfg.pool),
		.buffers_max = x->cfg.pool->size,
		.ops_most = x->ops_most,
		.ops_max = ipsec_device_descriptors(),
	};
	x->ops_most = 0;
}
