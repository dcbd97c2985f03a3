/* SPDX-License-Identifier: BSD-3-Clause */
#include "template.h"

#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdlib.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "stamp.h"
#include "template_priv.h"
#include "wr_csum.h"
#include "wr_hash.h"

#define HOP_LIMIT 64
#define WINDOW    64240 // what Linux offers first: 44 segments of 1460 bytes

static uint64_t low64(const struct wr_addr *a)
{
	return rte_be_to_cpu_64(a->q[1]);
}

static uint8_t proto_of(const struct template *t)
{
	switch (t->kind) {
	case GEN_PACKET_UDP:
		return IPPROTO_UDP;
	case GEN_PACKET_ICMP_ECHO:
		return t->v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6;
	default:
		return IPPROTO_TCP;
	}
}

// Ethernet and IP, without what differs from packet to packet: lengths, low halves of addresses.
static void put_ip(struct template *t, const struct gen_packets *conf)
{
	uint8_t *ip = t->frame + RTE_ETHER_HDR_LEN;
	uint16_t type = rte_cpu_to_be_16(t->v4 ? RTE_ETHER_TYPE_IPV4 : RTE_ETHER_TYPE_IPV6);

	memcpy(t->frame + 12, &type, sizeof(type));
	if (t->v4) {
		struct rte_ipv4_hdr h = {
			.version_ihl = RTE_IPV4_VHL_DEF,
			// With DF and no fragments the identification may stay 0 (RFC 6864 4.1).
			.fragment_offset = rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG),
			.time_to_live = HOP_LIMIT,
			.next_proto_id = proto_of(t),
		};

		memcpy(ip, &h, sizeof(h));
	} else {
		struct rte_ipv6_hdr h = {
			.vtc_flow = rte_cpu_to_be_32(6u << 28),
			.proto = proto_of(t),
			.hop_limits = HOP_LIMIT,
		};

		memcpy(h.src_addr, conf->source.first.b, 8);
		memcpy(h.dst_addr, conf->target.first.b, 8);
		memcpy(ip, &h, sizeof(h));
	}
}

static void put_l4(struct template *t, const struct gen_packets *conf, uint16_t mtu)
{
	uint8_t *l4 = t->frame + t->l4;
	uint32_t mss = mtu - (t->l4 - RTE_ETHER_HDR_LEN) - sizeof(struct rte_tcp_hdr);

	if (t->kind == GEN_PACKET_UDP)
		return;
	if (t->kind == GEN_PACKET_ICMP_ECHO) {
		l4[0] = t->v4 ? 8 : 128; // echo (RFC 792, RFC 4443 4.1)
		return;
	}
	l4[12] = (uint8_t)((t->payload - t->l4) / 4 << 4);
	l4[13] = conf->flags;
	l4[14] = WINDOW >> 8;
	l4[15] = WINDOW & 0xff;
	if (conf->flags & WR_TCP_SYN) { // RFC 9293 3.7.1
		l4[20] = 2;
		l4[21] = 4;
		l4[22] = (uint8_t)(mss >> 8);
		l4[23] = (uint8_t)mss;
	}
}

// Where the IP packet of a frame ends; behind is padding.
static inline uint32_t ip_end(const struct template *t, uint32_t size)
{
	return size == TEMPLATE_LEAST && t->l4 + 16 == t->cksum ? t->payload : size;
}

static void put_payload(struct template *t)
{
	uint8_t *payload = t->frame + t->payload;
	uint32_t id = rte_cpu_to_be_32(t->stamp_id), len = ip_end(t, t->size_last) - t->payload;

	if (ip_end(t, t->size_last) <= t->payload) // padding is 0
		return;
	for (uint32_t i = 0; i < len; i++)
		payload[i] = stamp_pattern(i);
	if (t->stamp) {
		memset(payload, 0, STAMP_LEN);
		memcpy(payload, &id, sizeof(id));
	}
}

