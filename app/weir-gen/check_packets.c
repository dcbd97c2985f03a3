/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_priv.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "stamp.h"
#include "wr_pkt.h"

// Packet streams: rates that a link can carry, addresses of one family, frames that fit.

#define LINK_BPS   100000000000ULL // the fastest port that this is meant for
#define LINK_PPS   148809523ULL    // of 64-byte frames
#define FRAME_MORE 24u             // check sequence, preamble, gap
#define ETHER      14u
#define LEAST      60u

static bool is_tcp(const struct gen_packets *s)
{
	return s->kind == GEN_PACKET_TCP || s->kind == GEN_PACKET_MUTATE;
}

static bool has_ip(const struct gen_packets *s)
{
	return s->kind != GEN_PACKET_RANDOM && s->kind != GEN_PACKET_PCAP;
}

// What a frame must hold: its headers and its stamp.
static uint32_t least_size(const struct gen_packets *s)
{
	uint32_t need = ETHER;

	if (has_ip(s)) {
		need += wr_addr_is_v4(&s->target.first) ? 20 : 40;
		// A SYN has an MSS option.
		need += is_tcp(s) ? 20 + (s->flags & WR_TCP_SYN ? 4 : 0) : 8;
	}
	need += s->stamp ? STAMP_LEN : 0;
	return need > LEAST ? need : LEAST;
}

static uint32_t mean_size(const struct gen_packets *s)
{
	uint32_t least = least_size(s);

	if (s->imix)
		return (7 * least + 4 * 566 + 1514) / 12;
	if (s->size.first == 0)
		return least;
	return (s->size.first + s->size.last) / 2;
}

static int check_rate(const struct gen_check *k, uint32_t i)
{
	const struct gen_packets *s = &k->c->packets[i];
	uint32_t mean = mean_size(s);
	uint64_t most = LINK_BPS / ((mean + FRAME_MORE) * 8);
	char rate[32], right[32];

	wr_settings_format_rate(s->rate_pps, rate, sizeof(rate));
	wr_settings_format_rate(most / 1000 * 1000, right, sizeof(right));
	if (s->rate_pps > 0 && s->rate_bps > 0)
		return wr_settings_fail(&k->at, &s->rate_bps, s->line,
			"packets[%u].rate_bps: and rate_pps are given both; keep one", i);
	if (s->rate_pps > LINK_PPS)
		return wr_settings_fail(&k->at, &s->rate_pps, s->line,
			"packets[%u].rate_pps: value '%s' is more than a link of 100 Gbit/s "
			"carries, "
			"148.8 M of the smallest frames; right would be less, or none for as fast "
			"as the port takes them",
			i, rate);
	if (s->kind != GEN_PACKET_PCAP && s->rate_pps > most)
		return wr_settings_fail(&k->at, &s->rate_pps, s->line,
			"packets[%u].rate_pps: %s packets/s x (%u + %u bytes) x 8 = %llu Gbit/s, "
			"but "
			"a link of 100 Gbit/s carries %s of that size; right would be less",
			i, rate, mean, FRAME_MORE,
			(unsigned long long)(s->rate_pps * (mean + FRAME_MORE) * 8 / 1000000000),
			right);
	wr_settings_format_rate(s->rate_bps, rate, sizeof(rate));
	if (s->rate_bps > LINK_BPS)
		return wr_settings_fail(&k->at, &s->rate_bps, s->line,
			"packets[%u].rate_bps: value '%s' is more than a link of 100 Gbit/s; right "
			"would be 100G or less",
			i, rate);
	return 0;
}

static int check_range(
	const struct gen_check *k, uint32_t i, const char *key, const struct gen_range *r)
{
	// The generator counts in the lower 64 bits.
	if (r->first.q[0] == r->last.q[0])
		return 0;
	return wr_settings_fail(&k->at, r, k->c->packets[i].line,
		"packets[%u].%s: the range leaves its /64; right would be one inside", i, key);
}

