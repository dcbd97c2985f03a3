/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "worker_priv.h"

// Addresses of services and sources (vips.c), by the control thread.

// Those of the first configuration. 0, -ENOMEM or -E2BIG with a sentence.
int vips_init(struct vips *v, const struct wr_conf *c, struct wr_err *err);
void vips_fini(struct vips *v);

// Towards another configuration: marks what it wants, new ones as fresh. 0, -E2BIG, or -EINVAL when
// `l3` (NULL: there is none yet) cannot serve one of them, with a sentence, and nothing changed.
int vips_plan(
	struct vips *v, const struct wr_conf *c, const struct wr_l3_net *l3, struct wr_err *err);
void vips_cancel(struct vips *v);
// In worker 0, between plan and commit: serve the fresh ones.
void vips_begin(const struct vips *v, struct wr_l3 *l3, wr_us_t now);
// What nobody wants any more is given up `keep` from now on, by vips_turn().
void vips_commit(struct vips *v, wr_us_t keep, wr_us_t now);
void vips_turn(struct wr_fabric *f, wr_us_t now);
