/* SPDX-License-Identifier: BSD-3-Clause */

// A fabric of one worker between two simulated ports.

#include "ops.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <valgrind/callgrind.h>

#define DESCRIPTORS 4096
#define EXPIRE_US   (61 * WR_US_PER_S)

static const char conf_text[] =
	"runtime:\n  workers: [1]\n  memory: plain\n  name: ops\n  dad: no\n  max_sessions: "
	"4096\n%s"
	"ports:\n"
	"  - {name: wan, device: net_sim0, addresses: [198.18.0.1/24, \"2001:db8::1/64\"],\n"
	"     gateway: [198.18.0.254, \"2001:db8::fe\"]}\n"
	"  - {name: lan, device: net_sim1, addresses: [198.18.1.1/24, \"2001:db8:1::1/64\"]}\n"
	"services:\n"
	"  - name: four\n    listen: [\"198.18.0.100:80\"]\n    mode: tcp\n    pool: four\n"
	"    timeouts: {idle: 24h}\n"
	"  - name: six\n    listen: [\"[2001:db8::100]:80\"]\n    mode: tcp\n    pool: six\n"
	"    timeouts: {idle: 24h}\n"
	"pools:\n"
	"  - name: four\n    balance: maglev\n    health: {type: none}\n"
	"    source: [\"198.18.1.10-198.18.1.13\"]\n    backends:\n"
	"      - {name: a0, address: \"198.18.1.20:80\"}\n"
	"      - {name: a1, address: \"198.18.1.21:80\"}\n"
	"      - {name: a2, address: \"198.18.1.22:80\"}\n"
	"      - {name: a3, address: \"198.18.1.23:80\"}\n"
	"  - name: six\n    balance: maglev\n    health: {type: none}\n"
	"    source: [\"2001:db8:1::10-2001:db8:1::13\"]\n    backends:\n"
	"      - {name: b0, address: \"[2001:db8:1::20]:80\"}\n"
	"      - {name: b1, address: \"[2001:db8:1::21]:80\"}\n"
	"      - {name: b2, address: \"[2001:db8:1::22]:80\"}\n"
	"      - {name: b3, address: \"[2001:db8:1::23]:80\"}\n";

void ops_die(const char *fmt, ...)
{
	va_list ap;

	fputs("ops: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

void ops_eal(void)
{
	static char *argv[] = {"ops", "--no-huge", "-m", "256", "--no-pci", "--no-telemetry",
		"--no-shconf", "--lcores", "0@0", "--log-level", "lib.*:error", NULL};

	if (rte_eal_init((int)RTE_DIM(argv) - 1, argv) < 0)
		ops_die("EAL did not start");
}

static struct wr_port *port_create(struct ops *o, const char *name, uint16_t side)
{
	struct wr_sim_config sc = {.rx_desc = DESCRIPTORS,
		.tx_desc = DESCRIPTORS,
		.flags = WR_PORT_F_TX_MULTI_SEGS,
		.mac = {{2, 0, 0, 0, 0, (uint8_t)(1 + side)}}};
	struct wr_err err = {0};
	struct wr_port *p;

	if (o->mode.offload)
		sc.flags |= WR_PORT_F_TX_TCP_CKSUM | WR_PORT_F_TX_IP_CKSUM | WR_PORT_F_RX_CKSUM;
	p = wr_sim_port_create(name, side, &sc);
	if (p == NULL)
		ops_die("out of memory");
	if (wr_port_start(p, &o->pools, &err) < 0)
		ops_die("%s", err.text);
	return p;
}

static void fabric_create(struct ops *o)
{
	struct wr_fabric_config fc = {.conf = o->conf,
		.ports = {o->port[OPS_WAN], o->port[OPS_LAN]},
		.pools = {&o->pools},
		.workers = 1,
		.secret = {1, 2, 3, 4},
		.seed = 5};
	struct wr_err err = {0};

	o->backends = wr_backends_create(o->conf, 1, 1, &err);
	if (o->backends == NULL)
		ops_die("%s", err.text);
	fc.backends = o->backends;
	o->fabric = wr_fabric_create(&fc, o->now, &err);
	if (o->fabric == NULL)
		ops_die("%s", err.text);
	o->worker = wr_fabric_worker(o->fabric, 0);
}

struct ops *ops_open(const struct ops_mode *mode)
{
	struct wr_mempools_need need = {.rx_count = 16383,
		.small_count = 16383,
		.rx_desc = 1024,
		.tx_desc = 1024,
		.workers = 1,
		.max_sessions = 4096};
	struct ops *o = calloc(1, sizeof(*o));
	struct wr_err err = {0};
	char text[4096];
	int n;

	if (o == NULL)
		ops_die("out of memory");
	o->mode = *mode;
	o->now = WR_US_PER_S;
	n = snprintf(text, sizeof(text), conf_text, mode->runtime != NULL ? mode->runtime : "");
	o->conf = wr_conf_parse("ops.yaml", text, (size_t)n, &err);
	if (o->conf == NULL || wr_mempools_create(&o->pools, "ops", SOCKET_ID_ANY, &need, &err) < 0)
		ops_die("%s", err.text);
	o->port[OPS_WAN] = port_create(o, "wan", OPS_WAN);
	o->port[OPS_LAN] = port_create(o, "lan", OPS_LAN);
	fabric_create(o);
	ops_settle(o);
	return o;
}

void ops_close(struct ops *o)
{
	wr_fabric_destroy(o->fabric);
	wr_backends_destroy(o->backends);
	wr_port_close(o->port[OPS_WAN]);
	wr_port_close(o->port[OPS_LAN]);
	wr_conf_free(o->conf);
	wr_mempools_destroy(&o->pools);
	free(o);
}

// --- turns ------------------------------------------------------------------------------------

uint32_t ops_turn(struct ops *o)
{
	uint32_t done;

	o->pending = 0;
	if (o->counting)
		CALLGRIND_TOGGLE_COLLECT;
	done = wr_worker_turn(o->worker, o->now);
	if (o->counting)
		CALLGRIND_TOGGLE_COLLECT;
	o->now += OPS_TURN_US;
	ops_absorb(o);
	return done;
}

void ops_settle(struct ops *o)
{
	for (uint32_t rounds = 0; ops_turn(o) > 0 || o->pending > 0; rounds++)
		if (rounds > 100000)
			ops_die("the worker does not come to rest");
}

void ops_expire(struct ops *o)
{
	o->now += EXPIRE_US;
	ops_settle(o);
}

void ops_inject(struct ops *o, uint8_t side, struct rte_mbuf *m)
{
	if (wr_sim_port_inject(o->port[side], m) < 0)
		ops_die("a port has no room for a frame");
	o->pending++;
	o->frames_in += o->counting;
}
