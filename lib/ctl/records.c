/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <jansson.h>

// One line for each session that ended: JSON to a file, the same fields to the journal.

#define RECORDS_TURN  512  // of all workers in one turn
#define RECORDS_MOST  4096 // of a worker at once: as many as its ring holds
#define RING_EVERY_US WR_US_PER_S
#define TELL_EVERY_US (10 * WR_US_PER_S)

// --- fields --------------------------------------------------------------------------------------

static uint64_t wall_us(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * WR_US_PER_S + (uint64_t)ts.tv_nsec / 1000;
}

// RFC 3339 5.6, UTC, with milliseconds.
static void put_time(json_t *o, uint64_t unix_us)
{
	time_t s = (time_t)(unix_us / WR_US_PER_S);
	char day[32], text[48];
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s.%03uZ", day,
		(unsigned int)(unix_us % WR_US_PER_S / WR_US_PER_MS));
	json_object_set_new(o, "time", json_string(text));
}

static void put_endpoint(json_t *o, const char *key, const struct wr_endpoint *e)
{
	char text[WR_ENDPOINT_STR];

	json_object_set_new(o, key, json_string(wr_endpoint_format(e, text, sizeof(text))));
}

static void put_ms(json_t *o, const char *key, uint64_t us)
{
	json_object_set_new(o, key, json_real((double)us / WR_US_PER_MS));
}

// The keys are an interface: they stay, new ones come at the end.
static json_t *fields(struct wr_ctl *c, const struct wr_record *rec, uint64_t wall)
{
	// One that is being taken over has all names of now, but for slots that nobody had used.
	const struct wr_conf *names = c->reload->fresh != NULL ? c->reload->fresh : c->conf;
	uint64_t ago = c->now_us > rec->ended_us ? c->now_us - rec->ended_us : 0;
	json_t *o = json_object();
	char text[WR_SCOPE_LEN];

	if (o == NULL)
		return NULL;
	put_time(o, wall - ago);
	snprintf(text, sizeof(text), "%u.%u", rec->worker, rec->session);
	json_object_set_new(o, "session", json_string(text));
	json_object_set_new(o, "service",
		json_string(rec->service < names->service_count ? names->services[rec->service].name
								: ""));
	wr_ctl_backend_name(c, rec->backend, text, sizeof(text));
	json_object_set_new(o, "backend", json_string(text));
	put_endpoint(o, "client", &rec->client);
	put_endpoint(o, "peer", &rec->peer);
	put_endpoint(o, "local", &rec->local);
	json_object_set_new(o, "bytes_in", json_integer((json_int_t)rec->bytes_in));
	json_object_set_new(o, "bytes_out", json_integer((json_int_t)rec->bytes_out));
	put_ms(o, "wait_ms", rec->wait_us);
	put_ms(o, "connect_ms", rec->connect_us);
	put_ms(o, "first_byte_ms", rec->first_byte_us);
	put_ms(o, "total_ms", rec->total_us);
	snprintf(text, sizeof(text), "%c%c", wr_record_cause_letter(rec->cause),
		wr_record_phase_letter(rec->phase));
	json_object_set_new(o, "termination", json_string(text));
	json_object_set_new(o, "cause", json_string(wr_record_cause_words(rec->cause)));
	json_object_set_new(o, "class", json_integer(rec->class));
	json_object_set_new(o, "tries", json_integer(rec->tries));
	json_object_set_new(o, "proxied", json_boolean(rec->proxied));
	return o;
}

// --- to the file ---------------------------------------------------------------------------------

// Times have three decimals: 15 digits hold those of any session.
static void line_to_file(struct wr_ctl *c, json_t *o)
{
	char line[WR_SINK_LINE_MAX];
	size_t len = json_dumpb(o, line, sizeof(line), JSON_COMPACT | JSON_REAL_PRECISION(15));

	// What did not fit is told by its length.
	wr_sink_put(&c->sink, line, len == 0 ? sizeof(line) + 1 : len);
}

// --- to the journal ------------------------------------------------------------------------------

struct datagram {
	char data[WR_SINK_LINE_MAX];
	size_t used;
};

// KEY=value and a newline (systemd.io/JOURNAL_NATIVE_PROTOCOL); a value has none of its own.
static void add(struct datagram *d, const char *prefix, const char *key, const char *value)
{
	size_t room = sizeof(d->data) - d->used;
	size_t at = d->used;
	int n = snprintf(d->data + at, room, "%s%s=%s\n", prefix, key, value);

	if (n < 0 || (size_t)n >= room)
		return;
	d->used += (size_t)n;
	for (char *p = d->data + at; *p != '='; p++)
		*p = (char)toupper((unsigned char)*p);
	for (char *p = strchr(d->data + at, '=') + 1; p < d->data + d->used - 1; p++)
		if ((unsigned char)*p < ' ')
			*p = '?';
}

