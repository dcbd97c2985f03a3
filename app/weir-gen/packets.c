/* SPDX-License-Identifier: BSD-3-Clause */
#include "packets.h"

#include <errno.h>
#include <stdlib.h>

#include <rte_ether.h>

#include "pace.h"
#include "pcap_file.h"
#include "stamp.h"
#include "template.h"

#define STASH 32    // buffers taken from the pool at once
#define SCAN  4096u // frames of a file looked at to tell how many are due

struct packets {
	const struct gen_packets *conf;
	struct rte_mempool *pool;
	struct template *template; // or a file
	struct pace pace;
	uint64_t rate; // of the next start
	bool bits;
	bool running;
	bool by_file; // times come from the file
	uint16_t kept_count, stash_count;
	uint16_t out;   // frames between packets_make() and packets_sent()
	uint64_t seq;   // of the next frame made
	uint64_t start; // `seq` at packets_start()
	uint64_t most;  // frames of a start
	// file
	struct pcap_file *file;
	uint32_t frame;    // next
	uint64_t round_ns; // when this round began
	uint8_t source_mac[6], target_mac[6];
	bool set_source, set_target;

	struct gen_packets_stats stats;
	struct rte_mbuf *kept[PACKETS_MOST];
	struct rte_mbuf *stash[STASH];
	struct stamp_track track;
	struct wr_hist latency;
};

static bool is_set(const uint8_t mac[6])
{
	static const uint8_t none[6];

	return memcmp(mac, none, sizeof(none)) != 0;
}

static int check_pcap(const struct packets *p, const struct packets_env *env, struct wr_err *err)
{
	uint32_t room = rte_pktmbuf_data_room_size(env->pool) - RTE_PKTMBUF_HEADROOM, longest = 0;

	if (p->conf->stamp)
		return wr_err_set(
			err, EINVAL, "frames of a file carry no stamp: TCP, UDP and ICMP echo do");
	for (uint32_t i = 0; i < p->file->count; i++)
		longest = RTE_MAX(longest, p->file->frame[i].len);
	if (longest > room)
		return wr_err_set(err, EINVAL,
			"frames of %u bytes do not fit into buffers of %u: they need a pool with "
			"larger ones",
			longest, room);
	return 0;
}

// Frames that one start makes.
static uint64_t most_of(const struct packets *p)
{
	uint64_t most = p->conf->count != 0 ? p->conf->count : UINT64_MAX;

	if (p->file != NULL && p->conf->pcap_loops != 0)
		most = RTE_MIN(most, (uint64_t)p->file->count * p->conf->pcap_loops);
	return most;
}

static int open_source(struct packets *p, const struct packets_env *env, struct wr_err *err)
{
	if (p->conf->kind != GEN_PACKET_PCAP) {
		p->template = template_create(p->conf, env, err);
		return p->template != NULL ? 0 : -EINVAL;
	}
	p->file = pcap_file_load(p->conf->pcap, env->mtu, PCAP_FILE_MOST, err);
	if (p->file == NULL)
		return -EINVAL;
	p->set_source = is_set(p->conf->source_mac);
	p->set_target = is_set(p->conf->target_mac);
	memcpy(p->source_mac, p->conf->source_mac, sizeof(p->source_mac));
	memcpy(p->target_mac, p->conf->target_mac, sizeof(p->target_mac));
	return check_pcap(p, env, err);
}

struct packets *packets_create(
	const struct gen_packets *conf, const struct packets_env *env, struct wr_err *err)
{
	struct packets *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		wr_err_set(err, ENOMEM, "no memory for packets %s", conf->name);
		return NULL;
	}
	p->conf = conf;
	p->pool = env->pool;
	p->stats.latency_ns = &p->latency;
	if (open_source(p, env, err) < 0) {
		wr_err_prefix(err, "packets %s", conf->name);
		packets_destroy(p);
		return NULL;
	}
	p->by_file = p->file != NULL && conf->pcap_timing;
	p->bits = conf->rate_pps == 0;
	p->rate = p->bits ? conf->rate_bps : conf->rate_pps;
	p->most = most_of(p);
	packets_reset_stats(p);
	return p;
}