// The sums of what stays, at one size. Addresses, ports and the like are zero in the template.
static struct template_sum sum_of(
	const struct template *t, const struct gen_packets *conf, uint32_t size)
{
	uint32_t end = ip_end(t, size), len = end - t->l4;
	uint32_t ip = wr_csum_add(0, t->frame + RTE_ETHER_HDR_LEN, t->l4 - RTE_ETHER_HDR_LEN);
	uint32_t l4 = wr_csum_add(0, t->frame + t->l4, len);
	struct wr_addr source = conf->source.first, target = conf->target.first;

	ip += rte_cpu_to_be_16((uint16_t)(end - RTE_ETHER_HDR_LEN));
	source.q[1] = 0;
	target.q[1] = 0;
	if (proto_of(t) != IPPROTO_ICMP)
		l4 += wr_csum_pseudo(&source, &target, proto_of(t), len);
	if (t->kind == GEN_PACKET_UDP)
		l4 += rte_cpu_to_be_16((uint16_t)len);
	return (struct template_sum){.l4 = wr_csum_fold(l4), .ip = wr_csum_fold(ip)};
}

static void set_wheels(struct template *t, const struct gen_packets *conf)
{
	const struct {
		uint64_t first, last;
	} range[TEMPLATE_FIELDS] = {
		[TEMPLATE_SOURCE] = {low64(&conf->source.first), low64(&conf->source.last)},
		[TEMPLATE_TARGET] = {low64(&conf->target.first), low64(&conf->target.last)},
		[TEMPLATE_SOURCE_PORT] = {conf->source_port.first, conf->source_port.last},
		[TEMPLATE_TARGET_PORT] = {conf->target_port.first, conf->target_port.last},
	};

	for (int i = 0; i < TEMPLATE_FIELDS; i++) {
		t->base[i] = range[i].first;
		t->wheel[i].last = range[i].last - range[i].first;
	}
	if (t->kind == GEN_PACKET_ICMP_ECHO)
		t->wheel[TEMPLATE_TARGET_PORT].last = 0;
}

static void set_macs(
	struct template *t, const struct gen_packets *conf, const struct packets_env *env)
{
	static const uint8_t none[6];
	bool own = memcmp(conf->source_mac, none, sizeof(none)) == 0;
	const uint8_t *source = own ? env->port_mac : conf->source_mac;

	memcpy(t->frame + 6, source, 6);
	memcpy(t->frame,
		memcmp(conf->target_mac, none, sizeof(none)) == 0 ? env->target_mac
								  : conf->target_mac,
		6);
	for (int i = 0; i < 6; i++)
		t->mac_first = t->mac_first << 8 | source[i];
	t->macs = conf->source_macs;
}

struct template *template_create(
	const struct gen_packets *conf, const struct packets_env *env, struct wr_err *err)
{
	struct template_sizes sizes;
	struct template *t;

	if (template_check(conf, env, &sizes, err) < 0)
		return NULL;
	t = aligned_alloc(64, RTE_ALIGN(sizeof(*t), 64));
	if (t == NULL) {
		wr_err_set(err, ENOMEM, "no memory for a template of %zu bytes", sizeof(*t));
		return NULL;
	}
	memset(t, 0, sizeof(*t));
	t->rng = env->seed ^ (uint64_t)env->stream << 56;
	t->kind = (uint8_t)conf->kind;
	t->v4 = sizes.v4;
	t->random = conf->walk == GEN_WALK_RANDOM;
	t->stamp = conf->stamp;
	t->imix = conf->imix;
	t->l4 = (uint8_t)sizes.l4;
	t->cksum = (uint8_t)(sizes.l4 + sizes.cksum);
	t->payload = (uint8_t)sizes.payload;
	t->pseudo_mask = conf->kind == GEN_PACKET_ICMP_ECHO && t->v4 ? 0 : UINT64_MAX;
	if (proto_of(t) == IPPROTO_TCP) // the acknowledgement is 0 without ACK
		t->seq_mask = conf->flags & WR_TCP_ACK ? UINT64_MAX : UINT32_MAX;
	memcpy(t->imix_size, sizes.imix, sizeof(t->imix_size));
	t->size_first = sizes.first;
	t->size_last = sizes.last;
	t->stamp_id = stamp_id(env->seed, env->stream);
	set_macs(t, conf, env);
	set_wheels(t, conf);
	put_ip(t, conf);
	put_l4(t, conf, env->mtu);
	put_payload(t);
	t->sum = calloc(t->size_last - t->size_first + 1, sizeof(*t->sum));
	if (t->sum == NULL) {
		wr_err_set(err, ENOMEM, "no memory for the checksums of %u sizes",
			t->size_last - t->size_first + 1);
		template_destroy(t);
		return NULL;
	}
	for (uint32_t size = t->size_first; size <= t->size_last; size++)
		t->sum[size - t->size_first] = sum_of(t, conf, size);
	return t;
}