static void line_to_journal(struct wr_ctl *c, const struct wr_record *rec, json_t *o)
{
	struct datagram d = {.used = 0};
	const char *key, *backend = json_string_value(json_object_get(o, "backend"));
	char text[320];
	json_t *value;

	snprintf(text, sizeof(text),
		"%s: %s to %s, %" PRIu64 ".%03u ms, %" PRIu64 " bytes in, %" PRIu64 " out, %s: %s",
		json_string_value(json_object_get(o, "service")),
		json_string_value(json_object_get(o, "client")),
		backend[0] != '\0' ? backend : "no backend",
		(uint64_t)(rec->total_us / WR_US_PER_MS),
		(unsigned int)(rec->total_us % WR_US_PER_MS), rec->bytes_in, rec->bytes_out,
		json_string_value(json_object_get(o, "termination")),
		json_string_value(json_object_get(o, "cause")));
	add(&d, "", "MESSAGE", text);
	add(&d, "", "PRIORITY", "6");
	add(&d, "", "SYSLOG_IDENTIFIER", "weir");
	add(&d, "WEIR_", "instance", c->conf->runtime.name);
	json_object_foreach(o, key, value)
	{
		if (json_is_string(value))
			snprintf(text, sizeof(text), "%s", json_string_value(value));
		else if (json_is_real(value))
			snprintf(text, sizeof(text), "%.3f", json_real_value(value));
		else if (json_is_integer(value))
			snprintf(text, sizeof(text), "%" JSON_INTEGER_FORMAT,
				json_integer_value(value));
		else
			snprintf(text, sizeof(text), "%d", json_is_true(value));
		add(&d, "WEIR_", key, text);
	}
	wr_sink_put(&c->sink, d.data, d.used);
}

// --- a turn --------------------------------------------------------------------------------------

static void write_line(struct wr_ctl *c, const struct wr_record *rec, uint64_t wall, wr_us_t now)
{
	const struct wr_conf *conf = c->conf;
	json_t *o;

	if (conf->log.to == WR_CONF_LOG_NONE ||
		(rec->service < conf->service_count && !conf->services[rec->service].log))
		return;
	if (!wr_sink_may(&c->sink, now))
		return;
	o = fields(c, rec, wall);
	if (o == NULL) {
		c->sink.lost[WR_SINK_LOST_WRITE]++;
		return;
	}
	if (conf->log.to == WR_CONF_LOG_FILE)
		line_to_file(c, o);
	else
		line_to_journal(c, rec, o);
	json_decref(o);
}

// Those that a worker could not put on record, or did not want to; its counters are read once a
// second.
static void count_unrecorded(struct wr_ctl *c, wr_us_t now)
{
	struct wr_stats_snapshot s;
	uint64_t lost = 0, sampled = 0;

	if (now < c->next_ring_us)
		return;
	c->next_ring_us = now + RING_EVERY_US;
	for (uint16_t w = 0; w < c->workers; w++) {
		wr_worker_stats(wr_fabric_worker(c->fabric, w), &s);
		lost += s.stats.ctr[WR_CTR_records_lost];
		sampled += s.stats.ctr[WR_CTR_records_sampled];
	}
	if (c->conf->log.to != WR_CONF_LOG_NONE && lost > c->ring_lost)
		c->sink.lost[WR_SINK_LOST_RING] += lost - c->ring_lost;
	c->ring_lost = lost;
	c->sampled = sampled;
}

static void tell_losses(struct wr_ctl *c, wr_us_t now)
{
	static const char *const why[] = {
		[WR_SINK_LOST_RATE] = "above log.rate",
		[WR_SINK_LOST_RING] = "no room in a worker's ring",
		[WR_SINK_LOST_CLOSED] = "target not there",
		[WR_SINK_LOST_WRITE] = "not taken",
		[WR_SINK_LOST_BEHIND] = "the file does not keep up",
	};
	struct wr_event ev = {.kind = WR_EV_log_lost, .worker = UINT16_MAX, .queue = UINT16_MAX};
	struct wr_sink *s = &c->sink;
	uint64_t n = wr_sink_untold(s);

	if (n == 0 || (s->told_us != 0 && now - s->told_us < TELL_EVERY_US))
		return;
	for (uint32_t i = 0; i < WR_SINK_LOST_REASONS; i++) {
		size_t used = strlen(ev.text);
		uint64_t of = s->lost[i] - s->told[i];

		if (of > 0)
			snprintf(ev.text + used, sizeof(ev.text) - used, "%s%" PRIu64 " %s",
				used > 0 ? ", " : "", of, why[i]);
		s->told[i] = s->lost[i];
	}
	if (s->err != 0) {
		size_t used = strlen(ev.text);

		snprintf(ev.text + used, sizeof(ev.text) - used, " (%s)", strerror(s->err));
	}
	s->told_us = now;
	ev.count = (uint32_t)RTE_MIN(n, (uint64_t)UINT32_MAX);
	wr_ctl_event_add(c, &ev);
}

void wr_ctl_records_all(struct wr_ctl *c, wr_us_t now)
{
	uint64_t wall = wall_us();
	struct wr_record rec;

	for (uint16_t w = 0; w < c->workers; w++) {
		struct wr_record_ring *ring = wr_worker_records(wr_fabric_worker(c->fabric, w));

		for (uint32_t n = 0; n < RECORDS_MOST && wr_record_pop(ring, &rec); n++)
			write_line(c, &rec, wall, now);
	}
	wr_sink_flush(&c->sink);
}

bool wr_ctl_records_turn(struct wr_ctl *c, wr_us_t now)
{
	uint32_t share = RTE_MAX(RECORDS_TURN / c->workers, 1u);
	struct wr_record rec;
	uint64_t wall = 0;
	bool more = false;

	wr_sink_follow(&c->sink, &c->conf->log, now);
	for (uint16_t w = 0; w < c->workers; w++) {
		struct wr_record_ring *ring = wr_worker_records(wr_fabric_worker(c->fabric, w));
		uint32_t n;

		for (n = 0; n < share && wr_record_pop(ring, &rec); n++) {
			if (wall == 0)
				wall = wall_us();
			write_line(c, &rec, wall, now);
		}
		more |= n == share;
	}
	wr_sink_flush(&c->sink);
	count_unrecorded(c, now);
	tell_losses(c, now);
	return more;
}
