/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void packets(const char *keys, const char *sentence)
{
	char text[1024];

	snprintf(text, sizeof(text), GEN_PORTS "packets: [{%s}]\n", keys);
	if (sentence)
		gen_refused(text, sentence);
	else
		gen_good(text);
}

#define TO "target: 198.18.0.100"

static void check_packets_rates(void **state)
{
	packets(TO ", rate_pps: 148.9M", "packets[0].rate_pps: value '148900k' is more than a link "
					 "of 100 Gbit/s carries, 148.8 M");
	packets(TO ", rate_pps: 10M, size: 1514",
		"packets[0].rate_pps: 10M packets/s x (1514 + 24 bytes) x 8 = 123 Gbit/s");
	packets(TO ", rate_bps: 101G",
		"packets[0].rate_bps: value '101G' is more than a link of 100 Gbit/s");
	packets(TO ", rate_bps: 1G, rate_pps: 1",
		"packets[0].rate_bps: and rate_pps are given both");
	packets(TO ", rate_pps: 148.8M", NULL);
	packets(TO ", rate_bps: 100G", NULL);
}

static void check_packets_sizes(void **state)
{
	packets(TO ", size: 1515", "packets[0].size: frames of 1515 bytes are too large: 14 "
				   "Ethernet + 1500 MTU of port 'port0' = 1514");
	packets("target: \"2001:db8::9\", size: 60", "packets[0].size: frames of 60 bytes are too "
						     "small for their headers, which need 78");
	packets(TO ", kind: udp, stamp: yes, size: 60", NULL);
	packets(TO ", flags: ack, stamp: yes, size: 60",
		"are too small for their headers and a stamp of 18, which need 72");
	packets(TO ", flags: ack, stamp: yes, size: 72", NULL);
	packets(TO ", imix: yes, size: 60", "packets[0].size: and imix are given both");
	packets(TO ", size: 59", "packets[0].size: value '59' begins too low");
	packets(TO ", size: 70-65", "is reversed");
	packets(TO ", imix: yes, stamp: yes", NULL);
	gen_refused("ports: [{device: x, addresses: 198.18.0.1/24, mtu: 1400}]\npackets: [{" TO
		    ", imix: yes}]\n",
		"packets[0].imix: frames of 1514 bytes are too large");
}

static void check_packets_stamp_kind(void **state)
{
	packets("kind: random, stamp: yes",
		"packets[0].stamp: random, mutate and pcap have no place for one");
	packets(TO ", kind: mutate, stamp: yes", "packets[0].stamp: ");
	packets(TO ", kind: icmp_echo, stamp: yes", NULL);
}

static void check_packets_families(void **state)
{
	packets(TO ", source: \"2001:db8::9\"",
		"packets[0].source: is IPv6 and the target is IPv4");
	packets(TO ", source: 198.18.0.9-198.18.0.5", "is reversed");
	packets("target: \"2001:db8::9\", source: \"2001:db8::-2001:db8:0:1::\"",
		"has too many addresses");
	packets("target: \"2001:db8::9\", source: \"2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::\"",
		"packets[0].source: the range leaves its /64");
	gen_refused("ports: [{device: x, addresses: \"2001:db8::1/64\"}]\npackets: [{" TO
		    ", target_mac: \"02:00:00:00:00:01\"}]\n",
		"packets[0].source: is missing, and port 'port0' has no IPv4 address");
}

static void check_packets_pcap(void **state)
{
	packets("kind: pcap", "packets[0].pcap: is missing");
	packets("kind: pcap, pcap: /nonexistent.pcap",
		"packets[0].pcap: value '/nonexistent.pcap' cannot be read: No such file");
	packets(TO ", pcap: /dev/null",
		"packets[0].pcap: value '/dev/null' is of use to kind: pcap alone");
	packets("kind: pcap, pcap: /dev/null, pcap_timing: yes, rate_pps: 1",
		"packets[0].pcap_timing: and a rate are given both");
	packets("kind: pcap, pcap: /dev/null, rate_pps: 1", NULL);
}

static void check_packets_group_mac(void **state)
{
	packets(TO ", source_mac: \"01:00:00:00:00:01\"",
		"packets[0].source_mac: is a group address");
	packets(TO ", source_mac: x", "is not an Ethernet address");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_packets_rates),
		cmocka_unit_test(check_packets_sizes),
		cmocka_unit_test(check_packets_stamp_kind),
		cmocka_unit_test(check_packets_families),
		cmocka_unit_test(check_packets_pcap),
		cmocka_unit_test(check_packets_group_mac),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
