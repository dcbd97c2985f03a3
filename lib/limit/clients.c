/* SPDX-License-Identifier: BSD-3-Clause */

// The table of clients. Each entry has a control word, changed by compare-and-swap alone:
//
//   version | tag | state | references
//
// EMPTY, or READY without references and with nothing left to remember -> CLAIMED by one thread,
// which alone writes the key -> TENTATIVE: the key can be read by who holds a reference, and is not
// yet known to be the only one of its client -> READY, or DEAD when there is another one. Two that
// make the same client's entry at the same time see each other, as both publish before they look;
// whoever meets a tentative entry brings it to its end, so nobody waits for a thread that stands.

#include "limit_priv.h"

#include <string.h>

#include <rte_common.h>
#include <rte_malloc.h>

#include "wr_hash.h"

#define WAYS    8
#define ENTRIES (1u << 27) // most: 9 GiB
#define TRIES   64         // each lost to another thread that made progress
#define WALK    4096       // entries looked at in one call of wr_clients_dump()

#define REFS_MASK   ((1ull << 28) - 1)
#define STATE_SHIFT 28
#define TAG_SHIFT   31
#define TAG_MASK    (0xfffull << TAG_SHIFT)
#define VERSION_ONE (1ull << 43) // the rest of the word, so that it wraps into nothing

enum state {
	EMPTY,
	CLAIMED,
	TENTATIVE,
	READY,
	DEAD,
};

struct client_key {
	struct wr_addr addr; // host bits cleared
	uint16_t service;
	uint8_t len; // of the prefix, 0-128
};

struct client {
	struct client_key key;
	struct wr_limit limit;
} __attribute__((aligned(64)));

struct bucket {
	uint64_t ctl[WAYS];
} __attribute__((aligned(64)));

struct wr_clients {
	uint32_t mask; // of buckets
	uint64_t key[2];
	struct bucket *bucket;
	struct client *client;
};

// Where a client belongs.
struct home {
	uint64_t *ctl;      // of the bucket
	struct client *way; // its entries
	uint64_t tag;
};

static inline enum state state_of(uint64_t ctl)
{
	return (enum state)((ctl >> STATE_SHIFT) & 7);
}

static inline uint64_t with_state(uint64_t ctl, enum state s)
{
	return (ctl & ~(7ull << STATE_SHIFT)) | (uint64_t)s << STATE_SHIFT;
}

static inline uint64_t load(const uint64_t *ctl)
{
	return __atomic_load_n(ctl, __ATOMIC_SEQ_CST);
}

