/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_mempool.h"
#include "wr_mbuf.h"
#include "wr_limits.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mbuf_pool_ops.h>
#include <rte_ring.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#define CACHE_MOST       (WR_MBUF_CACHE * 3 / 2)      // a cache is flushed at 1.5 times its size
#define AUTO_BYTES       (512ULL << 20)               // most that automatic sizes take
#define AUTO_SMALL_BYTES (AUTO_BYTES / 4)             // of which for small buffers
#define AUTO_LEAST       8192                         // enough for about 100 windows of 128 KiB
#define SESSION_RX       16                           // two 16 KiB windows, one a direction
#define SESSION_SMALL    4                            // ACK, header, indirect, a small copy
#define RESERVE_SHARE    16                           // one buffer in this many is in reserve
#define COUNT_MOST       ((uint64_t)RTE_RING_SZ_MASK) // what the ring inside a pool can number
#define RING_BYTES       (2 * sizeof(void *))         // at most, per element
#define HEADER_BYTES     RTE_MEMPOOL_HEADER_SIZE((struct rte_mempool *)0, WR_MBUF_CACHE)
#define DATAROOM_LEAST   (RTE_PKTMBUF_HEADROOM + 512)

static uint32_t elt_bytes(uint32_t dataroom)
{
	return (uint32_t)(sizeof(struct rte_mbuf) + WR_MBUF_PRIV_SIZE + dataroom);
}

// What one buffer takes in a pool, header, padding and its place in the ring included.
static uint64_t buffer_bytes(uint32_t dataroom)
{
	return rte_mempool_calc_obj_size(elt_bytes(dataroom), 0, NULL) + RING_BYTES;
}

static uint64_t clamp(uint64_t v, uint64_t least, uint64_t most)
{
	return v > most ? RTE_MAX(least, most) : RTE_MAX(v, least);
}

static uint32_t rx_dataroom(const struct wr_mempools_need *need)
{
	return need->rx_dataroom != 0 ? need->rx_dataroom : WR_RX_DATAROOM;
}

// RX-pool buffers that are out of reach of connections in the worst case.
static uint64_t rx_fixed(const struct wr_mempools_need *need)
{
	return (uint64_t)need->rx_desc + need->tx_desc +
	       (uint64_t)need->workers * (WR_BURST + CACHE_MOST);
}

// Small buffers for full TX rings (a header and an indirect each) and for workers.
static uint64_t small_fixed(const struct wr_mempools_need *need)
{
	return 2ULL * need->tx_desc + (uint64_t)need->workers * (2 * WR_BURST + CACHE_MOST);
}

// Room for every place where an encrypted packet can stand, so that it never runs out.
static uint64_t esp_count(const struct wr_mempools_need *need)
{
	if (need->esp_frames == 0)
		return 0;
	return (uint64_t)need->esp_frames + need->tx_desc +
	       (uint64_t)need->workers * (4 * WR_BURST + CACHE_MOST);
}

// At least a burst for each worker, so that each can always take in what lies at RCV.NXT.
static uint64_t reserve_of(const struct wr_mempools_need *need, uint64_t rest)
{
	return RTE_MAX((uint64_t)need->workers * WR_BURST, rest / RESERVE_SHARE);
}

static uint64_t auto_small(const struct wr_mempools_need *need)
{
	uint64_t most = AUTO_SMALL_BYTES / buffer_bytes(WR_SMALL_DATAROOM);
	uint64_t fixed = small_fixed(need);

	most = most > fixed ? most - fixed : 0;
	return fixed + clamp((uint64_t)need->max_sessions * SESSION_SMALL, AUTO_LEAST, most);
}

static uint64_t auto_rx(const struct wr_mempools_need *need, uint64_t small_bytes)
{
	uint64_t room = 2 * HEADER_BYTES + small_bytes;
	uint64_t fixed = rx_fixed(need);
	uint64_t most, held;

	most = room < AUTO_BYTES ? (AUTO_BYTES - room) / buffer_bytes(rx_dataroom(need)) : 0;
	most = most > fixed ? most - fixed : 0;
	most -= RTE_MIN(most, reserve_of(need, most));
	held = clamp((uint64_t)need->max_sessions * SESSION_RX, AUTO_LEAST, most);
	// The reserve is a share of what remains, held and reserve together.
	return fixed + held + reserve_of(need, held * RESERVE_SHARE / (RESERVE_SHARE - 1));
}

