/* SPDX-License-Identifier: BSD-3-Clause */
#include "check.h"

#include "wr_pressure.h"

// Pressure: marks that are in order, each of a queue that raises a level.

struct kind {
	const char *name;
	uint16_t low, high, critical;
};

static const struct kind kinds[] = {
#define WR_QUEUE(sym, name, unit, low, high, critical, text) {name, low, high, critical},
#include "wr_queue.def"
#undef WR_QUEUE
};

// Shown, and no reason for anything.
static bool is_gauge(uint32_t queue)
{
	switch (queue) {
	case WR_Q_conn_recv:
	case WR_Q_conn_send:
	case WR_Q_events:
	case WR_Q_cpu:
	case WR_Q_clients:
	case WR_Q_disorder:
		return true;
	default:
		return false;
	}
}

static int out_of_order(const struct wr_conf_check *k, uint32_t i, const char *key,
	const uint16_t *value, const char *below, uint16_t other)
{
	const struct wr_conf_marks *m = &k->c->pressure.marks[i];
	const struct kind *own = &kinds[m->queue];

	return wr_settings_fail(&k->at, value, m->line,
		"pressure.marks[%u].%s: value '%u' is not above %s, which is %u; right would be "
		"low < high < critical <= 100, as %u, %u and %u, which %s has by default",
		i, key, *value, below, other, own->low, own->high, own->critical, own->name);
}

static int check_marks(const struct wr_conf_check *k, uint32_t i)
{
	const struct wr_conf_marks *m = &k->c->pressure.marks[i];

	if (is_gauge(m->queue))
		return wr_settings_fail(&k->at, &m->queue, m->line,
			"pressure.marks[%u].queue: value '%s' is a gauge only: it is shown and "
			"raises no level; right would be a queue that does, such as rx_pool",
			i, kinds[m->queue].name);
	for (uint32_t j = 0; j < i; j++) {
		if (k->c->pressure.marks[j].queue == m->queue)
			return wr_settings_fail(&k->at, &m->queue, m->line,
				"pressure.marks[%u].queue: value '%s' has its marks in "
				"pressure.marks[%u] already; keep one",
				i, kinds[m->queue].name, j);
	}
	if (m->high <= m->low)
		return out_of_order(k, i, "high", &m->high, "low", m->low);
	if (m->critical <= m->high)
		return out_of_order(k, i, "critical", &m->critical, "high", m->high);
	return 0;
}

int wr_conf_check_pressure(const struct wr_conf_check *k)
{
	int rc = 0;

	for (uint32_t i = 0; rc == 0 && i < k->c->pressure.marks_count; i++)
		rc = check_marks(k, i);
	return rc;
}