static inline bool swap(uint64_t *ctl, uint64_t seen, uint64_t want)
{
	return __atomic_compare_exchange_n(
		ctl, &seen, want, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

// Hold an entry as it was seen: its key stays. The version tells those that look whether it can go
// that somebody was here meanwhile.
static inline bool hold(uint64_t *ctl, uint64_t seen)
{
	return (seen & REFS_MASK) != REFS_MASK && swap(ctl, seen, seen + 1 + VERSION_ONE);
}

static inline void release(uint64_t *ctl)
{
	__atomic_fetch_sub(ctl, 1, __ATOMIC_RELEASE);
}

static inline bool key_eq(const struct client_key *a, const struct client_key *b)
{
	return wr_addr_eq(&a->addr, &b->addr) && a->service == b->service && a->len == b->len;
}

static bool remembers(const struct wr_limit *l, uint64_t ns)
{
	return __atomic_load_n(&l->connections, __ATOMIC_RELAXED) != 0 ||
	       __atomic_load_n(&l->rate_at, __ATOMIC_RELAXED) > ns ||
	       __atomic_load_n(&l->bytes_at, __ATOMIC_RELAXED) > ns;
}

struct wr_clients *wr_clients_create(uint32_t entries, const uint64_t key[2], int numa_node)
{
	uint32_t count = RTE_MAX(rte_align32pow2(RTE_MIN(entries, ENTRIES)), (uint32_t)WAYS);
	struct wr_clients *c =
		rte_zmalloc_socket("wr_clients", sizeof(*c), RTE_CACHE_LINE_SIZE, numa_node);

	if (c == NULL)
		return NULL;
	c->mask = count / WAYS - 1;
	memcpy(c->key, key, sizeof(c->key));
	c->bucket = rte_zmalloc_socket("wr_clients", (size_t)(count / WAYS) * sizeof(*c->bucket),
		RTE_CACHE_LINE_SIZE, numa_node);
	c->client = rte_zmalloc_socket(
		"wr_clients", (size_t)count * sizeof(*c->client), RTE_CACHE_LINE_SIZE, numa_node);
	if (c->bucket == NULL || c->client == NULL) {
		wr_clients_destroy(c);
		return NULL;
	}
	return c;
}

void wr_clients_destroy(struct wr_clients *c)
{
	if (c == NULL)
		return;
	rte_free(c->client);
	rte_free(c->bucket);
	rte_free(c);
}

static void key_make(struct client_key *k, uint16_t service, const struct wr_addr *client,
	uint8_t bits_v4, uint8_t bits_v6)
{
	uint32_t len = wr_addr_is_v4(client) ? 96 + RTE_MIN(bits_v4, 32) : RTE_MIN(bits_v6, 128);
	uint64_t high = len >= 64 ? UINT64_MAX : ~(UINT64_MAX >> len);
	uint64_t low = len >= 128 ? UINT64_MAX : len > 64 ? ~(UINT64_MAX >> (len - 64)) : 0;

	k->addr.q[0] = client->q[0] & __builtin_bswap64(high);
	k->addr.q[1] = client->q[1] & __builtin_bswap64(low);
	k->service = service;
	k->len = (uint8_t)len;
}

static uint32_t home_of(struct wr_clients *c, const struct client_key *k, struct home *h)
{
	uint64_t words[3] = {k->addr.q[0], k->addr.q[1], (uint64_t)k->len << 16 | k->service};
	uint64_t hash = wr_siphash(c->key, words, sizeof(words));
	uint32_t at = (uint32_t)hash & c->mask;

	h->ctl = c->bucket[at].ctl;
	h->way = &c->client[(size_t)at * WAYS];
	h->tag = (hash >> (52 - TAG_SHIFT)) & TAG_MASK;
	return at * WAYS;
}

// Hold the entry of a key if it is in this way. False: another's, or none.
static bool hold_if(const struct home *h, const struct client_key *k, uint32_t way)
{
	uint64_t *ctl = &h->ctl[way];
	uint64_t seen = load(ctl);

	while ((seen & TAG_MASK) == h->tag &&
		(state_of(seen) == READY || state_of(seen) == TENTATIVE)) {
		if ((seen & REFS_MASK) == REFS_MASK)
			return false;
		if (hold(ctl, seen)) {
			if (key_eq(&h->way[way].key, k))
				return true;
			release(ctl);
			return false;
		}
		seen = load(ctl);
	}
	return false;
}

// Bring a tentative entry, held, to this end; true when it is READY then.
static bool decide(uint64_t *ctl, enum state end)
{
	uint64_t seen = load(ctl);

	while (state_of(seen) == TENTATIVE && !swap(ctl, seen, with_state(seen, end)))
		seen = load(ctl);
	return state_of(load(ctl)) == READY;
}

// Bring a held entry, tentative or ready, to its end: of those with one key a ready one stays, else
// the lowest. Any thread may do so for any entry, several at a time: each step is one swap.
static bool settle(const struct home *h, const struct client_key *k, uint32_t way)
{
	for (uint32_t o = 0; o < WAYS && state_of(load(&h->ctl[way])) == TENTATIVE; o++) {
		bool other_stays;

		if (o == way || !hold_if(h, k, o))
			continue;
		// A lower one stays as well: ours gives way, and the next look finds it.
		other_stays =
			o < way ? state_of(load(&h->ctl[o])) != DEAD : decide(&h->ctl[o], DEAD);
		release(&h->ctl[o]);
		if (other_stays)
			return decide(&h->ctl[way], DEAD);
	}
	return decide(&h->ctl[way], READY);
}

// The way that holds the key, held, or WAYS.
static uint32_t find(const struct home *h, const struct client_key *k)
{
	for (uint32_t w = 0; w < WAYS; w++)
		if (hold_if(h, k, w))
			return w;
	return WAYS;
}

// Whether the entry can go to another client.
static bool is_free(const struct home *h, uint32_t way, uint64_t seen, uint64_t ns)
{
	enum state s = state_of(seen);

	if ((seen & REFS_MASK) != 0 || s == CLAIMED || s == TENTATIVE)
		return false;
	return s != READY || !remembers(&h->way[way].limit, ns);
}

// Take a way as it was seen and write the key; it is tentative then, and held.
static bool take(const struct home *h, const struct client_key *k, uint32_t way, uint64_t seen)
{
	uint64_t mine = with_state((seen & ~TAG_MASK) | h->tag, CLAIMED) + 1 + VERSION_ONE;
	struct client *e = &h->way[way];

	if (!swap(&h->ctl[way], seen, mine))
		return false;
	e->key = *k;
	__atomic_store_n(&e->limit.rate_at, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&e->limit.bytes_at, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&e->limit.connections, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&h->ctl[way], with_state(mine, TENTATIVE), __ATOMIC_SEQ_CST);
	return true;
}

// Of the ways that nobody holds and that count no connection, the one whose rates end first, as it
// was seen. WAYS: there is none.
static uint32_t soonest(const struct home *h, uint64_t *seen)
{
	uint64_t least = UINT64_MAX;
	uint32_t found = WAYS;

	for (uint32_t w = 0; w < WAYS; w++) {
		uint64_t ctl = load(&h->ctl[w]), ends;
		const struct wr_limit *l = &h->way[w].limit;

		if (state_of(ctl) != READY || (ctl & REFS_MASK) != 0 ||
			__atomic_load_n(&l->connections, __ATOMIC_RELAXED) != 0)
			continue;
		ends = RTE_MAX(__atomic_load_n(&l->rate_at, __ATOMIC_RELAXED),
			__atomic_load_n(&l->bytes_at, __ATOMIC_RELAXED));
		if (ends < least) {
			least = ends;
			found = w;
			*seen = ctl;
		}
	}
	return found;
}

// Take a free way, else the one that has least to remember: a flood of addresses, each seen once,
// must not leave those that come then without limits. WAYS: all are held or count connections.
static uint32_t claim(const struct home *h, const struct client_key *k, uint64_t ns)
{
	uint64_t seen;

	for (uint32_t w = 0; w < WAYS; w++) {
		seen = load(&h->ctl[w]);
		if (is_free(h, w, seen, ns) && take(h, k, w, seen))
			return w;
	}
	for (uint32_t i = 0; i < WAYS; i++) { // each lost to another thread that made progress
		uint32_t w = soonest(h, &seen);

		if (w == WAYS || take(h, k, w, seen))
			return w;
	}
	return WAYS;
}

// Whether another thread is about to publish what may be the same client.
static bool in_the_making(const struct home *h)
{
	for (uint32_t w = 0; w < WAYS; w++) {
		uint64_t seen = load(&h->ctl[w]);

		if (state_of(seen) == CLAIMED && (seen & TAG_MASK) == h->tag)
			return true;
	}
	return false;
}

uint32_t wr_clients_get(struct wr_clients *c, uint16_t service, const struct wr_addr *client,
	uint8_t bits_v4, uint8_t bits_v6, wr_us_t now)
{
	struct client_key k;
	struct home h;
	uint32_t first;

	key_make(&k, service, client, bits_v4, bits_v6);
	first = home_of(c, &k, &h);
	for (uint32_t i = 0; i < TRIES; i++) {
		uint32_t way = find(&h, &k);

		if (way == WAYS)
			way = claim(&h, &k, limit_ns(now));
		if (way == WAYS) {
			if (in_the_making(&h))
				continue;
			// Made while we looked for room?
			way = find(&h, &k);
			if (way == WAYS)
				return WR_CLIENT_NONE;
		}
		if (settle(&h, &k, way))
			return first + way;
		release(&h.ctl[way]);
	}
	return WR_CLIENT_NONE;
}

void wr_clients_put(struct wr_clients *c, uint32_t index)
{
	if (index != WR_CLIENT_NONE)
		release(&c->bucket[index / WAYS].ctl[index % WAYS]);
}

struct wr_limit *wr_clients_limit(struct wr_clients *c, uint32_t index)
{
	return index != WR_CLIENT_NONE ? &c->client[index].limit : NULL;
}

uint32_t wr_clients_capacity(const struct wr_clients *c)
{
	return (c->mask + 1) * WAYS;
}

static bool in_use(const struct wr_clients *c, uint32_t index, uint64_t ctl, uint64_t ns)
{
	return state_of(ctl) == READY &&
	       ((ctl & REFS_MASK) != 0 || remembers(&c->client[index].limit, ns));
}

uint32_t wr_clients_used(const struct wr_clients *c, wr_us_t now)
{
	uint64_t ns = limit_ns(now);
	uint32_t used = 0;

	for (uint32_t i = 0; i < wr_clients_capacity(c); i++)
		used += in_use(c, i, load(&c->bucket[i / WAYS].ctl[i % WAYS]), ns);
	return used;
}

bool wr_clients_count_some(
	const struct wr_clients *c, uint32_t *cursor, uint32_t max, uint32_t *sum, wr_us_t now)
{
	uint32_t capacity = wr_clients_capacity(c), at = *cursor < capacity ? *cursor : 0;
	uint32_t end = at + RTE_MIN(max, capacity - at);
	uint64_t ns = limit_ns(now);

	if (at == 0)
		*sum = 0;
	for (; at < end; at++)
		*sum += in_use(c, at, load(&c->bucket[at / WAYS].ctl[at % WAYS]), ns);
	*cursor = at < capacity ? at : 0;
	return at == capacity;
}

uint32_t wr_clients_dump(const struct wr_clients *c, uint32_t *cursor, struct wr_client_row *out,
	uint32_t max, wr_us_t now)
{
	uint32_t end = wr_clients_capacity(c), at = *cursor, n = 0;
	uint64_t ns = limit_ns(now);

	if (at < end && end - at > WALK)
		end = at + WALK;
	for (; at < end && n < max; at++) {
		uint64_t *ctl = &c->bucket[at / WAYS].ctl[at % WAYS];
		uint64_t seen = load(ctl);
		const struct client *e = &c->client[at];
		const struct wr_limit *l = &e->limit;

		// One that changed just now is left out.
		if (!in_use(c, at, seen, ns) || !hold(ctl, seen))
			continue;
		out[n++] = (struct wr_client_row){
			.service = e->key.service,
			.client = {e->key.addr, e->key.len},
			.connections = __atomic_load_n(&l->connections, __ATOMIC_RELAXED),
			.rate_ahead_us =
				limit_ahead_us(__atomic_load_n(&l->rate_at, __ATOMIC_RELAXED), ns),
			.bytes_ahead_us =
				limit_ahead_us(__atomic_load_n(&l->bytes_at, __ATOMIC_RELAXED), ns),
		};
		release(ctl);
	}
	*cursor = at >= wr_clients_capacity(c) ? UINT32_MAX : at;
	return n;
}
