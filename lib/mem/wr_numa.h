/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Where memory really lies. Allocation for a node can be satisfied from another one without an
// error
// (--no-huge, a node that does not exist), so that a promise of placement is checked by this.

// The NUMA node of the page at an address that was touched before; -errno when the kernel does not
// tell: -ENOENT for a page never touched, -EFAULT for none of ours, -ENOSYS without NUMA support.
// A system call: control side only.
int wr_numa_node_of(const void *addr);