void template_destroy(struct template *t)
{
	if (t == NULL)
		return;
	free(t->sum);
	free(t);
}

void template_set_target_mac(struct template *t, const uint8_t mac[6])
{
	memcpy(t->frame, mac, 6);
}

uint32_t template_payload_least(const struct template *t)
{
	return ip_end(t, t->size_first) - t->payload;
}

uint32_t template_payload_most(const struct template *t)
{
	return ip_end(t, t->size_last) - t->payload;
}

// wyrand (Wang Yi 2019): one multiply a number.
static inline uint64_t draw(struct template *t)
{
	t->rng += 0xa0761d6478bd642fULL;
	return wr_hash_mum(t->rng, t->rng ^ 0xe7037ed1a0b428dbULL);
}

// 0 to last. Without Lemire's rejection: a range of n is uneven by n / 2^64.
static inline uint64_t draw_upto(struct template *t, uint64_t last)
{
	uint64_t r = draw(t);

	return last == UINT64_MAX ? r : (uint64_t)(((__uint128_t)r * (last + 1)) >> 64);
}

uint32_t template_next_size(struct template *t)
{
	// 7 small, 4 medium, 1 large, spread.
	static const uint8_t order[TEMPLATE_IMIX_LEN] = {0, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 2};
	uint32_t at;

	if (t->imix) {
		at = t->random ? (uint32_t)draw_upto(t, TEMPLATE_IMIX_LEN - 1) : t->imix_at;
		t->imix_at = t->imix_at + 1 == TEMPLATE_IMIX_LEN ? 0 : t->imix_at + 1;
		return t->imix_size[order[at]];
	}
	if (t->size_first == t->size_last)
		return t->size_first;
	if (t->random)
		return t->size_first + (uint32_t)draw_upto(t, t->size_last - t->size_first);
	at = t->size_first + t->size_at;
	t->size_at = at == t->size_last ? 0 : t->size_at + 1;
	return at;
}

static inline void walk(struct template *t, uint64_t v[TEMPLATE_FIELDS])
{
	struct template_wheel *w = t->wheel;

	if (t->random) {
		for (int i = 0; i < TEMPLATE_FIELDS; i++)
			v[i] = t->base[i] + (w[i].last == 0 ? 0 : draw_upto(t, w[i].last));
		return;
	}
	for (int i = 0; i < TEMPLATE_FIELDS; i++)
		v[i] = t->base[i] + w[i].at;
	for (int i = 0; i < TEMPLATE_FIELDS; i++) {
		if (w[i].at != w[i].last) {
			w[i].at++;
			break;
		}
		w[i].at = 0;
	}
}

static inline void put16(uint8_t *to, uint32_t host)
{
	uint16_t be = rte_cpu_to_be_16((uint16_t)host);

	memcpy(to, &be, sizeof(be));
}

static inline uint16_t finish(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t) ~((sum & 0xffff) + (sum >> 16));
}

static inline uint64_t halves(uint64_t words)
{
	return (uint32_t)words + (words >> 32);
}

static void put_mac(struct template *t, uint8_t *to)
{
	uint64_t i = t->random ? draw_upto(t, t->macs - 1) : t->mac_at;
	uint64_t be = rte_cpu_to_be_64((t->mac_first + i) << 16);

	memcpy(to + 6, &be, 6);
	t->mac_at = t->mac_at + 1 == t->macs ? 0 : t->mac_at + 1;
}

// Addresses and length of the IP header; the IPv4 header's checksum.
static inline void put_addresses(
	const struct template *t, uint8_t *to, uint32_t end, uint64_t source, uint64_t target)
{
	if (t->v4) {
		uint32_t s = (uint32_t)(source >> 32), d = (uint32_t)(target >> 32);
		uint16_t ck;

		put16(to + 16, end - RTE_ETHER_HDR_LEN);
		ck = finish((uint64_t)t->sum_now->ip + s + d);
		memcpy(to + 24, &ck, sizeof(ck));
		memcpy(to + 26, &s, sizeof(s));
		memcpy(to + 30, &d, sizeof(d));
	} else {
		put16(to + 18, end - t->l4);
		memcpy(to + 30, &source, sizeof(source));
		memcpy(to + 46, &target, sizeof(target));
	}
}

