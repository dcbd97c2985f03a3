/* SPDX-License-Identifier: BSD-3-Clause */

// The far gateway of tunnels: a station of the lan side that opens what the fabric sends to it and
// encrypts what backends send back, with associations of its own.

#include "triple.h"

#include "wr_build.h"
#include "wr_parse.h"

struct tri_esp {
	struct wr_ipsec_tunnel tunnel; // as the gateway sees it
	struct wr_prefix to;           // sources of the fabric
	const struct wr_prefix *to_list;
	uint32_t to_count;
	struct wr_ipsec_device *device;
	struct wr_ipsec_sad *sad;
	struct wr_ipsec *ipsec;
	struct wr_stats stats;
	struct wr_addr addr4, addr6;
	struct rte_ether_addr mac;
	uint32_t generation;
	// By generation (the present and the one before) and worker.
	struct pair {
		struct wr_ipsec_sa *ours_in, *ours_out, *far_in, *far_out;
	} pair[2][4];
};

void tri_esp_configure(const struct triple *t, char *text, size_t len)
{
	const struct tri_config *c = &t->cfg;
	const char *outer4 = "local: 198.18.1.1, remote: 198.18.1.200";
	const char *outer6 = "local: \"2001:db8:1::1\", remote: \"2001:db8:1::c8\"";
	static const char *const ciphers[] = {
		"aes-gcm-128", "aes-gcm-256", "aes-cbc-128-sha256", "aes-cbc-256-sha256"};

	snprintf(text, len,
		"tunnels:\n"
		"  - {name: far, mode: tunnel, %s, to: [\"%s\"], cipher: %s, esn: %s, udp_port: "
		"%u, "
		"keys: /nowhere}\n",
		c->esp & TRI_ESP_OUTER6 ? outer6 : outer4,
		c->family == 4 ? "198.18.1.16/28" : "2001:db8:1::20/124", ciphers[c->esp & 3],
		c->esp & TRI_ESP_ESN ? "yes" : "no", c->esp & TRI_ESP_UDP ? 4500 : 0);
}

static struct wr_ipsec_key random_key(struct triple *t, uint16_t worker, bool out, uint32_t spi)
{
	bool gcm = (t->cfg.esp & 3) < WR_IPSEC_AES_CBC_128_SHA256;
	struct wr_ipsec_key k = {.worker = worker, .out = out, .spi = spi};

	k.key_len = t->cfg.esp & 1 ? 32 : 16;
	for (uint32_t i = 0; i < k.key_len; i++)
		k.key[i] = (uint8_t)wr_rng_next(&t->rng);
	for (uint32_t i = 0; gcm && i < sizeof(k.salt); i++)
		k.salt[i] = (uint8_t)wr_rng_next(&t->rng);
	for (uint32_t i = 0; !gcm && i < sizeof(k.auth); i++)
		k.auth[i] = (uint8_t)wr_rng_next(&t->rng);
	return k;
}

static struct wr_ipsec_sa *sa(struct triple *t, bool far, struct wr_ipsec_key k)
{
	struct tri_esp *e = t->esp;
	struct wr_err err = {0};
	struct wr_ipsec_sa *made;

	if (far) {
		k.worker = 0;
		k.out = !k.out;
	}
	made = wr_ipsec_sa_create(far ? e->device : wr_fabric_ipsec_device(t->f),
		far ? &e->tunnel : wr_fabric_tunnels(t->f), 0, &k, e->generation, t->now, &err);
	if (made == NULL)
		tri_fail(t, "%s", err.text);
	if (!k.out)
		TRI_EQ(t, wr_ipsec_sad_add(far ? e->sad : wr_fabric_ipsec_sad(t->f), made), 0);
	return made;
}

static void retire(struct triple *t, struct pair *p)
{
	struct tri_esp *e = t->esp;

	if (p->ours_in == NULL)
		return;
	wr_ipsec_sad_remove(wr_fabric_ipsec_sad(t->f), p->ours_in);
	wr_ipsec_sad_remove(e->sad, p->far_in);
	wr_ipsec_sa_destroy(p->ours_in);
	wr_ipsec_sa_destroy(p->ours_out);
	wr_ipsec_sa_destroy(p->far_in);
	wr_ipsec_sa_destroy(p->far_out);
	*p = (struct pair){0};
}