void packets_destroy(struct packets *p)
{
	if (p == NULL)
		return;
	packets_stop(p);
	template_destroy(p->template);
	pcap_file_destroy(p->file);
	free(p);
}

void packets_set_target_mac(struct packets *p, const uint8_t mac[6])
{
	if (p->template != NULL && !is_set(p->conf->target_mac))
		template_set_target_mac(p->template, mac);
}

void packets_start(struct packets *p, const struct gen_now *now)
{
	pace_start(&p->pace, p->rate, p->bits, now->ns);
	p->start = p->seq;
	p->frame = 0;
	p->round_ns = now->ns;
	p->running = true;
}

void packets_set_rate(struct packets *p, uint64_t pps, const struct gen_now *now)
{
	p->rate = pps;
	p->bits = false;
	p->by_file = false;
	pace_start(&p->pace, pps, false, now->ns);
	p->stats.behind_now = 0;
}

static bool made_all(const struct packets *p)
{
	return p->seq - p->start >= p->most;
}

// When the next frame should leave, now at the latest.
static inline uint64_t due_ns(const struct packets *p, uint64_t now_ns)
{
	if (p->by_file)
		return p->round_ns + p->file->frame[p->frame].at_ns;
	return p->pace.rate != 0 ? p->pace.next_ns : now_ns;
}

// Frames of the file that are due, the first SCAN of them counted.
static uint64_t file_backlog(const struct packets *p, uint64_t now_ns)
{
	uint64_t round = p->round_ns;
	uint32_t i = p->frame, n = 0;

	while (n < SCAN && round + p->file->frame[i].at_ns <= now_ns) {
		n++;
		if (++i == p->file->count) {
			i = 0;
			round += p->file->span_ns;
		}
	}
	return n;
}

static uint64_t backlog(const struct packets *p, uint64_t now_ns)
{
	uint64_t n, left = p->most - (p->seq - p->start);

	if (!p->running)
		return 0;
	n = p->by_file ? file_backlog(p, now_ns) : pace_backlog(&p->pace, now_ns);
	return RTE_MIN(n, left);
}

static inline struct rte_mbuf *take_buffer(struct packets *p)
{
	if (unlikely(p->stash_count == 0)) {
		if (rte_pktmbuf_alloc_bulk(p->pool, p->stash, STASH) == 0)
			p->stash_count = STASH;
		else if ((p->stash[0] = rte_pktmbuf_alloc(p->pool)) != NULL)
			p->stash_count = 1; // the last few of the pool
		else
			return NULL;
	}
	p->stash_count--;
	if (p->stash_count > 0) // a TX ring turns through more buffers than fit the nearest cache
		rte_prefetch0(rte_pktmbuf_mtod(p->stash[p->stash_count - 1], void *));
	return p->stash[p->stash_count];
}

static uint32_t write_file_frame(struct packets *p, uint8_t *to)
{
	const struct pcap_file_frame *f = &p->file->frame[p->frame];

	memcpy(to, p->file->data + f->offset, f->len);
	if (p->set_target)
		memcpy(to, p->target_mac, sizeof(p->target_mac));
	if (p->set_source)
		memcpy(to + 6, p->source_mac, sizeof(p->source_mac));
	if (++p->frame == p->file->count) {
		p->frame = 0;
		p->round_ns += p->file->span_ns;
	}
	return f->len;
}

static inline void make_one(struct packets *p, struct rte_mbuf *m, uint64_t due)
{
	uint8_t *to = rte_pktmbuf_mtod(m, uint8_t *);
	uint32_t size;

	if (p->template != NULL) {
		size = template_next_size(p->template);
		template_write(p->template, to, size, p->seq, due);
	} else {
		size = write_file_frame(p, to);
	}
	m->data_len = (uint16_t)size;
	m->pkt_len = size;
	p->seq++;
	pace_step(&p->pace, size);
}

static uint16_t take_kept(struct packets *p, struct rte_mbuf **m, uint16_t n)
{
	uint16_t take = RTE_MIN(n, p->kept_count);

	memcpy(m, p->kept, take * sizeof(*m));
	p->kept_count -= take;
	memmove(p->kept, p->kept + take, p->kept_count * sizeof(*m));
	return take;
}