// 1 to 8 bytes behind Ethernet changed, and in half of the frames the checksums made to fit.
static void mutate(struct template *t, uint8_t *to, uint32_t size)
{
	uint64_t r = draw(t);
	uint32_t n = 1 + (r & 7);
	bool repair = r & 8;

	for (uint32_t i = 0; i < n; i++) {
		r = draw(t);
		to[RTE_ETHER_HDR_LEN + (uint32_t)(((r >> 32) * (size - RTE_ETHER_HDR_LEN)) >>
						  32)] ^= (uint8_t)(1 + r % 255);
	}
	if (repair)
		template_repair(to, size);
}

static void scramble(struct template *t, uint8_t *to, uint32_t len)
{
	for (; len >= 8; to += 8, len -= 8) {
		uint64_t r = draw(t);

		memcpy(to, &r, sizeof(r));
	}
	for (; len > 0; len--)
		*to++ = (uint8_t)draw(t);
}

// What changes in the L4 header but its checksum. Returns the sum of the words written; a length is
// in the sum of what stays.
static inline uint64_t put_ports(struct template *t, uint8_t *to, uint32_t end,
	const uint64_t v[TEMPLATE_FIELDS], uint64_t seq)
{
	uint8_t *l4 = to + t->l4;
	uint32_t ports = rte_cpu_to_be_16((uint16_t)v[TEMPLATE_SOURCE_PORT]);
	uint64_t r;

	if (t->kind == GEN_PACKET_ICMP_ECHO) { // identifier and sequence number
		ports |= (uint32_t)rte_cpu_to_be_16((uint16_t)seq) << 16;
		memcpy(l4 + 4, &ports, sizeof(ports));
		return ports;
	}
	ports |= (uint32_t)rte_cpu_to_be_16((uint16_t)v[TEMPLATE_TARGET_PORT]) << 16;
	memcpy(l4, &ports, sizeof(ports));
	if (t->kind == GEN_PACKET_UDP) {
		put16(l4 + 4, end - t->l4);
		return ports;
	}
	r = draw(t) & t->seq_mask;
	memcpy(l4 + 4, &r, sizeof(r));
	return ports + halves(r);
}

void template_write(struct template *t, uint8_t *to, uint32_t size, uint64_t seq, uint64_t at_ns)
{
	uint32_t end = ip_end(t, size);
	uint64_t v[TEMPLATE_FIELDS], source, target, sum;
	uint16_t ck;

	if (size <= 64)
		memcpy(to, t->frame, 64); // of a size known to the compiler
	else
		memcpy(to, t->frame, size);
	if (unlikely(t->macs > 1))
		put_mac(t, to);
	if (unlikely(t->kind == GEN_PACKET_RANDOM)) {
		scramble(t, to + RTE_ETHER_HDR_LEN, size - RTE_ETHER_HDR_LEN);
		return;
	}
	if (unlikely(end < size && t->size_last > size)) // else it is 0 in the template
		memset(to + end, 0, size - end);
	walk(t, v);
	t->sum_now = &t->sum[size - t->size_first];
	source = rte_cpu_to_be_64(v[TEMPLATE_SOURCE]);
	target = rte_cpu_to_be_64(v[TEMPLATE_TARGET]);
	put_addresses(t, to, end, source, target);
	sum = t->sum_now->l4 + ((halves(source) + halves(target)) & t->pseudo_mask);

	sum += put_ports(t, to, end, v, seq);
	if (t->stamp)
		sum += stamp_put(to + t->payload, seq, at_ns);
	ck = finish(sum);
	if (t->kind == GEN_PACKET_UDP && ck == 0)
		ck = 0xffff; // 0 would say that there is none (RFC 768)
	memcpy(to + t->cksum, &ck, sizeof(ck));
	if (unlikely(t->kind == GEN_PACKET_MUTATE))
		mutate(t, to, size);
}
