/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_picker.h"

#include <stdlib.h>
#include <string.h>

#include "cycle.h"

#define SPAN   64u // members that are looked at in a row, from one place on
#define TRIES  16u // other places of a table that are tried before
#define STRIDE 64u // between them: attempts 1, 2, ... have places of their own
#define LEASTS 4u  // attempts that get the least, the second least, ...; then the table's

struct member {
	uint16_t id;
	uint16_t weight;
	uint32_t inverse; // 2^24 / weight, x SPAN
};

struct wr_picker {
	// Members by number: Maglev's table, or the cycle of round_robin. Of one byte each where
	// that is enough: half the cache.
	const uint8_t *narrow; // NULL: wide
	const uint16_t *wide;
	uint32_t size; // of either
	uint32_t usable;
	uint32_t weight;
	uint32_t bound_percent;
	uint32_t span; // the smaller of SPAN and usable
	enum wr_balance how;
	void *memory;           // that narrow or wide lies in
	struct member member[]; // by name, [usable + SPAN]: the first ones again behind the last
};

// --- building ---------------------------------------------------------------------------------

static int by_name(const void *a, const void *b)
{
	const struct wr_maglev_backend *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : (int)x->id - (int)y->id;
}

// Members are numbered by name, so that tables of numbers are the same at every box.
static void make_members(struct wr_picker *p, struct wr_maglev_backend *b, uint32_t usable)
{
	qsort(b, usable, sizeof(*b), by_name);
	for (uint32_t i = 0; i < usable; i++) {
		p->member[i] =
			(struct member){b[i].id, b[i].weight, (1u << 24) / b[i].weight * SPAN};
		p->weight += b[i].weight;
		b[i].id = (uint16_t)i;
	}
	p->usable = usable;
	p->span = usable < SPAN ? usable : SPAN;
	for (uint32_t i = 0; i < p->span; i++)
		p->member[usable + i] = p->member[i];
}

static bool make_cycle(struct wr_picker *p)
{
	uint16_t *weight = malloc(p->usable * sizeof(*weight));

	if (weight == NULL)
		return false;
	for (uint32_t i = 0; i < p->usable; i++)
		weight[i] = p->member[i].weight;
	p->wide = p->memory = wr_cycle_build(weight, p->usable, &p->size);
	free(weight);
	return p->memory != NULL;
}

static bool make_table(struct wr_picker *p, const struct wr_maglev_backend *b, uint32_t size)
{
	struct wr_maglev *m = wr_maglev_build(b, p->usable, size);

	if (m == NULL)
		return false;
	p->memory = m; // one block
	p->wide = m->entry;
	p->size = m->size;
	return true;
}

static void make_narrow(struct wr_picker *p)
{
	uint8_t *narrow = p->usable <= UINT8_MAX + 1 ? malloc(p->size) : NULL;

	if (narrow == NULL) // too many, or too little memory for what is only faster
		return;
	for (uint32_t i = 0; i < p->size; i++)
		narrow[i] = (uint8_t)p->wide[i];
	free(p->memory);
	p->memory = narrow;
	p->narrow = narrow;
	p->wide = NULL;
}

static bool make_entries(struct wr_picker *p, const struct wr_maglev_backend *b, uint32_t size)
{
	if (p->usable == 0)
		return true;
	if (!(p->how == WR_BALANCE_ROUND_ROBIN ? make_cycle(p) : make_table(p, b, size)))
		return false;
	make_narrow(p);
	return true;
}

struct wr_picker *wr_picker_build(enum wr_balance how, uint32_t bound_percent,
	const struct wr_maglev_backend *b, uint32_t n, uint32_t size_of)
{
	struct wr_maglev_backend *usable = malloc((n + 1) * sizeof(*usable));
	struct wr_picker *p = NULL;
	uint32_t count = 0;

	if (usable == NULL)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		if (b[i].weight)
			usable[count++] = b[i];
	}
	p = calloc(1, sizeof(*p) + (count + SPAN) * sizeof(p->member[0]));
	if (p) {
		p->how = how;
		p->bound_percent = bound_percent;
		make_members(p, usable, count);
		if (!make_entries(p, usable, size_of)) {
			free(p);
			p = NULL;
		}
	}
	free(usable);
	return p;
}

void wr_picker_destroy(struct wr_picker *p)
{
	if (p == NULL)
		return;
	free(p->memory);
	free(p);
}

uint32_t wr_picker_usable(const struct wr_picker *p)
{
	return p->usable;
}

uint32_t wr_picker_weight(const struct wr_picker *p)
{
	return p->weight;
}

enum wr_balance wr_picker_how(const struct wr_picker *p)
{
	return p->how;
}

uint16_t wr_picker_at(const struct wr_picker *p, uint32_t i)
{
	return p->member[i].id;
}

// --- what all algorithms use ------------------------------------------------------------------

static inline const struct member *entry(const struct wr_picker *p, uint32_t at)
{
	return &p->member[p->narrow ? p->narrow[at] : p->wide[at]];
}

