/* SPDX-License-Identifier: BSD-3-Clause */
#include "boot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>

#include "capture.h"
#include "eal.h"
#include "wr_log.h"

#define MIB         (1024ULL * 1024)
#define RX_BUFFERS  65536u // of all ports: descriptors, backlog, frames on their way
#define SLACK_BYTES (192 * MIB)
#define CONN_BYTES  640 // of a connection with its flow slot and the state of its user
#define KNOWN_US    (20 * WR_US_PER_S)

static void need_of(const struct instance *in, struct wr_mempools_need *need)
{
	*need = (struct wr_mempools_need){.rx_count = RX_BUFFERS,
		.small_count = RX_BUFFERS,
		.rx_desc = in->conf->port_count * 2048,
		.tx_desc = in->conf->port_count * 2048,
		.workers = 1,
		.max_sessions = 1};
	for (uint32_t i = 0; i < in->conf->port_count; i++)
		if (in->conf->ports[i].mtu > 2000)
			need->rx_dataroom =
				RTE_MAX(need->rx_dataroom, in->conf->ports[i].mtu + 256u);
}

int memory_decide(struct instance *in, struct wr_err *err)
{
	const struct gen_conf *c = in->conf;
	uint64_t free_bytes = eal_huge_free_bytes();
	struct wr_mempools_need need;
	struct wr_mempools plan;

	need_of(in, &need);
	if (wr_mempools_plan(&plan, &need, err) < 0)
		return -EINVAL;
	in->memory_bytes =
		plan.bytes + SLACK_BYTES + (uint64_t)c->max_conns * c->port_count * CONN_BYTES;
	in->huge = c->memory != GEN_MEMORY_PLAIN && free_bytes >= in->memory_bytes;
	if (c->memory == GEN_MEMORY_HUGE && !in->huge)
		return wr_err_set(err, ENOMEM,
			"runtime.memory is 'huge' but %llu MiB of huge pages are free and %llu MiB "
			"are needed; cure: sysctl -w vm.nr_hugepages=%llu",
			(unsigned long long)(free_bytes / MIB),
			(unsigned long long)(in->memory_bytes / MIB),
			(unsigned long long)(in->memory_bytes / (2 * MIB) + 1));
	return 0;
}

static int port_open(struct instance *in, uint16_t i, struct wr_err *err)
{
	const struct gen_port *pc = &in->conf->ports[i];
	struct wr_port_config cfg = {.mtu = pc->mtu,
		.rx_queues = 1,
		.tx_queues = 1,
		.rx_desc = pc->rx_desc,
		.tx_desc = pc->tx_desc};

	memcpy(cfg.name, pc->name, sizeof(cfg.name));
	memcpy(cfg.device, pc->device, sizeof(cfg.device));
	in->ports[i] = wr_port_open(&cfg, i, 1, err);
	return in->ports[i] == NULL ? -EIO : 0;
}

static int ports_start(struct instance *in, struct wr_err *err)
{
	struct wr_mempools_need need;

	for (uint16_t i = 0; i < in->conf->port_count; i++)
		if (port_open(in, i, err) < 0)
			return -EIO;
	need_of(in, &need);
	if (wr_mempools_create(&in->pools, in->conf->name, 0, &need, err) < 0)
		return -ENOMEM;
	in->pools_made = true;
	for (uint16_t i = 0; i < in->conf->port_count; i++)
		if (wr_port_start(in->ports[i], &in->pools, err) < 0)
			return -EIO;
	return 0;
}

// The time of day at which the run's clock was 0, for captures.
static uint64_t wall_clock_start(const struct gen_now *now)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec - now->ns;
}

static int hosts_make(struct instance *in, const struct gen_now *now, struct wr_err *err)
{
	struct host_env env = {.conf = in->conf,
		.pools = &in->pools,
		.app_bytes = RTE_MAX(client_app_bytes(), server_app_bytes()),
		.seed = in->conf->seed};

	for (uint16_t i = 0; i < in->conf->port_count; i++) {
		const struct gen_port *pc = &in->conf->ports[i];
		struct host *h = calloc(1, sizeof(*h));

		if (h == NULL)
			return wr_err_set(err, ENOMEM, "out of memory");
		in->loop.hosts[i] = h;
		h->conf = pc;
		h->port = in->ports[i];
		if (host_init(h, i, &env, now, err) < 0)
			return -EINVAL;
		if (pc->capture[0] != 0) {
			h->capture = capture_open(pc->capture, wr_port_mtu(h->port) + 18u,
				pc->capture_frames, wall_clock_start(now), err);
			if (h->capture == NULL)
				return -EIO;
		}
	}
	return 0;
}

