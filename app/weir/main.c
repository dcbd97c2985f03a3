/* SPDX-License-Identifier: BSD-3-Clause */

// The daemon: arguments, boot order, signals. No protocol logic.

#include "weir.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "eal.h"
#include "tunnels.h"
#include "wr_log.h"
#include "wr_version.h"

#define EXIT_OK      0
#define EXIT_RUNTIME 1
#define EXIT_CONFIG  2

static volatile sig_atomic_t signals; // how many asked us to end
static volatile sig_atomic_t hangups; // and to read the configuration again

static void on_signal(int sig)
{
	if (sig == SIGHUP)
		hangups = 1;
	else
		signals++;
}

static void usage(FILE *out)
{
	fputs("usage: weir -c FILE [--check | --dump]\n"
	      "       weir --doctor [-c FILE] [--json]\n"
	      "       weir --help | --help-config | --version\n"
	      "\n"
	      "A TCP-terminating load balancer on DPDK.\n"
	      "\n"
	      "  -c, --config FILE  the configuration, YAML\n"
	      "      --check        read and check it, and key files of tunnels; start nothing\n"
	      "      --dump         print it in full, defaults included, start nothing\n"
	      "      --doctor       examine this box: what keeps Weir from starting or from "
	      "running\n"
	      "                     well, each with the command that cures it; start nothing\n"
	      "      --json         with --doctor: as JSON\n"
	      "      --help-config  every setting: type, range, default, meaning\n"
	      "      --markdown     with --help-config: as Markdown\n"
	      "  -v, --verbose      log more\n"
	      "      --version      print the version\n"
	      "  -h, --help         print this\n"
	      "\n"
	      "SIGTERM or SIGINT: refuse new connections, let sessions end within\n"
	      "runtime.drain_timeout, reset the rest, exit 0. A second one ends it at once.\n"
	      "SIGHUP: read the configuration again; what is wrong is refused whole.\n"
	      "Exit: 0 clean, 1 failed while starting or running, 2 bad configuration or usage.\n"
	      "Operate it with weirctl, or dpdk-telemetry.py -f NAME.\n",
		out);
}

struct options {
	const char *file;
	bool check, dump, reference, markdown, doctor, json;
};

// Returns -1 to go on, else the exit code.
static int parse_options(int argc, char **argv, struct options *o)
{
	enum {
		OPT_CHECK = 256,
		OPT_DUMP,
		OPT_REFERENCE,
		OPT_MARKDOWN,
		OPT_DOCTOR,
		OPT_JSON,
		OPT_VERSION
	};
	static const struct option longs[] = {
		{"config", required_argument, NULL, 'c'},
		{"check", no_argument, NULL, OPT_CHECK},
		{"dump", no_argument, NULL, OPT_DUMP},
		{"help-config", no_argument, NULL, OPT_REFERENCE},
		{"markdown", no_argument, NULL, OPT_MARKDOWN},
		{"doctor", no_argument, NULL, OPT_DOCTOR},
		{"json", no_argument, NULL, OPT_JSON},
		{"verbose", no_argument, NULL, 'v'},
		{"version", no_argument, NULL, OPT_VERSION},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "c:vh", longs, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->file = optarg;
			break;
		case OPT_CHECK:
			o->check = true;
			break;
		case OPT_DUMP:
			o->dump = true;
			break;
		case OPT_REFERENCE:
			o->reference = true;
			break;
		case OPT_MARKDOWN:
			o->markdown = true;
			break;
		case OPT_DOCTOR:
			o->doctor = true;
			break;
		case OPT_JSON:
			o->json = true;
			break;
		case 'v':
			wr_log_set_level(WR_LOG_DEBUG);
			break;
		case OPT_VERSION:
			printf("weir %s\n", WR_VERSION);
			return EXIT_OK;
		case 'h':
			usage(stdout);
			return EXIT_OK;
		default:
			fputs("weir: try 'weir --help'\n", stderr);
			return EXIT_CONFIG;
		}
	}
	if (o->reference) {
		wr_conf_reference(stdout, o->markdown);
		return EXIT_OK;
	}
	if (optind < argc) {
		fprintf(stderr,
			"weir: unexpected argument '%s'; the configuration is given with -c FILE\n",
			argv[optind]);
		return EXIT_CONFIG;
	}
	if (o->doctor)
		return doctor_main(o->file, o->json);
	if (o->file == NULL) {
		fputs("weir: no configuration; give it with -c FILE (see weir --help)\n", stderr);
		return EXIT_CONFIG;
	}
	return -1;
}

static int start_dpdk(const struct instance *in, struct wr_err *err)
{
	const struct wr_conf *c = in->conf;
	const char *devices[WR_MAX_PORTS];
	struct eal_options o = {.program = "weir",
		.name = c->runtime.name,
		.cpus = c->runtime.workers,
		.cpu_count = c->runtime.worker_count,
		.devices = devices,
		.device_count = c->port_count,
		.huge = in->huge,
		.memory_bytes = in->memory_bytes,
		.telemetry = true};

	for (uint32_t i = 0; i < c->port_count; i++)
		devices[i] = c->ports[i].device;
	return eal_start(&o, err);
}

static int run(struct instance *in)
{
	struct wr_err err = {0};
	struct sigaction sa = {.sa_handler = on_signal};
	int rc = EXIT_RUNTIME;

	if (accounts_look_up(&in->accounts, in->conf, &err) < 0) {
		rc = EXIT_CONFIG; // another start makes it no better
		goto out;
	}
	notify_open(&in->notify);
	rights_begin();
	if (lock_take(in, &err) < 0)
		goto out;
	if (memory_decide(in, &err) < 0)
		goto out;
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); // a file at its limit is an error of write, as a full disk is
	if (start_dpdk(in, &err) < 0)
		goto out;
	if (boot(in, &err) == 0 && settle(in, &err) == 0) {
		serve(in, &signals, &hangups);
		rc = EXIT_OK;
	}
	shut(in);
out:
	if (rc != EXIT_OK)
		fprintf(stderr, "weir: %s\n", err.text);
	lock_release(in);
	notify_close(&in->notify);
	return rc;
}

int main(int argc, char **argv)
{
	static struct instance in = {.lock_fd = -1, .notify = {.fd = -1}};
	struct wr_err err = {0};
	struct options o = {0};
	int rc = parse_options(argc, argv, &o);

	if (rc >= 0)
		return rc;
	in.conf = wr_conf_load(o.file, &err);
	if (in.conf == NULL) {
		fprintf(stderr, "weir: %s\n", err.text);
		return EXIT_CONFIG;
	}
	// From before the first key is read until the end: none reaches a core file.
	if (!o.dump && in.conf->tunnel_count > 0)
		rights_seal();
	if (!o.dump && tunnels_check(in.conf, tunnels_cpu(), &err) < 0) {
		fprintf(stderr, "weir: %s\n", err.text);
		wr_conf_free(in.conf);
		return EXIT_CONFIG;
	}
	if (o.dump)
		wr_conf_dump(in.conf, stdout);
	else if (o.check)
		printf("%s: good: %u ports, %u services, %u pools\n", o.file, in.conf->port_count,
			in.conf->service_count, in.conf->pool_count);
	rc = o.dump || o.check ? EXIT_OK : run(&in);
	if (rc == EXIT_RUNTIME)
		doctor_after_failure(in.conf, in.memory_bytes, stderr);
	wr_conf_free(in.conf);
	return rc;
}
