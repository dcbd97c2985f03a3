/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// The rig with tunnels whose keys come from files, and a far side that sends with them.

#include "rig.h"

#include <sys/stat.h>
#include <unistd.h>

#include <rte_ip.h>
#include <rte_tcp.h>

#include "../../../lib/ctl/ipsec.h" // lib/worker has one of this name, too

#define TUNNELS 1 // far, of the triple
#define SOON    (50 * WR_US_PER_MS)

static char keys_dir[32];

// Key material of a set: the same numbers give the same bytes.
static inline struct wr_ipsec_key key_of(uint32_t set, uint32_t tunnel, uint16_t w, bool out)
{
	uint32_t seed = ((set * TUNNELS + tunnel) * 64 + w) * 2 + out;
	struct wr_ipsec_key k = {.worker = w, .out = out, .key_len = 16, .spi = 0x10000 + seed};

	for (uint32_t i = 0; i < k.key_len; i++)
		k.key[i] = (uint8_t)((seed + 17) * (2 * i + 3) >> (i % 5));
	for (uint32_t i = 0; i < sizeof(k.salt); i++)
		k.salt[i] = (uint8_t)(seed * 7 + 31 * i);
	memcpy(k.key, &seed, sizeof(seed));
	return k;
}

static inline void hex_of(const uint8_t *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static inline const char *keys_path(uint32_t tunnel)
{
	static char path[TUNNELS][64];

	snprintf(path[tunnel], sizeof(path[tunnel]), "%s/far%u", keys_dir, tunnel);
	return path[tunnel];
}

static inline void keys_line(FILE *f, const struct wr_ipsec_key *k)
{
	char key[65], salt[9];

	hex_of(k->key, k->key_len, key);
	hex_of(k->salt, sizeof(k->salt), salt);
	fprintf(f, "%u %s 0x%08x %s%s\n", k->worker, k->out ? "out" : "in", k->spi, key, salt);
}

static inline void keys_file(uint32_t tunnel, const struct wr_ipsec_key *k, uint32_t n)
{
	FILE *f = fopen(keys_path(tunnel), "w");

	assert_non_null(f);
	assert_int_equal(fchmod(fileno(f), 0600), 0);
	for (uint32_t i = 0; i < n; i++)
		keys_line(f, &k[i]);
	fclose(f);
}

// The file of a tunnel holds a set from now on.
static inline void keys_are(uint32_t tunnel, uint32_t set)
{
	struct wr_ipsec_key k[8];
	uint32_t n = 0;

	for (uint16_t w = 0; w < rig.t->cfg.workers; w++) {
		k[n++] = key_of(set, tunnel, w, false);
		k[n++] = key_of(set, tunnel, w, true);
	}
	keys_file(tunnel, k, n);
}

// A fabric with tunnels and key files of set 1, without a control side.
static inline void tunnels_make(uint16_t workers)
{
	rig.t = tri_create(&(struct tri_config){
		.seed = 1, .family = 4, .workers = workers, .esp = TRI_ESP | TRI_ESP_ESN});
	snprintf(keys_dir, sizeof(keys_dir), "/tmp/wr-keys-XXXXXX");
	assert_non_null(mkdtemp(keys_dir));
	for (uint32_t i = 0; i < TUNNELS; i++) {
		struct wr_conf_tunnel *t = &rig.t->conf->tunnels[i];

		snprintf(t->keys, sizeof(t->keys), "%s", keys_path(i));
		t->switch_us = 2 * WR_US_PER_S;
		t->keep_us = 3 * WR_US_PER_S;
		keys_are(i, 1);
	}
}

static inline struct wr_ipsec_tunnel *tunnel_of(uint32_t i)
{
	return (struct wr_ipsec_tunnel *)(uintptr_t)&wr_fabric_tunnels(rig.t->f)[i];
}

static inline void control_make(void)
{
	struct wr_err err = {0};

	rig.c = wr_ctl_create(rig.t->f, &err);
	if (rig.c == NULL)
		fail_msg("%s", err.text);
	rig.c->answer_ms = 100;
	rig_run(SOON);
}

static inline int tunnels_setup(void **state)
{
	tunnels_make(1);
	control_make();
	return 0;
}

static inline int tunnels_setup_two(void **state)
{
	tunnels_make(2);
	control_make();
	return 0;
}

static inline int tunnels_teardown(void **state)
{
	for (uint32_t i = 0; i < TUNNELS; i++)
		unlink(keys_path(i));
	rmdir(keys_dir);
	tri_settle(rig.t); // nobody answers what is gone
	wr_ctl_destroy(rig.c);
	rig.c = NULL;
	tri_finish(rig.t);
	return 0;
}

static inline struct ipsec_generation *stage(uint32_t tunnel, enum ipsec_stage s)
{
	return wr_ctl_ipsec_find(&rig.c->ipsec->tunnel[tunnel], s);
}

static inline uint32_t number(uint32_t tunnel, enum ipsec_stage s)
{
	const struct ipsec_generation *g = stage(tunnel, s);

	return g != NULL ? g->number : 0;
}

static inline void rekey_must(uint32_t tunnel, int want)
{
	struct wr_err err = {0};
	int rc = wr_ctl_ipsec_rekey(rig.c, tunnel, &err);

	if (rc != want)
		fail_msg("%d, not %d: %s", rc, want, err.text);
}

static inline void expect_refused(uint32_t tunnel, const char *part)
{
	uint32_t events = rig_event_count(WR_EV_ipsec_keys_refused);
	uint32_t made = rig.c->ipsec->tunnel[tunnel].made;
	struct wr_err err = {0};

	assert_true(wr_ctl_ipsec_rekey(rig.c, tunnel, &err) < 0);
	if (strstr(err.text, part) == NULL)
		fail_msg("'%s' is not in: %s", part, err.text);
	assert_int_equal(rig_event_count(WR_EV_ipsec_keys_refused), events + 1);
	assert_int_equal(rig_event(WR_EV_ipsec_keys_refused)->scope, tunnel);
	assert_int_equal(rig.c->ipsec->tunnel[tunnel].made, made);
}

// --- the far side of far -----------------------------------------------------------------------

struct far_side {
	struct wr_ipsec_tunnel tunnel;
	struct wr_prefix to;
	const struct wr_prefix *to_list[1];
	uint32_t to_count[1];
	struct wr_ipsec_device *device;
	struct wr_ipsec *ipsec;
	struct wr_ipsec_sa *sa;
	struct wr_stats stats;
};

static inline void far_open(struct far_side *f, uint32_t set, uint16_t worker)
{
	struct wr_ipsec_key k = key_of(set, 0, worker, false);
	struct wr_ipsec_config cfg;
	struct wr_err err = {0};

	memset(f, 0, sizeof(*f));
	f->tunnel = *tunnel_of(0);
	f->tunnel.local = tunnel_of(0)->remote;
	f->tunnel.remote = tunnel_of(0)->local;
	f->tunnel.life_packets = f->tunnel.life_bytes = f->tunnel.life_us = 0;
	assert_int_equal(wr_prefix_parse("198.18.1.0/28", &f->to), 0);
	f->to_list[0] = &f->to;
	f->to_count[0] = 1;
	f->device = wr_ipsec_device_create(1u << f->tunnel.cipher, 1, SOCKET_ID_ANY, &err);
	cfg = (struct wr_ipsec_config){.device = f->device,
		.tunnel_count = 1,
		.tunnels = &f->tunnel,
		.to = f->to_list,
		.to_count = f->to_count,
		.pool = rig.t->peer_rx,
		.rx = rig.t->peer_rx,
		.stats = &f->stats,
		.numa_node = SOCKET_ID_ANY};
	if (f->device != NULL)
		f->ipsec = wr_ipsec_create(&cfg, &err);
	k.out = true;
	k.worker = 0;
	if (f->ipsec != NULL)
		f->sa = wr_ipsec_sa_create(f->device, &f->tunnel, 0, &k, 1, rig.t->now, &err);
	if (f->sa == NULL)
		fail_msg("%s", err.text);
	wr_ipsec_set_out(f->ipsec, 0, f->sa);
}

static inline void far_close(struct far_side *f)
{
	wr_ipsec_set_out(f->ipsec, 0, NULL);
	wr_ipsec_sa_destroy(f->sa);
	wr_ipsec_destroy(f->ipsec);
	wr_ipsec_device_destroy(f->device);
}

// A segment of a backend to nobody's connection.
static inline struct rte_mbuf *far_packet(void)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(rig.t->peer_rx);
	struct rte_ipv4_hdr ip = {.version_ihl = RTE_IPV4_VHL_DEF,
		.total_length = RTE_BE16(sizeof(struct rte_ipv4_hdr) + sizeof(struct rte_tcp_hdr)),
		.time_to_live = 64,
		.next_proto_id = IPPROTO_TCP,
		.src_addr = rte_cpu_to_be_32(0xc6120114),
		.dst_addr = rte_cpu_to_be_32(0xc612010a)};
	// Which nobody answers.
	struct rte_tcp_hdr tcp = {.src_port = RTE_BE16(80),
		.dst_port = RTE_BE16(4321),
		.data_off = sizeof(struct rte_tcp_hdr) / 4 << 4,
		.tcp_flags = RTE_TCP_RST_FLAG};
	char *at;

	assert_non_null(m);
	ip.hdr_checksum = rte_ipv4_cksum(&ip);
	at = rte_pktmbuf_append(m, sizeof(ip) + sizeof(tcp));
	assert_non_null(at);
	memcpy(at, &ip, sizeof(ip));
	memcpy(at + sizeof(ip), &tcp, sizeof(tcp));
	tcp.cksum = rte_ipv4_udptcp_cksum((void *)at, at + sizeof(ip));
	memcpy(at + sizeof(ip), &tcp, sizeof(tcp));
	return m;
}

// Encrypted, as a frame for the lan port.
static inline struct rte_mbuf *far_seal(struct far_side *f)
{
	struct rte_mbuf *m = far_packet(), *esp = NULL;
	struct rte_ether_hdr *eth;

	m->port = 0;
	assert_int_equal(wr_ipsec_out(f->ipsec, &m, 1, &esp, rig.t->now), 1);
	eth = (void *)rte_pktmbuf_prepend(esp, sizeof(*eth));
	assert_non_null(eth);
	eth->dst_addr = *wr_port_mac(rig.t->port[TRI_LAN]);
	eth->src_addr = (struct rte_ether_addr){{2, 0xaa, 0, 0, 0, 200}};
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	return esp;
}

static inline void far_send(struct far_side *f)
{
	tri_net_send(rig.t, TRI_LAN, false, far_seal(f));
}
