/* SPDX-License-Identifier: BSD-3-Clause */
#include "run.h"
#include "tcp_priv.h"

void pk_force_iss(struct wr_tcp_stack *s, wr_handle_t conn, uint32_t iss)
{
	struct wr_tcp_conn *c = wr_tcp_conn_at(s, conn);

	if (c != NULL && c->snd_nxt == c->iss)
		wr_tcp_conn_iss(c, iss);
}
