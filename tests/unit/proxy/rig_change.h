/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "rig.h"

// Changes of configuration under the rig's proxy, in the steps that a fabric takes.

// What is in force, to be edited as if it came from a file: rows that are not LIVE do not count.
struct wr_conf *rig_edit(const struct rig *r);
// Take it over; it is the rig's from then on. NULL instead: what is in force once more, so that
// what has left is forgotten.
void rig_change(struct rig *r, struct wr_conf *fresh);

// One more service: as the first one that is LIVE, but for its name and listeners (the n-th address
// of services in the rig).
struct wr_conf_service *rig_add_service(
	const struct rig *r, struct wr_conf *c, const char *name, uint32_t n, uint32_t pool);
struct wr_conf_pool *rig_add_pool(struct wr_conf *c, const char *name);
// One more backend: the n-th address of backends in the rig, named after it.
struct wr_conf_backend *rig_add_backend(
	const struct rig *r, struct wr_conf *c, uint32_t pool, uint32_t n);
struct wr_endpoint rig_service_at(const struct rig *r, uint32_t n);
