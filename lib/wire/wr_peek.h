/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>

#include <rte_mbuf.h>

#include "wr_addr.h"

// A look at a frame before it is parsed, for what is to be dropped by the million: whether it is a
// plain connection request, and of whom. Nothing is verified: not addresses, lengths or checksums.

// True for an Ethernet frame (untagged, or one 802.1Q tag) with IPv4 or IPv6, no extension header
// and no fragment, and a TCP segment with SYN and none of ACK, RST and FIN, all of whose headers
// lie in the first buffer. Then *t is filled. Anything else, odd requests included, is left to the
// parser.
bool wr_peek_syn(const struct rte_mbuf *m, struct wr_tuple *t);