static int check_ranges(const struct gen_check *k, uint32_t i)
{
	const struct gen_packets *s = &k->c->packets[i];
	const char *from, *to;
	int rc;

	if (!has_ip(s))
		return 0;
	from = gen_check_family(&s->source.first);
	to = gen_check_family(&s->target.first);
	if (wr_addr_is_unspecified(&s->source.first))
		return wr_settings_fail(&k->at, &s->target, s->line,
			"packets[%u].source: is missing, and port '%s' has no %s address to send "
			"from; add one",
			i, k->c->ports[s->port].name, to);
	if (strcmp(from, to) != 0)
		return wr_settings_fail(&k->at, &s->source, s->line,
			"packets[%u].source: is %s and the target is %s; right would be one "
			"family, "
			"or two streams",
			i, from, to);
	rc = check_range(k, i, "source", &s->source);
	return rc == 0 ? check_range(k, i, "target", &s->target) : rc;
}

static int check_size(const struct gen_check *k, uint32_t i)
{
	const struct gen_packets *s = &k->c->packets[i];
	uint32_t mtu = k->c->ports[s->port].mtu, most = mtu + ETHER, need = least_size(s);

	if (s->kind == GEN_PACKET_PCAP)
		return 0;
	if (s->imix && s->size.first > 0)
		return wr_settings_fail(&k->at, &s->size, s->line,
			"packets[%u].size: and imix are given both; keep one", i);
	if (s->size.first > 0 && s->size.first < need)
		return wr_settings_fail(&k->at, &s->size, s->line,
			"packets[%u].size: frames of %u bytes are too small for their headers%s, "
			"which need %u; right would be %u or more, or auto",
			i, s->size.first, s->stamp ? " and a stamp of 18" : "", need, need);
	if ((s->imix ? 1514 : s->size.last) > most)
		return wr_settings_fail(&k->at, s->imix ? (const void *)&s->imix : &s->size,
			s->line,
			"packets[%u].%s: frames of %u bytes are too large: %u Ethernet + %u MTU of "
			"port '%s' = %u; right would be less, or a larger mtu",
			i, s->imix ? "imix" : "size", s->imix ? 1514 : s->size.last, ETHER, mtu,
			k->c->ports[s->port].name, most);
	return 0;
}

static int check_stamp(const struct gen_check *k, uint32_t i)
{
	const struct gen_packets *s = &k->c->packets[i];

	if (!s->stamp || (has_ip(s) && s->kind != GEN_PACKET_MUTATE))
		return 0;
	return wr_settings_fail(&k->at, &s->stamp, s->line,
		"packets[%u].stamp: random, mutate and pcap have no place for one; right would be "
		"kind tcp, udp or icmp_echo, or no stamp",
		i);
}

static int check_pcap(const struct gen_check *k, uint32_t i)
{
	const struct gen_packets *s = &k->c->packets[i];

	if (s->kind != GEN_PACKET_PCAP) {
		if (s->pcap[0] == 0)
			return 0;
		return wr_settings_fail(&k->at, s->pcap, s->line,
			"packets[%u].pcap: value '%s' is of use to kind: pcap alone", i, s->pcap);
	}
	if (s->pcap[0] == 0)
		return wr_settings_fail(&k->at, s->pcap, s->line,
			"packets[%u].pcap: is missing; right would be the file whose frames are "
			"sent",
			i);
	if (access(s->pcap, R_OK) != 0)
		return wr_settings_fail(&k->at, s->pcap, s->line,
			"packets[%u].pcap: value '%s' cannot be read: %s; right would be a pcap "
			"file",
			i, s->pcap, strerror(errno));
	if (s->pcap_timing && s->rate_pps + s->rate_bps > 0)
		return wr_settings_fail(&k->at, &s->pcap_timing, s->line,
			"packets[%u].pcap_timing: and a rate are given both; keep one", i);
	return 0;
}

static int check_macs(const struct gen_check *k, uint32_t i)
{
	const struct gen_packets *s = &k->c->packets[i];

	if (!(s->source_mac[0] & 1))
		return 0;
	return wr_settings_fail(&k->at, s->source_mac, s->line,
		"packets[%u].source_mac: is a group address, which nothing comes from; right would "
		"be one whose first byte is even",
		i);
}

int gen_check_packets(const struct gen_check *k)
{
	static int (*const checks[])(const struct gen_check *, uint32_t) = {
		check_pcap, check_stamp, check_ranges, check_macs, check_size, check_rate};
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->packets_count; i++) {
		for (uint32_t j = 0; rc == 0 && j < sizeof(checks) / sizeof(checks[0]); j++)
			rc = checks[j](k, i);
	}
	return rc;
}
