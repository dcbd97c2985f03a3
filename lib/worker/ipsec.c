/* SPDX-License-Identifier: BSD-3-Clause */

// Encrypted paths: what the fabric shares for them, and a worker's two ways through: what layer 3
// kept for a tunnel goes out as ESP, ESP that arrived comes back as frames.

#include "ipsec.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_malloc.h>

// Old, present and next keys of each worker.
#define GENERATIONS 4

static void tunnel_of(const struct wr_conf_tunnel *c, struct wr_ipsec_tunnel *out)
{
	_Static_assert(
		(int)WR_CONF_CIPHER_AES_GCM_128 == (int)WR_IPSEC_AES_GCM_128 &&
			(int)WR_CONF_CIPHER_AES_GCM_256 == (int)WR_IPSEC_AES_GCM_256 &&
			(int)WR_CONF_CIPHER_AES_CBC_128_SHA256 ==
				(int)WR_IPSEC_AES_CBC_128_SHA256 &&
			(int)WR_CONF_CIPHER_AES_CBC_256_SHA256 == (int)WR_IPSEC_AES_CBC_256_SHA256,
		"ciphers of conf and ipsec in one order");
	*out = (struct wr_ipsec_tunnel){
		.mode = c->mode == WR_CONF_TUNNEL_TRANSPORT ? WR_IPSEC_TRANSPORT : WR_IPSEC_TUNNEL,
		.cipher = (enum wr_ipsec_cipher)c->cipher,
		.local = c->local,
		.remote = c->remote,
		.inner_v4 = wr_addr_is_v4(&c->to[0].addr),
		.esn = c->esn,
		.replay_window = c->replay_window,
		.udp_port = c->udp_port,
		.life_bytes = c->life_bytes,
		.life_packets = c->life_packets,
		.life_us = c->life_us};
	memcpy(out->name, c->name, sizeof(out->name));
}

static void add_udp_port(struct fabric_ipsec *fi, uint16_t port)
{
	for (uint16_t i = 0; i < fi->udp_count; i++)
		if (fi->udp_port[i] == port)
			return;
	if (port != 0)
		fi->udp_port[fi->udp_count++] = port;
}

int fabric_ipsec_create(struct wr_fabric *f, struct wr_err *err)
{
	const struct wr_conf *c = f->cfg.conf;
	int node = f->cfg.pools[0]->numa_node;
	struct fabric_ipsec *fi;
	uint32_t ciphers = 0;

	if (c->tunnel_count == 0)
		return 0;
	fi = calloc(1, sizeof(*fi));
	if (fi == NULL)
		return wr_err_set(err, ENOMEM, "out of memory for tunnels");
	f->ipsec = fi;
	fi->count = (uint16_t)c->tunnel_count;
	for (uint16_t i = 0; i < fi->count; i++) {
		tunnel_of(&c->tunnels[i], &fi->tunnel[i]);
		// The configuration may be replaced; what is behind a tunnel stays.
		memcpy(fi->to[i], c->tunnels[i].to, sizeof(fi->to[i]));
		fi->to_list[i] = fi->to[i];
		fi->to_count[i] = c->tunnels[i].to_count;
		add_udp_port(fi, fi->tunnel[i].udp_port);
		ciphers |= 1u << fi->tunnel[i].cipher;
	}
	fabric_ipsec_guard(f, c);
	fi->sad =
		wr_ipsec_sad_create(GENERATIONS * fi->count * (uint32_t)f->cfg.workers, node, err);
	fi->device =
		fi->sad == NULL ? NULL : wr_ipsec_device_create(ciphers, f->cfg.workers, node, err);
	return fi->device == NULL ? -EIO : 0;
}

void fabric_ipsec_destroy(struct wr_fabric *f)
{
	struct fabric_ipsec *fi = f->ipsec;

	if (fi == NULL)
		return;
	if (fi->sad != NULL)
		wr_ipsec_sad_destroy(fi->sad);
	if (fi->device != NULL)
		wr_ipsec_device_destroy(fi->device);
	free(fi);
	f->ipsec = NULL;
}

void fabric_ipsec_l3(const struct wr_conf *c, struct wr_l3_tunnel *out)
{
	for (uint32_t i = 0; i < c->tunnel_count; i++) {
		const struct wr_conf_tunnel *t = &c->tunnels[i];

		out[i] = (struct wr_l3_tunnel){.remote = t->remote,
			.to_count = t->to_count,
			.clear = !wr_conf_tunnel_required(c, i)};
		memcpy(out[i].to, t->to, sizeof(out[i].to));
	}
}

