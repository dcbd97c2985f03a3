/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Every limit of Weir that is not a setting, with its reason.

#define WR_MAX_WORKERS                                                                             \
	32 // lcores of one box that forward; counters and steering tables are sized by it
#define WR_MAX_PORTS      16  // ports of one instance
#define WR_MAX_PORT_ADDRS 32  // addresses of one port
#define WR_MAX_ROUTES     256 // static routes; more belongs to a routing daemon
#define WR_MAX_SERVICES   256
#define WR_MAX_LISTENERS  1024 // over all services; a listener is one address and port
#define WR_MAX_POOLS      256
#define WR_MAX_BACKENDS   4096 // over all pools; slot ids are 16 bits
#define WR_MAX_SOURCES    256  // source addresses of one pool
#define WR_MAX_TUNNELS    16   // encrypted paths to gateways or hosts of backends
#define WR_MAX_TUNNEL_TO  16   // prefixes behind one of them
#define WR_NAME_LEN       64   // user-given names, terminator included; telemetry strings hold 127
#define WR_BURST          32 // packets read or written at once: fits L1, and what drivers vectorise on
#define WR_CHAIN_SEGS     8   // mbuf segments of one frame sent; NICs' smallest common limit
#define WR_COPY_BYTES     256 // payload below this is copied rather than pinned (tcp-cases: truesize)
#define WR_MAX_FRAME      9216 // jumbo frame with room for tags
#define WR_MBOX_SLOTS     1024 // control messages that may wait for one worker
#define WR_MBOX_BUDGET    32   // of which one loop handles this many
#define WR_HANDOFF_SLOTS  4096 // frames in flight between two workers
