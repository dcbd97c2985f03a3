/* SPDX-License-Identifier: BSD-3-Clause */
#include "template_priv.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>

#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "stamp.h"
#include "wr_csum.h"

#define IMIX_MEDIUM 566u // 570 and 1518 with check sequence
#define IMIX_LARGE  1514u
#define MSS_OPTION  4u
#define ECHO_HDR    8u

static bool is_tcp(const struct gen_packets *conf)
{
	return conf->kind == GEN_PACKET_TCP || conf->kind == GEN_PACKET_MUTATE;
}

static int check_range(const char *what, const struct gen_range *r, struct wr_err *err)
{
	char first[WR_ADDR_STR], last[WR_ADDR_STR];

	if (r->first.q[0] == 0 && r->first.q[1] == 0) // not given
		return wr_err_set(err, EINVAL,
			"%s addresses are missing: give one or a range, such as "
			"198.18.0.1-198.18.0.9",
			what);
	wr_addr_format(&r->first, first, sizeof(first));
	wr_addr_format(&r->last, last, sizeof(last));
	if (wr_addr_is_v4(&r->first) != wr_addr_is_v4(&r->last))
		return wr_err_set(err, EINVAL,
			"%s addresses %s-%s: both ends must be of one family", what, first, last);
	if (wr_addr_cmp(&r->first, &r->last) > 0)
		return wr_err_set(err, EINVAL, "%s addresses %s-%s: the first is above the last",
			what, first, last);
	if (r->first.q[0] != r->last.q[0])
		return wr_err_set(err, EINVAL, "%s addresses %s-%s: a range stays inside one /64",
			what, first, last);
	return 0;
}

static int check_span(const char *what, const struct gen_span *s, struct wr_err *err)
{
	if (s->first > s->last)
		return wr_err_set(err, EINVAL, "%s %u-%u: the first is above the last", what,
			s->first, s->last);
	return 0;
}

static int check_ranges(const struct gen_packets *conf, struct wr_err *err)
{
	int ret = 0;

	if (conf->source_mac[0] & 1)
		return wr_err_set(err, EINVAL,
			"source MAC %02x:...: a group address cannot be a source, the first byte "
			"must be even",
			conf->source_mac[0]);
	if (conf->kind == GEN_PACKET_RANDOM) // has none; a source says which EtherType
		return 0;
	ret = check_range("source", &conf->source, err);
	if (ret == 0)
		ret = check_range("target", &conf->target, err);
	if (ret == 0)
		ret = check_span("source ports", &conf->source_port, err);
	if (ret == 0)
		ret = check_span("target ports", &conf->target_port, err);
	if (ret < 0)
		return ret;
	if (wr_addr_is_v4(&conf->source.first) != wr_addr_is_v4(&conf->target.first))
		return wr_err_set(err, EINVAL,
			"source and target addresses must be of one family: use two streams");
	return 0;
}

static void lay_out(const struct gen_packets *conf, struct template_sizes *out)
{
	out->v4 = wr_addr_is_v4(&conf->source.first);
	out->l4 = RTE_ETHER_HDR_LEN +
	          (out->v4 ? sizeof(struct rte_ipv4_hdr) : sizeof(struct rte_ipv6_hdr));
	if (conf->kind == GEN_PACKET_UDP) {
		out->cksum = 6;
		out->payload = out->l4 + sizeof(struct rte_udp_hdr);
	} else if (conf->kind == GEN_PACKET_ICMP_ECHO) {
		out->cksum = 2;
		out->payload = out->l4 + ECHO_HDR;
	} else {
		out->cksum = 16;
		out->payload = out->l4 + sizeof(struct rte_tcp_hdr) +
		               (conf->flags & WR_TCP_SYN ? MSS_OPTION : 0);
	}
}

// "14 Ethernet + 20 IPv4 + 8 UDP + 18 stamp = 60"
static void say_sum(
	const struct gen_packets *conf, const struct template_sizes *s, char *buf, size_t len)
{
	const char *l4 = is_tcp(conf) ? "TCP" : conf->kind == GEN_PACKET_UDP ? "UDP" : "ICMP";
	uint32_t l3_len = s->l4 - RTE_ETHER_HDR_LEN, l4_len = s->payload - s->l4;

	if (conf->kind == GEN_PACKET_RANDOM)
		snprintf(buf, len, "Ethernet's least without check sequence is %u", TEMPLATE_LEAST);
	else if (s->payload + (conf->stamp ? STAMP_LEN : 0) < TEMPLATE_LEAST)
		snprintf(buf, len, "Ethernet's least without check sequence is %u", TEMPLATE_LEAST);
	else if (conf->stamp)
		snprintf(buf, len, "%u Ethernet + %u %s + %u %s + %u stamp = %u", RTE_ETHER_HDR_LEN,
			l3_len, s->v4 ? "IPv4" : "IPv6", l4_len, l4, STAMP_LEN,
			s->payload + STAMP_LEN);
	else
		snprintf(buf, len, "%u Ethernet + %u %s + %u %s = %u", RTE_ETHER_HDR_LEN, l3_len,
			s->v4 ? "IPv4" : "IPv6", l4_len, l4, s->payload);
}

