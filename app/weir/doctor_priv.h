/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "wr_conf.h"
#include "wr_port.h"

#define DOCTOR_CPUS  1024 // most CPUs of a box that are looked at
#define DOCTOR_NODES 8

enum doctor_level {
	DOCTOR_PASS,
	DOCTOR_WARN, // Weir starts, but slower or less safe than it could
	DOCTOR_FAIL, // Weir does not start, or does not carry traffic
};

struct doctor_finding {
	enum doctor_level level;
	char topic[24];
	char found[400];
	char cure[320]; // a command; empty with a pass
};

// What is examined. All facts come from files below `root` and from the two questions, so that any
// box can be made up.
struct doctor {
	const char *root;                   // before /proc, /sys, /run, /dev; "" is this box
	const char *profiles;               // drivers-config; NULL: the one in force
	const struct wr_conf *conf;         // NULL: not known
	uint64_t need_bytes;                // memory that the configuration takes; 0: not known
	char dpdk_built[32], dpdk_runs[32]; // versions
	pid_t self;                         // whose sockets and locks are our own
	// Offloads of an interface that are on, in the words of `ethtool -K`.
	void (*offloads)(const char *iface, char *out, size_t len);

	struct doctor_finding *findings; // malloc'd
	uint32_t count, capacity;
	uint32_t levels[3];
};

// --- doctor.c
void doctor_examine(struct doctor *d);
void doctor_print(const struct doctor *d, bool all, FILE *out);
int doctor_print_json(const struct doctor *d, FILE *out);
void doctor_fini(struct doctor *d);

// Add a finding; doctor_cure() then adds its command.
void doctor_say(struct doctor *d, enum doctor_level level, const char *topic, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void doctor_cure(struct doctor *d, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

// --- facts.c: files below the root; paths are printf style
struct doctor_set { // of small numbers: CPUs, nodes
	uint64_t bits[DOCTOR_CPUS / 64];
};
bool doctor_in_set(const struct doctor_set *s, unsigned int n);
uint32_t doctor_set_count(const struct doctor_set *s);
char *doctor_set_format(const struct doctor_set *s, char *buf, size_t len);
void doctor_set_parse(struct doctor_set *s, const char *text); // "0-3,8"

void doctor_path(const struct doctor *d, char *out, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool doctor_exists(const struct doctor *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
// First line without its end; false and "" when it cannot be read.
bool doctor_line(const struct doctor *d, char *out, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
bool doctor_number(const struct doctor *d, long long *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
bool doctor_set_read(const struct doctor *d, struct doctor_set *out, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
// Last part of what a symbolic link names.
bool doctor_link(const struct doctor *d, char *out, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
FILE *doctor_open(const struct doctor *d, const char *path);
// What follows "key" and blanks in a file of such lines (/proc/self/status).
bool doctor_field(const struct doctor *d, const char *path, const char *key, char *out, size_t len);
bool doctor_capable(const struct doctor *d, unsigned int cap);
int doctor_node_of_cpu(const struct doctor *d, unsigned int cpu); // 0 when not told

// --- port.c: what a port of the configuration names
struct doctor_port {
	const struct wr_conf_port *conf;
	bool pci;
	char address[16]; // of a PCI device, "0000:3b:00.0"
	char name[64];    // of a virtual device, "net_af_packet0"
	char iface[32];   // interface of the kernel that it names; "": none
	bool makes_iface; // which it makes itself (net_tap)
	char socket[256]; // of net_memif
	bool has_profile;
	struct wr_driver_profile profile;
};
void doctor_port_read(
	const struct doctor *d, const struct wr_conf_port *conf, struct doctor_port *out);
bool doctor_arg(const char *device, const char *key, char *out, size_t len);
bool doctor_has_pci(const struct doctor *d);

// --- topics
void doctor_huge_pages(struct doctor *d);
void doctor_hugetlbfs(struct doctor *d);
void doctor_transparent(struct doctor *d);
void doctor_swap(struct doctor *d);
void doctor_limits(struct doctor *d);
void doctor_privileges(struct doctor *d);
void doctor_cpus(struct doctor *d);
void doctor_isolation(struct doctor *d);
void doctor_siblings(struct doctor *d);
void doctor_governor(struct doctor *d);
void doctor_iommu(struct doctor *d);
void doctor_vfio(struct doctor *d);
void doctor_devices(struct doctor *d);
void doctor_nodes(struct doctor *d);
void doctor_queues(struct doctor *d);
void doctor_mtu(struct doctor *d);
void doctor_offloads(struct doctor *d);
void doctor_instance(struct doctor *d);
void doctor_leftovers(struct doctor *d);
void doctor_addresses(struct doctor *d);
void doctor_listeners(struct doctor *d);
void doctor_forwarding(struct doctor *d);
void doctor_versions(struct doctor *d);
void doctor_clock(struct doctor *d);
void doctor_ipsec_driver(struct doctor *d);
void doctor_ipsec_cpu(struct doctor *d);
void doctor_ipsec_keys(struct doctor *d);