int fabric_ipsec_paths(struct wr_fabric *f, struct wr_err *err)
{
	const struct wr_conf *c = f->cfg.conf;

	for (uint16_t i = 0; i < c->tunnel_count; i++) {
		const struct wr_conf_tunnel *t = &c->tunnels[i];
		uint16_t port, mtu, inner;
		char remote[WR_ADDR_STR];

		if (!wr_l3_path_outer(f->l3, &t->remote, &port, &mtu))
			return wr_err_set(err, EINVAL,
				"%s:%u: tunnel %s: no port, gateway or route leads to remote %s; "
				"add one "
				"to routes",
				c->file, t->line, t->name,
				wr_addr_format(&t->remote, remote, sizeof(remote)));
		if (t->mtu != 0)
			mtu = RTE_MIN(mtu, t->mtu);
		inner = wr_ipsec_inner_mtu(&f->ipsec->tunnel[i], mtu);
		if (inner < WR_IPSEC_INNER_LEAST)
			return wr_err_set(err, EINVAL,
				"%s:%u: tunnel %s: an MTU of %u leaves %u bytes for packets "
				"inside, "
				"%u are needed; raise tunnels[].mtu or ports[].mtu",
				c->file, t->line, t->name, mtu, inner, WR_IPSEC_INNER_LEAST);
		wr_l3_tunnel_mtu(f->l3, i, inner);
	}
	return 0;
}

int worker_ipsec_create(struct wr_worker *w, struct wr_err *err)
{
	const struct fabric_ipsec *fi = w->fabric->ipsec;
	const struct wr_mempools *pools = w->fabric->cfg.pools[w->id];
	struct wr_ipsec_config cfg;

	if (fi == NULL)
		return 0;
	cfg = (struct wr_ipsec_config){.device = fi->device,
		.worker = w->id,
		.tunnel_count = fi->count,
		.tunnels = fi->tunnel,
		.to = fi->to_list,
		.to_count = fi->to_count,
		.pool = pools->esp,
		.rx = pools->rx,
		.stats = &w->stats,
		.numa_node = pools->numa_node};
	w->ipsec = wr_ipsec_create(&cfg, err);
	return w->ipsec == NULL ? -ENOMEM : 0;
}

uint32_t wr_worker_frames_most(uint16_t workers, uint16_t ports)
{
	// Backlogs, rings towards owners of ports, and what waits for neighbours.
	return (uint32_t)workers * (ports * (BACKLOG_SLOTS + TX_RING_SLOTS) + 1024);
}

// --- out ----------------------------------------------------------------------------------------

void worker_ipsec_out(struct wr_worker *w, struct wr_l3_tx *tx, wr_us_t now)
{
	struct rte_mbuf *plain[OUT_FRAMES], *esp[OUT_FRAMES];
	uint16_t n, made;

	while ((n = wr_l3_take_tunnelled(w->l3, plain, OUT_FRAMES)) > 0) {
		made = wr_ipsec_out(w->ipsec, plain, n, esp, now);
		for (uint16_t i = 0; i < made; i++) {
			if (tx->count == tx->room)
				worker_send_frames(w, tx);
			wr_l3_output_outer(w->l3, esp[i], tx, now);
		}
	}
}

// --- in -----------------------------------------------------------------------------------------

static bool in_range(const struct wr_conf_source *r, const struct wr_addr *a)
{
	return wr_addr_cmp(&r->first, a) <= 0 && wr_addr_cmp(a, &r->last) <= 0;
}

bool worker_ipsec_guards(const struct wr_worker *w, const struct wr_addr *local, enum wr_l3_class c)
{
	const struct fabric_ipsec *fi = w->fabric->ipsec;
	uint32_t n = __atomic_load_n(&fi->guard_count, __ATOMIC_ACQUIRE);

	if (c == WR_L3_OWN || n > GUARDS_MAX)
		return true;
	for (uint32_t i = 0; i < n; i++)
		if (in_range(&fi->guard[i], local))
			return true;
	return false;
}

static void guard(struct fabric_ipsec *fi, const struct wr_conf_source *r)
{
	uint32_t n = fi->guard_count;

	for (uint32_t i = 0; i < RTE_MIN(n, (uint32_t)GUARDS_MAX); i++)
		if (wr_addr_eq(&fi->guard[i].first, &r->first) &&
			wr_addr_eq(&fi->guard[i].last, &r->last))
			return;
	if (n < GUARDS_MAX)
		fi->guard[n] = *r;
	// One more than there is room for: every address is guarded.
	__atomic_store_n(&fi->guard_count, RTE_MIN(n + 1, GUARDS_MAX + 1u), __ATOMIC_RELEASE);
}

void fabric_ipsec_guard(struct wr_fabric *f, const struct wr_conf *c)
{
	for (uint32_t i = 0; f->ipsec != NULL && i < c->pool_count; i++) {
		const struct wr_conf_pool *p = &c->pools[i];

		for (uint32_t k = 0;
			p->slot != WR_CONF_VACANT && p->tunnel >= 0 && k < p->source_count; k++)
			guard(f->ipsec, &p->source[k]);
	}
}

static const uint8_t *behind_ip(const struct wr_pkt *p, uint32_t len, uint8_t *buf)
{
	return rte_pktmbuf_read(p->m, (uint32_t)p->l2_len + p->l3_len, len, buf);
}

bool worker_ipsec_is_ike(const struct wr_pkt *p)
{
	uint8_t buf[4];
	const uint8_t *udp;
	uint16_t port;

	if (p->kind != WR_PKT_PUNT || p->proto != IPPROTO_UDP)
		return false;
	udp = behind_ip(p, 4, buf);
	port = udp == NULL ? 0 : (uint16_t)(udp[2] << 8 | udp[3]);
	return port == 500 || port == 4500;
}

