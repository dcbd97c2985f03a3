/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "wr_pkt.h"

// The parser: pure, stateless, never reads past the bytes it is given (RFC 791, 8200, 9293, 826).

#define WR_PARSE_F_NO_L2    0x1 // frame starts at the IP header
#define WR_PARSE_F_TRUST_CK 0x2 // do not verify checksums in software at all (tests only)

// Parse one frame given as mbuf. Headers that are cut across segments are handled (copied to a
// stack buffer). Honours RTE_MBUF_F_RX_IP_CKSUM_* and _L4_CKSUM_*: GOOD is trusted, BAD drops,
// UNKNOWN and NONE are verified in software over the whole chain; ICMP always is. A VLAN tag that
// the NIC took off (RTE_MBUF_F_RX_VLAN_STRIPPED) counts as the frame's one tag. Fills every field
// of *p that the kind gives meaning to, zeroes the others but sack[]; p->m = m. The mbuf is not
// changed: padding behind the IP length stays, and payload_len tells what counts.
void wr_parse_frame(struct wr_pkt *p, struct rte_mbuf *m, uint32_t flags);

// The same for a burst, with prefetch of the next frames.
void wr_parse_burst(struct wr_pkt *p, struct rte_mbuf **m, uint16_t n, uint32_t flags);

// Parse from plain memory of exactly `len` bytes (fuzzing; no mbuf: p->m = NULL, checksums verified
// unless TRUST_CK).
void wr_parse_bytes(struct wr_pkt *p, const uint8_t *data, uint32_t len, uint32_t flags);

// Parse TCP options of `len` bytes into p (RFC 9293 3.2, 7323 2.2 and 3.2, 2018). An option whose
// length is 0, 1 or past the end is WR_DROP_tcp_options; unknown kinds are skipped; a known kind of
// a wrong length is ignored. Window shifts above 14 count as 14. MSS, window scale and
// SACK-permitted count only when `syn`. Begins by clearing opts and sack_count; a value is
// meaningful when its bit of opts is set.
enum wr_drop wr_parse_tcp_options(struct wr_pkt *p, const uint8_t *opt, uint32_t len, bool syn);
