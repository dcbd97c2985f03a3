/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_test.h"

#include "wr_conf.h"

// A small good configuration in parts; a test replaces the part that it is about.
struct conf_parts {
	const char *runtime, *ports, *routes, *pools, *services;
	const char *more; // other keys of the root
};

#define CONF_RUNTIME "runtime: {workers: [1, 2], name: t}\n"
#define CONF_PORTS                                                                                 \
	"ports:\n"                                                                                 \
	"  - name: wan\n"                                                                          \
	"    device: net_null0\n"                                                                  \
	"    addresses: [198.18.0.1/24, \"2001:db8::1/64\"]\n"                                     \
	"    gateway: [198.18.0.254]\n"
#define CONF_ROUTES "routes:\n  - {to: 198.19.0.0/16, via: 198.18.0.253, port: wan}\n"
#define CONF_POOLS                                                                                 \
	"pools:\n"                                                                                 \
	"  - name: web\n"                                                                          \
	"    backends:\n"                                                                          \
	"      - {name: b1, address: \"198.18.0.11:8080\"}\n"                                      \
	"      - {name: b2, address: \"[2001:db8::12]:8080\", weight: 7}\n"
#define CONF_SERVICES                                                                              \
	"services:\n"                                                                              \
	"  - name: www\n"                                                                          \
	"    listen: [\"198.18.0.100:80\", \"[2001:db8::100]:80\"]\n"                              \
	"    pool: web\n"

// Every key of pressure, access and limits, and of a service's share of them, in good order.
#define CONF_MORE                                                                                  \
	"pressure: {enabled: no, target: 7ms, hold: 900ms, hold_requests: 5, resets: 20k,\n"       \
	"  stall: 2s, evictions: 9, clients: 3000,\n"                                              \
	"  marks: [{queue: rx_pool, low: 1, high: 2, critical: 100},\n"                            \
	"    {queue: source_ports, low: 10, high: 20, critical: 30}]}\n"                           \
	"access:\n"                                                                                \
	"  deny: [203.0.113.0/24, \"2001:db8:bad::/48\", 0.0.0.0/0]\n"                             \
	"  allow: [198.18.0.0/15, 203.0.113.7/32, \"2001:db8:bad::7/128\"]\n"                      \
	"limits: {rate: 1M, rate_burst: 20k, connections: 99, bytes: 1GiB, bytes_burst: 1MiB,\n"   \
	"  over: delay}\n"                                                                         \
	"log: {to: file, file: /var/log/weir.log, rate: 20k}\n"
#define CONF_SERVICE_MORE                                                                          \
	"    class: 2\n"                                                                           \
	"    sources: [{from: 198.18.9.0/24, class: 0}, {from: \"2001:db8:9::/48\", class: 7}]\n"  \
	"    log: no\n"                                                                            \
	"    proxy_from: [198.18.8.0/24, \"2001:db8:8::/48\"]\n"                                   \
	"    refuse: drop\n"                                                                       \
	"    wait: {sessions: 6, time: 700ms, target: 30ms}\n"                                     \
	"    limits: {rate: 2500, rate_burst: 26, connections: 7, bytes: 3MiB, "                   \
	"bytes_burst: 64KiB,\n"                                                                    \
	"      over: delay, client: {rate: 25, rate_burst: 2, connections: 3, bytes: 20KiB,\n"     \
	"        bytes_burst: 9KiB, prefix_v4: 24, prefix_v6: 56}}\n"
// And of a pool.
#define CONF_POOL_MORE                                                                             \
	"    balance: bounded\n    bound: 150\n    hash: prefix\n"                                 \
	"    hash_prefix_v4: 20\n    hash_prefix_v6: 48\n    send_proxy: v2\n"                     \
	"    slow_start: 3s\n    fail_open: 20\n    spill: {below: 50, hold: 0s}\n"                \
	"    drain: off\n"                                                                         \
	"    breaker: {enabled: no, failures: 7, rate: 0.25, rate_min: 10, window: 5s,\n"          \
	"      silence: off, silence_sessions: 4, open: 2s, open_max: 61s, share: 0.5}\n"          \
	"    health: {type: http, interval: 33ms, timeout: 41ms, rise: 9, fall: 8,\n"              \
	"      interval_down: 5s, interval_fast: 10ms, port: 81,\n"                                \
	"      http: {method: OPTIONS, path: \"/a?b=\\\"c\\\"\", host: h.example, status: 204,\n"  \
	"        header: 'X-A: \"b\\ c', body: '# \"ok\"'},\n"                                     \
	"      agent: {port: 5555, interval: 150ms}}\n"