static void set_behind(struct packets *p, uint64_t n)
{
	p->stats.behind_now = n;
	if (n > p->stats.behind)
		p->stats.behind = n;
}

static bool has_schedule(const struct packets *p)
{
	return p->by_file || p->pace.rate != 0;
}

uint16_t packets_make(struct packets *p, struct rte_mbuf **m, uint16_t n, const struct gen_now *now)
{
	uint16_t made = 0;

	n = RTE_MIN(n, (uint16_t)PACKETS_MOST);
	if (p->kept_count > 0)
		made = take_kept(p, m, n);
	while (made < n && p->running && !made_all(p)) {
		uint64_t due = due_ns(p, now->ns);
		struct rte_mbuf *one;

		if (due > now->ns)
			break;
		one = take_buffer(p);
		if (unlikely(one == NULL)) {
			p->stats.no_buffers++;
			break;
		}
		make_one(p, one, due);
		m[made++] = one;
	}
	p->out = made;
	if (has_schedule(p))
		set_behind(p, backlog(p, now->ns) + p->kept_count);
	return made;
}

void packets_sent(
	struct packets *p, struct rte_mbuf **m, uint16_t made, uint16_t taken, uint64_t bytes_taken)
{
	uint16_t back = made - taken;

	p->stats.sent += taken;
	p->stats.sent_bytes += bytes_taken;
	p->out = 0;
	if (likely(back == 0))
		return;
	p->stats.not_taken += back;
	// They came from the front, so there is room: kept + made never passes PACKETS_MOST.
	memmove(p->kept + back, p->kept, p->kept_count * sizeof(*m));
	memcpy(p->kept, m + taken, back * sizeof(*m));
	p->kept_count += back;
	if (has_schedule(p))
		set_behind(p, p->stats.behind_now + back);
}

void packets_stop(struct packets *p)
{
	p->running = false;
	p->stats.behind_now = 0;
	for (uint16_t i = 0; i < p->kept_count; i++)
		rte_pktmbuf_free(p->kept[i]);
	p->kept_count = 0;
	for (uint16_t i = 0; i < p->stash_count; i++)
		rte_pktmbuf_free(p->stash[i]);
	p->stash_count = 0;
}

bool packets_done(const struct packets *p)
{
	return !p->running || (made_all(p) && p->kept_count == 0 && p->out == 0);
}

wr_us_t packets_next(const struct packets *p)
{
	if (p->kept_count > 0)
		return 0;
	if (!p->running || made_all(p))
		return WR_US_NEVER;
	return due_ns(p, 0) / 1000;
}

static void judge(struct packets *p, const struct stamp *s, uint64_t now_ns)
{
	if (!stamp_track_see(&p->track, s->seq))
		return;
	wr_hist_record(&p->latency, (now_ns - s->at_ns) & STAMP_TIME_MASK);
}

bool packets_judge(struct packets *p, const struct wr_pkt *pkt, const struct gen_now *now)
{
	const struct template *t = p->template;
	uint32_t offset, len;
	struct stamp s;

	if (!p->conf->stamp || !stamp_locate(pkt, &offset, &len) || !stamp_read(pkt, offset, &s) ||
		s.id != t->stamp_id)
		return false;
	if (unlikely(s.seq >= p->seq || len < template_payload_least(t) ||
		     len > template_payload_most(t) ||
		     !stamp_intact(pkt, offset, len, t->frame + t->payload)))
		p->stats.corrupted++;
	else
		judge(p, &s, now->ns);
	return true;
}

const struct gen_packets_stats *packets_stats(struct packets *p)
{
	struct gen_packets_stats *s = &p->stats;

	s->returned = p->track.returned;
	s->reordered = p->track.reordered;
	s->duplicated = p->track.duplicated;
	s->lost = p->conf->stamp && s->sent > s->returned ? s->sent - s->returned : 0;
	return s;
}

void packets_reset_stats(struct packets *p)
{
	p->stats = (struct gen_packets_stats){.latency_ns = &p->latency};
	wr_hist_reset(&p->latency);
	// The first that is not sent yet: kept ones leave before new ones.
	stamp_track_reset(&p->track, p->seq - p->kept_count - p->out);
}