static int check_sizes(const struct gen_packets *conf, const struct packets_env *env,
	struct template_sizes *s, struct wr_err *err)
{
	uint32_t need = conf->kind == GEN_PACKET_RANDOM
	                        ? TEMPLATE_LEAST
	                        : s->payload + (conf->stamp ? STAMP_LEN : 0);
	uint32_t most = RTE_MIN((uint32_t)env->mtu + RTE_ETHER_HDR_LEN, (uint32_t)WR_MAX_FRAME);
	uint32_t room = rte_pktmbuf_data_room_size(env->pool) - RTE_PKTMBUF_HEADROOM;
	char sum[128];

	need = RTE_MAX(need, TEMPLATE_LEAST);
	if (conf->imix) {
		s->imix[0] = need;
		s->imix[1] = IMIX_MEDIUM;
		s->imix[2] = IMIX_LARGE;
		s->first = need;
		s->last = IMIX_LARGE;
	} else {
		s->first = conf->size.first == 0 ? need : conf->size.first;
		s->last = conf->size.last == 0 ? s->first : conf->size.last;
	}
	say_sum(conf, s, sum, sizeof(sum));
	if (s->first > s->last)
		return wr_err_set(
			err, EINVAL, "sizes %u-%u: the first is above the last", s->first, s->last);
	if (s->first < need)
		return wr_err_set(err, EINVAL, "frames of %u bytes are too small: %s; give %u%s",
			s->first, sum, need, conf->stamp ? " or more, or no stamp" : " or more");
	if (s->last > most)
		return wr_err_set(err, EINVAL,
			"frames of %u bytes are too large: %u Ethernet + %u MTU of the port = %u; "
			"give less%s",
			s->last, RTE_ETHER_HDR_LEN, most - RTE_ETHER_HDR_LEN, most,
			conf->imix ? ", or no IMIX" : ", or a larger MTU");
	if (RTE_MAX(s->last, 64u) > room)
		return wr_err_set(err, EINVAL,
			"frames of %u bytes do not fit into buffers of %u: they need a pool with "
			"larger ones",
			s->last, room);
	return 0;
}

int template_check(const struct gen_packets *conf, const struct packets_env *env,
	struct template_sizes *out, struct wr_err *err)
{
	int ret = check_ranges(conf, err);

	if (ret < 0)
		return ret;
	if (conf->stamp && (conf->kind == GEN_PACKET_RANDOM || conf->kind == GEN_PACKET_MUTATE))
		return wr_err_set(err, EINVAL,
			"random and mutated packets carry no stamp: TCP, UDP and ICMP echo do");
	*out = (struct template_sizes){0};
	lay_out(conf, out);
	return check_sizes(conf, env, out, err);
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static void set_sum(uint8_t *at, uint32_t sum, const uint8_t *data, uint32_t len)
{
	uint16_t ck;

	memset(at, 0, sizeof(ck));
	ck = wr_csum_finish(wr_csum_add(sum, data, len));
	memcpy(at, &ck, sizeof(ck));
}

void template_repair(uint8_t *frame, uint32_t size)
{
	uint8_t *ip = frame + RTE_ETHER_HDR_LEN;
	uint32_t have = size - RTE_ETHER_HDR_LEN, hlen, len, be;
	struct wr_addr source, target;

	if (ip[0] >> 4 == 4) {
		hlen = (ip[0] & 15) * 4u;
		if (hlen < sizeof(struct rte_ipv4_hdr) || hlen > have)
			return;
		len = RTE_MIN(get16(ip + 2), have);
		set_sum(ip + 10, 0, ip, hlen);
		memcpy(&be, ip + 12, sizeof(be));
		source = wr_addr_from_v4(be);
		memcpy(&be, ip + 16, sizeof(be));
		target = wr_addr_from_v4(be);
	} else if (ip[0] >> 4 == 6 && have >= sizeof(struct rte_ipv6_hdr)) {
		hlen = sizeof(struct rte_ipv6_hdr);
		len = RTE_MIN(get16(ip + 4) + hlen, have);
		source = wr_addr_from_v6(ip + 8);
		target = wr_addr_from_v6(ip + 24);
	} else {
		return;
	}
	if (len < hlen + sizeof(struct rte_tcp_hdr))
		return;
	set_sum(ip + hlen + 16, wr_csum_pseudo(&source, &target, IPPROTO_TCP, len - hlen),
		ip + hlen, len - hlen);
}