// Every key of a tunnel, and of a pool behind it, whose backends take the place of CONF_POOLS'.
#define CONF_TUNNEL_ONE                                                                            \
	"  - name: dc1\n"                                                                          \
	"    local: 198.18.0.1\n"                                                                  \
	"    remote: 198.18.9.1\n"                                                                 \
	"    to: [10.1.0.0/16, 10.3.0.0/24]\n"                                                     \
	"    keys: /etc/weir/keys/dc1\n"
#define CONF_TUNNELS_MORE                                                                          \
	"tunnels:\n" CONF_TUNNEL_ONE "    mode: tunnel\n"                                          \
	"    cipher: aes-cbc-256-sha256\n"                                                         \
	"    esn: no\n"                                                                            \
	"    replay_window: 4096\n"                                                                \
	"    udp_port: 4500\n"                                                                     \
	"    mtu: 1400\n"                                                                          \
	"    life: {bytes: 1TiB, packets: 4G, time: 8h, warn: 99}\n"                               \
	"    rekey: {switch_after: 0s, keep_old: 90s}\n"                                           \
	"  - {name: host, mode: transport, local: \"2001:db8::1\", remote: \"2001:db8::55\",\n"    \
	"     keys: /k2}\n"
#define CONF_POOLS_BEHIND                                                                          \
	"  - name: far\n    ipsec: {tunnel: dc1, require: no}\n    source: [198.18.0.50]\n"        \
	"    backends: [{name: b1, address: \"10.3.0.7:80\"}, {name: b2, address: "                \
	"\"10.1.9.9:80\"}]\n"                                                                      \
	"  - {name: end, ipsec: {tunnel: host}, backends: [{name: b, address: "                    \
	"\"[2001:db8::55]:80\"}]}\n"

static inline void conf_join(char *text, size_t len, struct conf_parts p)
{
	snprintf(text, len, "%s%s%s%s%s%s", p.more ? p.more : "",
		p.runtime ? p.runtime : CONF_RUNTIME, p.ports ? p.ports : CONF_PORTS,
		p.routes ? p.routes : CONF_ROUTES, p.pools ? p.pools : CONF_POOLS,
		p.services ? p.services : CONF_SERVICES);
}

static inline struct wr_conf *conf_take_text(const char *text, size_t len)
{
	struct wr_err err = {{0}};
	struct wr_conf *c = wr_conf_parse("t.yaml", text, len, &err);

	if (!c)
		fail_msg("refused: %s", err.text);
	assert_int_equal(err.text[0], 0);
	return c;
}

static inline struct wr_conf *conf_take(struct conf_parts p)
{
	char text[8192];

	conf_join(text, sizeof(text), p);
	return conf_take_text(text, strlen(text));
}

static inline void conf_good(struct conf_parts p)
{
	wr_conf_free(conf_take(p));
}

static inline void conf_refused_text(const char *text, size_t len, const char *sentence)
{
	struct wr_err err = {{0}};
	struct wr_conf *c = wr_conf_parse("t.yaml", text, len, &err);

	if (c)
		fail_msg("taken, but should say: %s", sentence);
	if (!strstr(err.text, sentence))
		fail_msg("says:      %s\nshould say: %s", err.text, sentence);
}

// Refused with a text that contains `sentence`.
static inline void conf_refused(struct conf_parts p, const char *sentence)
{
	char text[8192];

	conf_join(text, sizeof(text), p);
	conf_refused_text(text, strlen(text), sentence);
}
