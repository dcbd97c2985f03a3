/* SPDX-License-Identifier: BSD-3-Clause */
#include "ipsec.h"

#include <stdio.h>

// /weir/ipsec/rekey: the key file of a tunnel is read again.

void wr_act_rekey(struct wr_ctl *c, const char *verb, const char *arg, struct wr_reply *r)
{
	struct wr_event ev = {.kind = WR_EV_operator};
	int tunnel = wr_conf_find_tunnel(c->conf, arg);
	struct wr_err err = {0};
	int rc;

	if (tunnel < 0 || c->ipsec == NULL) {
		wr_reply_error(r, "see /weir/tunnels for those that there are",
			"no tunnel '%.64s'; nothing was done", arg);
		return;
	}
	rc = wr_ctl_ipsec_rekey(c, (uint32_t)tunnel, &err);
	if (rc < 0) {
		wr_reply_error(r, "mend the key file and ask again; the tunnel goes on as it is",
			"%s; nothing was done", err.text);
		return;
	}
	snprintf(ev.text, sizeof(ev.text),
		rc > 0 ? "keys %u of tunnel %.48s are installed"
		       : "nothing is new: the key file holds keys %u of tunnel %.32s",
		c->ipsec->tunnel[tunnel].made, arg);
	wr_act_done(c, r, &ev, verb, arg, ev.text);
	if (r->row != NULL)
		wr_reply_uint(r, "generation", c->ipsec->tunnel[tunnel].made);
}