// The k-th place of a key: 0 its own, the others as wr_maglev_pick_next() has them.
static inline const struct member *place(const struct wr_picker *p, uint64_t hash, uint32_t k)
{
	if (k)
		hash = (hash ^ (0x9e3779b97f4a7c15ULL * k)) * 0xbf58476d1ce4e5b9ULL;
	return entry(p, (uint32_t)(((hash >> 32) * p->size) >> 32));
}

// Behind the last member the first ones come again; this is where they really are.
static inline const struct member *original(const struct wr_picker *p, const struct member *m)
{
	return m - p->member < p->usable ? m : m - p->usable;
}

static inline uint64_t load_of(const struct wr_picker_signals *s, const struct member *m)
{
	return (uint64_t)s->own[m->id] + s->others[m->id];
}

// Whether a backend takes keys like this one while it starts slowly. Places come from the upper
// half of the hash, this from the lower; a larger share keeps the keys of the smaller.
static inline bool shares(const struct wr_picker_signals *s, const struct member *m, uint64_t hash)
{
	return (uint8_t)hash < s->share[m->id];
}

// Whether one more session leaves it within the bound: load + 1 <= ceil(bound x mean x weight),
// the mean with the new session in it (Mirrokni et al., section 2), without the division.
static inline bool within(
	const struct wr_picker *p, const struct wr_picker_signals *s, const struct member *m)
{
	__uint128_t has = (__uint128_t)load_of(s, m) * (100ULL * p->weight);

	return has < (__uint128_t)(s->sessions + 1) * ((uint64_t)p->bound_percent * m->weight);
}

#define WANT_SHARE 0x1
#define WANT_BOUND 0x2

static inline __attribute__((always_inline)) bool fits(const struct wr_picker *p,
	const struct wr_picker_signals *s, const struct member *m, uint64_t hash, int want)
{
	return (!(want & WANT_SHARE) || shares(s, m, hash)) &&
	       (!(want & WANT_BOUND) || within(p, s, m));
}

// Apart, so that the usual way is short.
static __attribute__((noinline)) const struct member *elsewhere(const struct wr_picker *p,
	const struct wr_picker_signals *s, uint64_t hash, uint32_t attempt, int want)
{
	const struct member *first = place(p, hash, attempt);

	for (uint32_t t = 1; t <= TRIES; t++) {
		const struct member *m = place(p, hash, attempt + t * STRIDE);

		if (fits(p, s, m, hash, want))
			return m;
	}
	// Where the table hardly knows another one, as with one that weighs more than all others.
	for (uint32_t i = 1; i < p->span; i++) {
		if (fits(p, s, first + i, hash, want))
			return original(p, first + i);
	}
	return NULL;
}

// The first in the key's order that fits; NULL: none of those that are looked at.
static inline __attribute__((always_inline)) const struct member *search(const struct wr_picker *p,
	const struct wr_picker_signals *s, uint64_t hash, uint32_t attempt, int want)
{
	const struct member *m = place(p, hash, attempt);

	if (__builtin_expect(fits(p, s, m, hash, want), 1))
		return m;
	return elsewhere(p, s, hash, attempt, want);
}

// --- the algorithms -----------------------------------------------------------------------------

static const struct member *pick_maglev(const struct wr_picker *p,
	const struct wr_picker_signals *s, uint64_t hash, uint32_t attempt)
{
	const struct member *m = search(p, s, hash, attempt, WANT_SHARE);

	return m ? m : place(p, hash, attempt);
}

static const struct member *pick_bounded(const struct wr_picker *p,
	const struct wr_picker_signals *s, uint64_t hash, uint32_t attempt)
{
	const struct member *m = search(p, s, hash, attempt, WANT_SHARE | WANT_BOUND);

	if (m == NULL)
		m = search(p, s, hash, attempt, WANT_BOUND);
	return m ? m : place(p, hash, attempt);
}

// The least loaded for its weight, from the hash's place on, behind `above`: load and distance in
// one number, 2^33 x 2^24 x 64 at most. Half a session more than it has, so that of those without
// any the heaviest comes first.
static inline __attribute__((always_inline)) uint64_t least_of(const struct wr_picker *p,
	const struct wr_picker_signals *s, const struct member *from, uint64_t hash, uint64_t above,
	bool whole)
{
	uint64_t least = UINT64_MAX;

	// No branches: who is the least is anybody's guess.
	for (uint32_t i = 0; i < p->span; i++) {
		const struct member *m = from + i;
		uint64_t cost = (2 * load_of(s, m) + 1) * m->inverse + i;

		if (above)
			cost = cost > above ? cost : UINT64_MAX;
		if (whole)
			cost = shares(s, m, hash) ? cost : UINT64_MAX;
		least = cost < least ? cost : least;
	}
	return least;
}