static int check_counts(
	const struct wr_mempools_need *need, uint64_t rx, uint64_t small, struct wr_err *err)
{
	uint64_t fixed = small_fixed(need);

	if (rx_dataroom(need) < DATAROOM_LEAST || rx_dataroom(need) > UINT16_MAX)
		return wr_err_set(err, EINVAL,
			"RX buffers of %u bytes are not possible: from %u to %u are, %u is the "
			"default",
			rx_dataroom(need), DATAROOM_LEAST, UINT16_MAX, WR_RX_DATAROOM);
	if (rx > COUNT_MOST || small > COUNT_MOST)
		return wr_err_set(err, EINVAL,
			"%" PRIu64 " RX and %" PRIu64
			" small buffers are too many: a pool holds %" PRIu64
			" at most; use fewer sessions or descriptors",
			rx, small, COUNT_MOST);
	if (small <= fixed)
		return wr_err_set(err, EINVAL,
			"%" PRIu64
			" small buffers are too few: %u TX descriptors x 2 + %u workers x "
			"(2 x %u burst + %u cache) = %" PRIu64 " are needed before the first copy; "
			"give more than that, or fewer descriptors",
			small, need->tx_desc, need->workers, WR_BURST, CACHE_MOST, fixed);
	return 0;
}

int wr_mempools_plan(
	struct wr_mempools *out, const struct wr_mempools_need *need, struct wr_err *err)
{
	uint64_t rx, small, small_bytes, fixed, rest, reserve, esp = esp_count(need);
	int ret;

	*out = (struct wr_mempools){.numa_node = SOCKET_ID_ANY};
	small = need->small_count != 0 ? need->small_count : auto_small(need);
	small_bytes = small * buffer_bytes(WR_SMALL_DATAROOM);
	rx = need->rx_count != 0 ? need->rx_count : auto_rx(need, small_bytes);
	if (esp > COUNT_MOST)
		return wr_err_set(err, EINVAL,
			"%" PRIu64 " buffers for encrypted packets are too many: a pool holds "
			"%" PRIu64 " at most; use fewer descriptors",
			esp, COUNT_MOST);
	ret = check_counts(need, rx, small, err);
	if (ret < 0)
		return ret;

	fixed = rx_fixed(need);
	rest = rx > fixed ? rx - fixed : 0;
	reserve = reserve_of(need, rest);
	if (rest <= reserve)
		return wr_err_set(err, EINVAL,
			"%" PRIu64 " RX buffers leave none for payload: %" PRIu64
			" - %u RX descriptors - "
			"%u TX descriptors - %u workers x (%u burst + %u cache) - %" PRIu64
			" reserve = %" PRId64 "; give at least %" PRIu64 ", or fewer descriptors",
			rx, rx, need->rx_desc, need->tx_desc, need->workers, WR_BURST, CACHE_MOST,
			reserve, (int64_t)(rx - fixed - reserve), fixed + reserve + AUTO_LEAST);
	out->rx_count = (uint32_t)rx;
	out->small_count = (uint32_t)small;
	out->reserve = (uint32_t)reserve;
	out->held_budget = (uint32_t)(rest - reserve);
	out->esp_count = (uint32_t)esp;
	out->bytes = (esp > 0 ? 3 : 2) * HEADER_BYTES + small_bytes +
	             (rx + esp) * buffer_bytes(rx_dataroom(need));
	return 0;
}

char *wr_mempools_format(
	const struct wr_mempools *p, const struct wr_mempools_need *need, char *buf, size_t len)
{
	char esp[48] = "";

	if (p->esp_count > 0)
		snprintf(esp, sizeof(esp), "; %u for encrypted packets", p->esp_count);
	snprintf(buf, len,
		"%u RX buffers - %u RX descriptors - %u TX descriptors - %u workers x (%u burst + "
		"%u cache) - %u reserve = %u for payload; %u small buffers%s; %" PRIu64
		" MiB in all",
		p->rx_count, need->rx_desc, need->tx_desc, need->workers, WR_BURST, CACHE_MOST,
		p->reserve, p->held_budget, p->small_count, esp, (p->bytes + (1 << 20) - 1) >> 20);
	return buf;
}

