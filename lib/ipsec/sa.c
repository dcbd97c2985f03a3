/* SPDX-License-Identifier: BSD-3-Clause */
#include "window.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ip.h>
#include <rte_malloc.h>
#include <rte_udp.h>

#define SA_HOP_LIMIT 64

static uint32_t ip_len(bool v4)
{
	return v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr);
}

uint16_t wr_ipsec_inner_mtu(const struct wr_ipsec_tunnel *t, uint16_t mtu)
{
	const struct ipsec_cipher *c = ipsec_cipher(t->cipher);
	uint32_t ip = ip_len(wr_addr_is_v4(&t->remote));
	uint32_t fixed = ip + (t->udp_port != 0 ? IPSEC_UDP_LEN : 0) + IPSEC_ESP_LEN + c->iv_len +
	                 IPSEC_ICV_LEN;
	uint32_t room;

	if (mtu < fixed + c->align)
		return 0;
	room = RTE_ALIGN_FLOOR(mtu - fixed, (uint32_t)c->align) - IPSEC_TRAILER;
	if (t->mode == WR_IPSEC_TRANSPORT)
		room += ip; // not encrypted
	return room > ip_len(t->inner_v4) ? (uint16_t)room : 0;
}

// What is in front of ESP in tunnel mode; returns its length. Lengths, class and the IPv4 checksum
// are filled in a packet.
static uint8_t make_template(const struct wr_ipsec_tunnel *t, uint8_t *to)
{
	bool v4 = wr_addr_is_v4(&t->remote);
	uint8_t proto = t->udp_port != 0 ? IPPROTO_UDP : IPPROTO_ESP;
	uint32_t len = ip_len(v4);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(to + len);

	if (v4) {
		// DF, so that a router on the path tells instead of cutting (RFC 4301 8.1).
		*(struct rte_ipv4_hdr *)to = (struct rte_ipv4_hdr){
			.version_ihl = RTE_IPV4_VHL_DEF,
			.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
			.time_to_live = SA_HOP_LIMIT,
			.next_proto_id = proto,
			.src_addr = t->local.w[3],
			.dst_addr = t->remote.w[3],
		};
	} else {
		struct rte_ipv6_hdr *ip = (struct rte_ipv6_hdr *)to;

		ip->vtc_flow = rte_cpu_to_be_32(6u << 28);
		ip->proto = proto;
		ip->hop_limits = SA_HOP_LIMIT;
		memcpy(ip->src_addr, t->local.b, sizeof(ip->src_addr));
		memcpy(ip->dst_addr, t->remote.b, sizeof(ip->dst_addr));
	}
	if (t->udp_port == 0)
		return (uint8_t)len;
	*udp = (struct rte_udp_hdr){
		.src_port = rte_cpu_to_be_16(t->udp_port),
		.dst_port = rte_cpu_to_be_16(t->udp_port),
	};
	return (uint8_t)(len + sizeof(*udp));
}

// The transforms of an association; rte_ipsec wants the cipher first on the way out and last on
// the way in.
static struct rte_crypto_sym_xform *make_xforms(struct rte_crypto_sym_xform x[2],
	const struct wr_ipsec_key *k, const struct ipsec_cipher *c, bool esn)
{
	struct rte_crypto_sym_xform *cipher = &x[k->out ? 0 : 1], *auth = &x[k->out ? 1 : 0];

	memset(x, 0, 2 * sizeof(*x));
	if (c->aead) {
		x->type = RTE_CRYPTO_SYM_XFORM_AEAD;
		x->aead.op = k->out ? RTE_CRYPTO_AEAD_OP_ENCRYPT : RTE_CRYPTO_AEAD_OP_DECRYPT;
		x->aead.algo = RTE_CRYPTO_AEAD_AES_GCM;
		x->aead.key.data = k->key;
		x->aead.key.length = c->key_len;
		x->aead.iv.offset = IPSEC_IV_OFFSET;
		x->aead.iv.length = 12;
		x->aead.digest_length = IPSEC_ICV_LEN;
		x->aead.aad_length = esn ? 12 : 8; // RFC 4106 5
		return x;
	}
	cipher->type = RTE_CRYPTO_SYM_XFORM_CIPHER;
	cipher->cipher.op = k->out ? RTE_CRYPTO_CIPHER_OP_ENCRYPT : RTE_CRYPTO_CIPHER_OP_DECRYPT;
	cipher->cipher.algo = RTE_CRYPTO_CIPHER_AES_CBC;
	cipher->cipher.key.data = k->key;
	cipher->cipher.key.length = c->key_len;
	cipher->cipher.iv.offset = IPSEC_IV_OFFSET;
	cipher->cipher.iv.length = c->iv_len;
	auth->type = RTE_CRYPTO_SYM_XFORM_AUTH;
	auth->auth.op = k->out ? RTE_CRYPTO_AUTH_OP_GENERATE : RTE_CRYPTO_AUTH_OP_VERIFY;
	auth->auth.algo = RTE_CRYPTO_AUTH_SHA256_HMAC;
	auth->auth.key.data = k->auth;
	auth->auth.key.length = sizeof(k->auth);
	auth->auth.digest_length = IPSEC_ICV_LEN;
	x[0].next = &x[1];
	return x;
}