static int traffic_make(struct instance *in, struct wr_err *err)
{
	const struct gen_conf *c = in->conf;
	struct loop *l = &in->loop;

	for (uint32_t i = 0; i < c->backend_count; i++) {
		struct host *h = l->hosts[host_of_backend(c, &c->backends[i])];

		l->servers[i] =
			server_create(&c->backends[i], c->verify, h->ep, c->seed * 7919 + i, err);
		if (l->servers[i] == NULL)
			return -EINVAL;
	}
	for (uint32_t i = 0; i < c->client_count; i++) {
		l->client_host[i] = l->hosts[host_of_client(c, &c->clients[i])];
		l->clients[i] = client_create(&c->clients[i], c->verify, l->client_host[i]->ep,
			c->seed * 104729 + i, err);
		if (l->clients[i] == NULL)
			return -EINVAL;
	}
	return 0;
}

// Nobody's first connection waits for ARP.
static int hops_known(struct instance *in, run_signals signals, struct wr_err *err)
{
	struct gen_now now = loop_clock(in->loop.start), asked = {0};
	wr_us_t until = now.us + KNOWN_US;
	struct wr_addr first;
	char text[WR_ADDR_STR];

	for (;; now = loop_clock(in->loop.start)) {
		if (now.us - asked.us > WR_US_PER_MS * 100) {
			if (loop_ask(&in->loop, &now, &first) == 0)
				return 0;
			asked = now;
		}
		loop_turn(&in->loop, &now);
		if (asked.us > 0 && signals() > 0)
			return wr_err_set(err, EINTR,
				"interrupted while it waited for the way to %s, before anything "
				"began",
				wr_addr_format(&first, text, sizeof(text)));
		if (now.us > until)
			return wr_err_set(err, EHOSTUNREACH,
				"nobody answers ARP or ND for the way to %s; is the other side up, "
				"and is a gateway needed (ports[].gateway)?",
				wr_addr_format(&first, text, sizeof(text)));
	}
}

static int packets_make_all(struct instance *in, struct wr_err *err)
{
	const struct gen_conf *c = in->conf;
	struct loop *l = &in->loop;
	struct gen_now now = loop_clock(l->start);

	for (uint32_t i = 0; i < c->packets_count; i++) {
		struct host *h = l->hosts[c->packets[i].port];
		struct packets_env env = {.pool = in->pools.rx,
			.mtu = wr_port_mtu(h->port),
			.stream = (uint8_t)i,
			.seed = c->seed * 1299709 + i};
		struct rte_ether_addr mac = {0};

		host_knows(h, &c->packets[i].target.first, &mac, &now);
		memcpy(env.port_mac, wr_port_mac(h->port), sizeof(env.port_mac));
		memcpy(env.target_mac, &mac, sizeof(env.target_mac));
		l->packets[i].host = h;
		h->spoofs = true;
		l->packets[i].p = packets_create(&c->packets[i], &env, err);
		if (l->packets[i].p == NULL)
			return -EINVAL;
		l->stamped = l->stamped || c->packets[i].stamp;
		l->packets_count++;
	}
	return 0;
}

int boot(struct instance *in, run_signals signals, struct wr_err *err)
{
	struct loop *l = &in->loop;
	struct gen_now now;

	l->conf = in->conf;
	if (ports_start(in, err) < 0)
		return -EIO;
	l->small = in->pools.small;
	l->start = rte_get_tsc_cycles();
	now = loop_clock(l->start);
	if (hosts_make(in, &now, err) < 0 || traffic_make(in, err) < 0)
		return -EINVAL;
	if (hops_known(in, signals, err) < 0)
		return -EHOSTUNREACH;
	return packets_make_all(in, err);
}

static void capture_end(struct host *h)
{
	struct wr_err err = {0};

	if (h->capture != NULL && capture_close(h->capture, &err) < 0)
		wr_log(WR_LOG_ERROR, "%s", err.text);
	h->capture = NULL;
}

void shut(struct instance *in)
{
	struct loop *l = &in->loop;

	for (uint32_t i = 0; i < l->packets_count; i++)
		packets_destroy(l->packets[i].p);
	for (uint32_t i = 0; i < GEN_MAX_CLIENTS; i++)
		client_destroy(l->clients[i]);
	for (uint32_t i = 0; i < GEN_MAX_BACKENDS; i++)
		server_destroy(l->servers[i]);
	for (uint32_t i = 0; i < GEN_MAX_PORTS; i++) {
		if (l->hosts[i] != NULL) {
			capture_end(l->hosts[i]);
			host_fini(l->hosts[i]);
			free(l->hosts[i]);
		}
		if (in->ports[i] != NULL)
			wr_port_close(in->ports[i]);
	}
	if (in->pools_made)
		wr_mempools_destroy(&in->pools);
	rte_eal_cleanup();
	rmdir(rte_eal_get_runtime_dir()); // only an empty one: nothing of ours lies there
}