// Neighbour discovery (RFC 4861 4).
static bool is_nd(const struct wr_pkt *p)
{
	uint8_t buf;
	const uint8_t *type;

	if (p->kind != WR_PKT_ICMP6)
		return false;
	type = behind_ip(p, 1, &buf);
	return type != NULL && *type >= 133 && *type <= 137;
}

bool worker_ipsec_clear(const struct wr_worker *w, const struct wr_pkt *p)
{
	return (p->m->ol_flags & RTE_MBUF_F_RX_SEC_OFFLOAD) == 0 &&
	       wr_l3_tunnel_of(w->fabric->l3, &p->t.remote) >= 0 && !is_nd(p);
}

// Whether a frame of the kernel may go in clear whoever it is for: neighbour discovery, and what
// an IKE daemon says.
static bool may_be_clear(const struct rte_mbuf *m, uint32_t l4, uint8_t proto)
{
	uint8_t buf[2];
	const uint8_t *b = rte_pktmbuf_read(m, l4, sizeof(buf), buf);
	uint16_t port;

	if (b == NULL)
		return false;
	port = (uint16_t)(b[0] << 8 | b[1]);
	if (proto == IPPROTO_UDP)
		return port == 500 || port == 4500;
	return proto == IPPROTO_ICMPV6 && b[0] >= 133 && b[0] <= 137;
}

// Where the kernel sends a frame to; false: not IP, or it may go anywhere.
static bool destination(const struct rte_mbuf *m, struct wr_addr *to)
{
	uint8_t buf[18 + 40];
	uint32_t len = RTE_MIN(m->pkt_len, (uint32_t)sizeof(buf)), at = 14;
	const uint8_t *f = rte_pktmbuf_read(m, 0, len, buf);
	uint16_t type;
	uint32_t v4;

	if (f == NULL || len < 18 + 20)
		return false;
	type = (uint16_t)(f[12] << 8 | f[13]);
	if (type == RTE_ETHER_TYPE_VLAN) {
		type = (uint16_t)(f[16] << 8 | f[17]);
		at = 18;
	}
	if (type == RTE_ETHER_TYPE_IPV4) {
		memcpy(&v4, f + at + 16, sizeof(v4));
		*to = wr_addr_from_v4(v4);
		return !may_be_clear(m, at + (f[at] & 0x0fu) * 4, f[at + 9]);
	}
	if (type != RTE_ETHER_TYPE_IPV6 || len < at + 40)
		return false;
	*to = wr_addr_from_v6(f + at + 24);
	return !may_be_clear(m, at + 40, f[at + 6]);
}

uint16_t worker_ipsec_sift(struct wr_worker *w, struct rte_mbuf **m, uint16_t n)
{
	struct wr_addr to;
	uint16_t kept = 0;

	for (uint16_t i = 0; i < n; i++) {
		if (!destination(m[i], &to) || wr_l3_tunnel_of(w->fabric->l3, &to) < 0) {
			m[kept++] = m[i];
			continue;
		}
		wr_stats_drop(&w->stats, WR_DROP_ipsec_kernel, 1);
		rte_pktmbuf_free(m[i]);
	}
	return kept;
}

enum esp_take worker_ipsec_take(
	struct wr_worker *w, const struct wr_pkt *p, struct esp_burst *b, enum wr_drop *why)
{
	const struct fabric_ipsec *fi = w->fabric->ipsec;
	struct wr_ipsec_sa *sa = NULL;

	switch (wr_ipsec_peek(fi->sad, p, fi->udp_port, fi->udp_count, &sa)) {
	case WR_IPSEC_NOT:
		return ESP_NOT;
	case WR_IPSEC_KEEPALIVE:
		*why = WR_DROP_ipsec_keepalive;
		return ESP_DROP;
	case WR_IPSEC_SHORT:
		*why = WR_DROP_ipsec_malformed;
		return ESP_DROP;
	case WR_IPSEC_UNKNOWN:
		*why = WR_DROP_ipsec_unknown_spi;
		return ESP_DROP;
	case WR_IPSEC_FOUND:
		break;
	}
	if (wr_ipsec_sa_worker(sa) != w->id) {
		b->owner = wr_ipsec_sa_worker(sa);
		return ESP_OTHER;
	}
	b->pkt[b->count] = *p;
	b->sa[b->count++] = sa;
	return ESP_MINE;
}

// --- what control needs
// ---------------------------------------------------------------------------

const struct wr_ipsec_tunnel *wr_fabric_tunnels(const struct wr_fabric *f)
{
	return f->ipsec != NULL ? f->ipsec->tunnel : NULL;
}

struct wr_ipsec_device *wr_fabric_ipsec_device(struct wr_fabric *f)
{
	return f->ipsec != NULL ? f->ipsec->device : NULL;
}

struct wr_ipsec_sad *wr_fabric_ipsec_sad(struct wr_fabric *f)
{
	return f->ipsec != NULL ? f->ipsec->sad : NULL;
}