static void make_params(struct rte_ipsec_sa_prm *p, const struct wr_ipsec_tunnel *t,
	const struct wr_ipsec_key *k, uint64_t sequence)
{
	struct rte_security_ipsec_xform *x = &p->ipsec_xform;
	uint8_t inner = t->inner_v4 ? IPPROTO_IPIP : IPPROTO_IPV6;

	memset(p, 0, sizeof(*p));
	x->spi = k->spi;
	memcpy(&x->salt, k->salt, sizeof(x->salt)); // as it stands in memory
	x->options.esn = t->esn;
	// On the way out DSCP and ECN are copied (RFC 4301 5.1.2, RFC 6040 4.1). On the way in only
	// ECN counts, and in.c does that.
	x->options.ecn = k->out;
	x->options.copy_dscp = k->out;
	x->direction =
		k->out ? RTE_SECURITY_IPSEC_SA_DIR_EGRESS : RTE_SECURITY_IPSEC_SA_DIR_INGRESS;
	x->proto = RTE_SECURITY_IPSEC_SA_PROTO_ESP;
	x->replay_win_sz = k->out ? 0 : t->replay_window + WINDOW_SPARE;
	x->esn.value = sequence;
	if (t->mode == WR_IPSEC_TRANSPORT) {
		x->mode = RTE_SECURITY_IPSEC_SA_MODE_TRANSPORT;
		p->trs.proto = inner;
		return;
	}
	x->mode = RTE_SECURITY_IPSEC_SA_MODE_TUNNEL;
	x->tunnel.type = wr_addr_is_v4(&t->remote) ? RTE_SECURITY_IPSEC_TUNNEL_IPV4
	                                           : RTE_SECURITY_IPSEC_TUNNEL_IPV6;
	p->tun.next_proto = inner;
}

// What is known before any crypto object exists.
static void fill(struct wr_ipsec_sa *sa, const struct wr_ipsec_device *d,
	const struct wr_ipsec_tunnel *t, const struct wr_ipsec_key *k, uint64_t sequence)
{
	const struct ipsec_cipher *c = ipsec_cipher(t->cipher);
	// Numbers never come twice (RFC 4303 2.2); the last one is not used by rte_ipsec.
	uint64_t left = (t->esn ? UINT64_MAX : UINT32_MAX) - (k->out ? 1 : 0);

	sa->t = t;
	sa->sessions = d->sessions;
	sa->spi = k->spi;
	sa->worker = k->worker;
	sa->dev = d->id[c->driver];
	sa->out = k->out;
	sa->aead = c->aead;
	sa->iv = k->out ? k->iv : 0;
	sa->align = c->align;
	sa->iv_len = c->iv_len;
	sa->sequence = k->out ? RTE_MAX(sequence, (uint64_t)1) : sequence;
	if (k->out)
		left -= sa->sequence - 1;
	sa->most_packets = t->life_packets != 0 ? RTE_MIN(t->life_packets, left) : left;
	sa->most_bytes = t->life_bytes != 0 ? t->life_bytes : UINT64_MAX;
}

// The crypto session and rte_ipsec's part, behind `sa`.
static int init(struct wr_ipsec_sa *sa, struct rte_ipsec_sa_prm *prm, uint32_t size)
{
	int rc;

	sa->ss.sa = (struct rte_ipsec_sa *)(sa + 1);
	sa->ss.type = RTE_SECURITY_ACTION_TYPE_NONE;
	sa->ss.crypto.dev_id = sa->dev;
	sa->ss.crypto.ses =
		rte_cryptodev_sym_session_create(sa->dev, prm->crypto_xform, sa->sessions);
	if (sa->ss.crypto.ses == NULL)
		return rte_errno != 0 ? -rte_errno : -ENOMEM;
	rc = rte_ipsec_sa_init(sa->ss.sa, prm, size);
	if (rc < 0)
		return rc;
	return rte_ipsec_session_prepare(&sa->ss);
}

