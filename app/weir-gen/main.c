/* SPDX-License-Identifier: BSD-3-Clause */

// weir-gen: traffic generator and backend emulator. Arguments, signals, exit codes.

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#include "eal.h"
#include "run.h"
#include "settings.h"
#include "wr_version.h"

#define EXIT_OK      0
#define EXIT_RUNTIME 1
#define EXIT_CONFIG  2

static volatile sig_atomic_t signals; // how many asked us to end

static void on_signal(int sig)
{
	(void)sig;
	signals++;
}

static int signals_now(void)
{
	return signals;
}

static int start_dpdk(const struct instance *in, struct wr_err *err)
{
	const struct gen_conf *c = in->conf;
	const char *devices[GEN_MAX_PORTS];
	struct eal_options o = {.program = "weir-gen",
		.name = c->name,
		.cpus = &c->core,
		.cpu_count = 1,
		.devices = devices,
		.device_count = c->port_count,
		.huge = in->huge,
		.memory_bytes = in->memory_bytes};

	for (uint32_t i = 0; i < c->port_count; i++)
		devices[i] = c->ports[i].device;
	return eal_start(&o, err);
}

static int check_core(const struct gen_conf *c, struct wr_err *err)
{
	long count = sysconf(_SC_NPROCESSORS_CONF);

	if (c->core < count)
		return 0;
	return wr_err_set(err, EINVAL,
		"runtime.core: there is no CPU %u here; right would be one from 0 to %ld", c->core,
		count - 1);
}

static int work(struct instance *in, struct wr_err *err)
{
	struct loop_order end = {.kind = LOOP_END};
	int rc = -1;

	if (boot(in, signals_now, err) < 0)
		return -1;
	if (rte_eal_remote_launch(loop_run, &in->loop, 0) < 0)
		return wr_err_set(err, 1, "the loop does not start on CPU %u", in->conf->core);
	rc = run(in, signals_now, err);
	loop_order(&in->loop, &end);
	rte_eal_mp_wait_lcore();
	return rc;
}

int main(int argc, char **argv)
{
	static struct instance in;
	struct sigaction sa = {.sa_handler = on_signal};
	struct wr_err err = {0};
	int rc;

	rc = gen_flags_load(argc, argv, &in.conf, &err);
	if (in.conf == NULL)
		return rc;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	rc = EXIT_RUNTIME;
	if (check_core(in.conf, &err) < 0)
		rc = EXIT_CONFIG;
	else if (memory_decide(&in, &err) == 0 && start_dpdk(&in, &err) == 0) {
		if (work(&in, &err) == 0)
			rc = EXIT_OK;
		shut(&in);
	}
	if (rc != EXIT_OK)
		fprintf(stderr, "weir-gen: %s\n", err.text);
	gen_conf_free(in.conf);
	return rc;
}