void tri_esp_rekey(struct triple *t)
{
	struct tri_esp *e = t->esp;
	uint32_t g = ++e->generation % 2;

	for (uint16_t w = 0; w < t->cfg.workers; w++) {
		struct pair *p = &e->pair[g][w];
		uint32_t spi = 256 + e->generation * 8 + w;
		struct wr_ipsec_key out = random_key(t, w, true, spi);
		struct wr_ipsec_key in = random_key(t, w, false, spi);
		struct wr_msg m = {.kind = WR_MSG_IPSEC_OUT};

		retire(t, p);
		p->far_in = sa(t, true, out);
		p->ours_in = sa(t, false, in);
		p->far_out = sa(t, true, in);
		p->ours_out = sa(t, false, out);
		m.ptr = p->ours_out;
		TRI_EQ(t, wr_worker_post(wr_fabric_worker(t->f, w), &m), 0);
	}
}

void tri_esp_create(struct triple *t)
{
	const struct wr_ipsec_tunnel *ours = wr_fabric_tunnels(t->f);
	struct tri_esp *e = calloc(1, sizeof(*e));
	struct wr_ipsec_config cfg;
	struct wr_err err = {0};

	t->esp = e;
	e->mac = (struct rte_ether_addr){{2, 0xaa, 0, 0, 0, 200}};
	TRI_EQ(t, wr_addr_parse("198.18.1.200", &e->addr4), 0);
	TRI_EQ(t, wr_addr_parse("2001:db8:1::c8", &e->addr6), 0);
	TRI_EQ(t,
		wr_prefix_parse(t->cfg.family == 4 ? "198.18.1.0/28" : "2001:db8:1::/123", &e->to),
		0);
	e->to_list = &e->to;
	e->to_count = 1;
	e->tunnel = *ours;
	e->tunnel.local = ours->remote;
	e->tunnel.remote = ours->local;
	e->device = wr_ipsec_device_create(1u << ours->cipher, 1, SOCKET_ID_ANY, &err);
	e->sad = wr_ipsec_sad_create(64, SOCKET_ID_ANY, &err);
	cfg = (struct wr_ipsec_config){.device = e->device,
		.tunnel_count = 1,
		.tunnels = &e->tunnel,
		.to = &e->to_list,
		.to_count = &e->to_count,
		.pool = t->peer_rx,
		.rx = t->peer_rx,
		.stats = &e->stats,
		.numa_node = SOCKET_ID_ANY};
	if (e->device != NULL && e->sad != NULL)
		e->ipsec = wr_ipsec_create(&cfg, &err);
	if (e->ipsec == NULL)
		tri_fail(t, "%s", err.text);
	tri_esp_rekey(t);
}

void tri_esp_destroy(struct triple *t)
{
	struct tri_esp *e = t->esp;

	for (uint32_t g = 0; g < 2; g++)
		for (uint32_t w = 0; w < t->cfg.workers; w++)
			retire(t, &e->pair[g][w]);
	wr_ipsec_destroy(e->ipsec);
	wr_ipsec_sad_destroy(e->sad);
	wr_ipsec_device_destroy(e->device);
	free(e);
	t->esp = NULL;
}

const struct rte_ether_addr *tri_esp_station(const struct triple *t, const struct wr_addr *a)
{
	const struct tri_esp *e = t->esp;

	return e != NULL && (wr_addr_eq(a, &e->addr4) || wr_addr_eq(a, &e->addr6)) ? &e->mac : NULL;
}

struct rte_mbuf *tri_esp_open(struct triple *t, struct wr_pkt *k)
{
	struct tri_esp *e = t->esp;
	struct wr_ipsec_sa *in = NULL;
	struct rte_mbuf *m = NULL;
	uint16_t port = 4500;
	enum wr_ipsec_kind kind = wr_ipsec_peek(e->sad, k, &port, 1, &in);

	if (kind == WR_IPSEC_FOUND) {
		// An outer packet is never too long for the link.
		TRI_CHECK(t, k->m->pkt_len <= 1514);
		return wr_ipsec_in(e->ipsec, k, &in, 1, &m, t->now) == 1 ? m : NULL;
	}
	// Of keys that were retired while it was under way, perhaps.
	TRI_CHECK(t, kind == WR_IPSEC_UNKNOWN || t->cfg.link[TRI_LAN].corrupt > 0);
	rte_pktmbuf_free(k->m);
	return NULL;
}

struct rte_mbuf *tri_esp_seal(struct triple *t, struct rte_mbuf *m, const struct wr_addr *to)
{
	struct tri_esp *e = t->esp;
	struct rte_mbuf *out = NULL;
	uint32_t w = wr_rng_below(&t->rng, t->cfg.workers);

	if (!wr_prefix_contains(&e->to, to))
		return m;
	m->port = 0;
	// Any worker's association will do; the packet finds its connection.
	wr_ipsec_set_out(e->ipsec, 0, e->pair[e->generation % 2][w].far_out);
	return wr_ipsec_out(e->ipsec, &m, 1, &out, t->now) == 1 ? out : NULL;
}
