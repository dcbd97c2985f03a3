/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <errno.h>

// A worker that did not answer may still write into the request: it is kept until the control ends.
static bool keep(struct wr_ctl *c, void *mem)
{
	bool room;

	pthread_mutex_lock(&c->lock);
	room = c->limbo_count < WR_CTL_LIMBO;
	if (room && mem != NULL)
		c->limbo[c->limbo_count++] = mem;
	pthread_mutex_unlock(&c->lock);
	return room;
}

int wr_ctl_ask(struct wr_ctl *c, uint16_t worker, struct wr_msg *m, void *mem, struct wr_err *err)
{
	int rc;

	if (!keep(c, NULL))
		return wr_err_set(err, ENOBUFS,
			"worker %u was not asked: %d requests to workers were never answered",
			worker, WR_CTL_LIMBO);
	m->ptr = mem;
	rc = wr_worker_call(wr_fabric_worker(c->fabric, worker), m, c->answer_ms);
	if (rc == -ETIMEDOUT) {
		// Full since we looked: leaked, which is rarer than a crash is dear.
		(void)keep(c, mem);
		return wr_err_set(err, ETIMEDOUT, "worker %u did not answer within %u ms", worker,
			c->answer_ms);
	}
	if (rc < 0)
		return wr_err_set(err, -rc, "the mailbox of worker %u is full", worker);
	return rc;
}