static const struct member *pick_least(const struct wr_picker *p, const struct wr_picker_signals *s,
	uint64_t hash, uint32_t attempt)
{
	const struct member *from = place(p, hash, 0);
	uint64_t least = least_of(p, s, from, hash, 0, false), whole = 0;

	if (attempt >= LEASTS || attempt >= p->span)
		return pick_maglev(p, s, hash, attempt);
	for (uint32_t k = 0; k < attempt; k++)
		least = least_of(p, s, from, hash, least, false);
	if (__builtin_expect(shares(s, from + least % SPAN, hash), 1))
		return from + least % SPAN;
	for (uint32_t k = 0; k <= attempt && whole != UINT64_MAX; k++)
		whole = least_of(p, s, from, hash, whole, true);
	return from + (whole != UINT64_MAX ? whole : least) % SPAN;
}

static inline bool fewer(
	const struct wr_picker_signals *s, const struct member *a, const struct member *b)
{
	return load_of(s, a) * b->weight <= load_of(s, b) * a->weight;
}

static inline bool hot(const struct wr_picker_signals *s, const struct member *m)
{
	return load_of(s, m) * 256 > (uint64_t)s->hot * m->weight;
}

// The rule of hot and cold (Wydrowski et al., section 4). An unknown latency is no short one: a
// backend without answers gets what its sessions say.
static inline const struct member *better(
	const struct wr_picker_signals *s, const struct member *a, const struct member *b)
{
	bool hot_a = hot(s, a), hot_b = hot(s, b);
	uint32_t us_a = s->latency_us[a->id], us_b = s->latency_us[b->id];

	if (hot_a != hot_b)
		return hot_a ? b : a;
	if (!hot_a && us_a != us_b && us_a && us_b)
		return us_a < us_b ? a : b;
	return fewer(s, a, b) ? a : b;
}

// The next place of the key that is another backend, or the next one by name.
static const struct member *second(const struct wr_picker *p, const struct wr_picker_signals *s,
	uint64_t hash, uint32_t attempt, const struct member *first)
{
	for (uint32_t t = 1; t <= SPAN / TRIES; t++) {
		const struct member *m = place(p, hash, attempt + (TRIES + t) * STRIDE);

		if (m != first && shares(s, m, hash))
			return m;
	}
	for (uint32_t i = 1; i < p->span; i++) {
		if (shares(s, first + i, hash))
			return original(p, first + i);
	}
	return first;
}

static const struct member *pick_two_choices(const struct wr_picker *p,
	const struct wr_picker_signals *s, uint64_t hash, uint32_t attempt)
{
	const struct member *first = pick_maglev(p, s, hash, attempt);

	return better(s, first, second(p, s, hash, attempt, first));
}

static const struct member *pick_round_robin(const struct wr_picker *p,
	const struct wr_picker_signals *s, struct wr_picker_turn *turn, uint64_t hash,
	uint32_t attempt)
{
	uint32_t at = turn->next;

	if (attempt)
		return pick_maglev(p, s, hash, attempt);
	if (at >= p->size) // of a longer cycle, or random at first
		at = (uint32_t)(((uint64_t)at * p->size) >> 32);
	turn->next = at + 1 == p->size ? 0 : at + 1;
	for (uint32_t i = 0; i < TRIES; i++) {
		const struct member *m = entry(p, at);

		at = at + 1 == p->size ? 0 : at + 1;
		if (__builtin_expect(shares(s, m, hash), 1)) {
			turn->next = at;
			return m;
		}
	}
	return pick_maglev(p, s, hash, 0);
}

uint16_t wr_picker_pick(const struct wr_picker *p, const struct wr_picker_signals *s,
	struct wr_picker_turn *turn, uint64_t hash, uint32_t attempt)
{
	if (__builtin_expect(p->usable == 0, 0))
		return WR_MAGLEV_NONE;
	switch (p->how) {
	case WR_BALANCE_MAGLEV:
		break;
	case WR_BALANCE_BOUNDED:
		return pick_bounded(p, s, hash, attempt)->id;
	case WR_BALANCE_LEAST:
		return pick_least(p, s, hash, attempt)->id;
	case WR_BALANCE_TWO_CHOICES:
		return pick_two_choices(p, s, hash, attempt)->id;
	case WR_BALANCE_ROUND_ROBIN:
		return pick_round_robin(p, s, turn, hash, attempt)->id;
	}
	return pick_maglev(p, s, hash, attempt)->id;
}

// Of a prefix that covers everything this is wr_maglev_key().
uint64_t wr_picker_key(const struct wr_addr *client, uint8_t bits, uint16_t port)
{
	struct wr_addr a = *client;
	uint32_t high = bits < 64 ? bits : 64, low = bits < 64 ? 0 : bits < 128 ? bits - 64u : 64;

	a.q[0] &= high ? __builtin_bswap64(UINT64_MAX << (64 - high)) : 0;
	a.q[1] &= low ? __builtin_bswap64(UINT64_MAX << (64 - low)) : 0;
	return wr_maglev_key(&a, port);
}