struct wr_ipsec_sa *ipsec_sa_create_at(struct wr_ipsec_device *d, const struct wr_ipsec_tunnel *t,
	uint16_t tunnel, const struct wr_ipsec_key *k, uint32_t generation, wr_us_t now,
	uint64_t sequence, struct wr_err *err)
{
	const struct ipsec_cipher *c = ipsec_cipher(t->cipher);
	struct rte_crypto_sym_xform x[2];
	uint8_t hdr[64];
	struct rte_ipsec_sa_prm prm;
	struct wr_ipsec_sa *sa;
	uint32_t words = k->out ? 0 : window_words(t->replay_window);
	int size, rc;

	if ((d->ciphers & 1u << t->cipher) == 0 || k->worker >= d->workers ||
		k->key_len != c->key_len) {
		wr_err_set(err, EINVAL,
			"tunnel %s: no crypto device for SPI 0x%08x of worker %u with %s", t->name,
			k->spi, k->worker, wr_ipsec_cipher_name(t->cipher));
		return NULL;
	}
	make_params(&prm, t, k, sequence);
	prm.crypto_xform = make_xforms(x, k, c, t->esn);
	if (t->mode == WR_IPSEC_TUNNEL) {
		prm.tun.hdr_len = make_template(t, hdr);
		prm.tun.hdr = hdr;
	}
	size = rte_ipsec_sa_size(&prm);
	sa = size < 0 ? NULL : rte_zmalloc("ipsec_sa", sizeof(*sa) + (size_t)size + words * 8, 64);
	if (sa == NULL) {
		wr_err_set(err, size < 0 ? -size : ENOMEM,
			"tunnel %s: no memory for an association, or its replay window of %u "
			"packets is too large",
			t->name, t->replay_window);
		return NULL;
	}
	sa->size = (uint32_t)(sizeof(*sa) + (size_t)size) + words * 8;
	sa->window = (uint64_t *)((uint8_t *)(sa + 1) + size);
	sa->window_size = t->replay_window;
	sa->window_mask = words - 1;
	fill(sa, d, t, k, sequence);
	sa->tunnel = tunnel;
	sa->generation = generation;
	sa->made_us = now;
	sa->end_us = t->life_us != 0 ? now + t->life_us : WR_US_NEVER;
	rc = init(sa, &prm, (uint32_t)size);
	explicit_bzero(&prm, sizeof(prm)); // the salt, pointers to the key
	if (rc == 0)
		return sa;
	wr_err_set(err, -rc,
		"tunnel %s: the crypto device takes no association with SPI 0x%08x and %s (%s): "
		"more than four generations of keys at a time are not possible",
		t->name, k->spi, wr_ipsec_cipher_name(t->cipher), strerror(-rc));
	wr_ipsec_sa_destroy(sa);
	return NULL;
}

struct wr_ipsec_sa *wr_ipsec_sa_create(struct wr_ipsec_device *d, const struct wr_ipsec_tunnel *t,
	uint16_t tunnel, const struct wr_ipsec_key *k, uint32_t generation, wr_us_t now,
	struct wr_err *err)
{
	return ipsec_sa_create_at(d, t, tunnel, k, generation, now, 0, err);
}

void wr_ipsec_sa_destroy(struct wr_ipsec_sa *sa)
{
	uint32_t size;

	if (sa == NULL)
		return;
	if (sa->ss.crypto.ses != NULL) {
		void *ses = sa->ss.crypto.ses;

		// The driver leaves its key schedule in the object. Only this thread takes from
		// the pool, so between giving it back and taking it again it is nobody's.
		rte_cryptodev_sym_session_free(sa->dev, ses);
		explicit_bzero(ses, sa->sessions->elt_size);
	}
	size = sa->size;
	explicit_bzero(sa, size);
	rte_free(sa);
}

void wr_ipsec_sa_info(const struct wr_ipsec_sa *sa, struct wr_ipsec_sa_info *out)
{
	*out = (struct wr_ipsec_sa_info){
		.spi = sa->spi,
		.tunnel = sa->tunnel,
		.worker = sa->worker,
		.out = sa->out,
		.generation = sa->generation,
		.made_us = sa->made_us,
		.packets = __atomic_load_n(&sa->packets, __ATOMIC_RELAXED),
		.bytes = __atomic_load_n(&sa->bytes, __ATOMIC_RELAXED),
		.replayed = __atomic_load_n(&sa->replayed, __ATOMIC_RELAXED),
		.forged = __atomic_load_n(&sa->forged, __ATOMIC_RELAXED),
		.malformed = __atomic_load_n(&sa->malformed, __ATOMIC_RELAXED),
		.misplaced = __atomic_load_n(&sa->misplaced, __ATOMIC_RELAXED),
		.sequence = __atomic_load_n(&sa->sequence, __ATOMIC_RELAXED),
		.expired = __atomic_load_n(&sa->expired, __ATOMIC_RELAXED),
	};
}

uint16_t wr_ipsec_sa_worker(const struct wr_ipsec_sa *sa)
{
	return sa->worker;
}