// What rte_pktmbuf_pool_create does, but without huge pages. There, pools of its kind put no object
// across pages of 4 KiB, for devices that need not exist: an RX buffer would take a whole page.
static struct rte_mempool *create_plain(
	const char *name, uint32_t count, uint32_t dataroom, int numa_node)
{
	struct rte_pktmbuf_pool_private priv = {
		.mbuf_data_room_size = (uint16_t)dataroom,
		.mbuf_priv_size = WR_MBUF_PRIV_SIZE,
	};
	struct rte_mempool *pool;
	int ret;

	pool = rte_mempool_create_empty(name, count, elt_bytes(dataroom), WR_MBUF_CACHE,
		sizeof(priv), numa_node, RTE_MEMPOOL_F_NO_IOVA_CONTIG);
	if (pool == NULL)
		return NULL;
	ret = rte_mempool_set_ops_byname(pool, rte_mbuf_best_mempool_ops(), NULL);
	if (ret == 0) {
		rte_pktmbuf_pool_init(pool, &priv);
		ret = rte_mempool_populate_default(pool);
	}
	if (ret < 0) {
		rte_mempool_free(pool);
		rte_errno = -ret;
		return NULL;
	}
	rte_mempool_obj_iter(pool, rte_pktmbuf_init, NULL);
	return pool;
}

// One pool by name. DPDK tells a name in use from memory that is missing by rte_errno.
static int create_one(struct rte_mempool **pool, const char *prefix, const char *what,
	uint32_t count, uint32_t dataroom, const struct wr_mempools *plan, struct wr_err *err)
{
	char name[RTE_MEMPOOL_NAMESIZE];
	bool huge = rte_eal_has_hugepages() != 0;
	uint64_t mib = (plan->bytes + (1 << 20) - 1) >> 20;

	if (snprintf(name, sizeof(name), "%s_%s", prefix, what) >= (int)sizeof(name))
		return wr_err_set(err, EINVAL,
			"the name of buffer pool %s_%s is too long: %zu characters are possible",
			prefix, what, sizeof(name) - 1);
	if (huge)
		*pool = rte_pktmbuf_pool_create(name, count, WR_MBUF_CACHE, WR_MBUF_PRIV_SIZE,
			(uint16_t)dataroom, plan->numa_node);
	else
		*pool = create_plain(name, count, dataroom, plan->numa_node);
	if (*pool != NULL)
		return 0;
	if (rte_errno == EEXIST)
		return wr_err_set(err, EINVAL,
			"a buffer pool %s exists already: each stack needs a prefix of its own",
			name);
	return wr_err_set(err, ENOMEM,
		"no memory on NUMA node %d for buffer pool %s of %u x %u bytes (%s): all pools "
		"want "
		"%" PRIu64 " MiB there; %s, or allow fewer sessions",
		plan->numa_node, name, count, elt_bytes(dataroom), rte_strerror(rte_errno), mib,
		huge ? "reserve more huge pages" : "start with more memory (EAL's -m)");
}

int wr_mempools_create(struct wr_mempools *out, const char *prefix, int numa_node,
	const struct wr_mempools_need *need, struct wr_err *err)
{
	int ret = wr_mempools_plan(out, need, err);

	if (ret < 0)
		return ret;
	out->numa_node = numa_node;
	ret = create_one(&out->rx, prefix, "rx", out->rx_count, rx_dataroom(need), out, err);
	if (ret < 0)
		return ret;
	ret = create_one(
		&out->small, prefix, "small", out->small_count, WR_SMALL_DATAROOM, out, err);
	if (ret == 0 && out->esp_count > 0)
		ret = create_one(
			&out->esp, prefix, "esp", out->esp_count, rx_dataroom(need), out, err);
	if (ret < 0)
		wr_mempools_destroy(out);
	return ret;
}

void wr_mempools_destroy(struct wr_mempools *p)
{
	rte_mempool_free(p->rx);
	rte_mempool_free(p->small);
	rte_mempool_free(p->esp);
	p->esp = NULL;
	p->rx = NULL;
	p->small = NULL;
}
