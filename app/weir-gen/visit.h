/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "client_priv.h"

// How visits end (visit_end.c), for their life (visit.c).

// See to it that visit_timer() comes by `deadline`; it may come earlier.
void visit_arm(struct client *c, struct visit *v, wr_us_t deadline, const struct gen_now *now);

// The connection is gone, or will be before the caller returns: takes the visit off the client.
void visit_forget(struct client *c, struct visit *v, const struct gen_now *now);
// Reset.
void visit_drop(struct client *c, struct ep_conn *conn, const struct gen_now *now);
// FIN, unless it was sent; then wait for the peer's.
void visit_close(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now);
// All requests are through, or no more are wanted. False: the connection is gone.
bool visit_finish(
	struct client *c, struct ep_conn *conn, struct visit *v, const struct gen_now *now);
// Requests that are left go on over a new connection, as this one ended between two of them.
void visit_resume(struct client *c, struct visit *v, wr_us_t at_us, const struct gen_now *now);

// A try failed. True: there will be another, on a new connection, with all that is left.
bool visit_retry(struct client *c, struct visit *v, const struct gen_now *now);
// The request failed together with its connection, of which the caller disposes.
void visit_fail(struct client *c, struct visit *v, enum gen_error e, const struct gen_now *now);
void visit_fail_and_drop(
	struct client *c, struct ep_conn *conn, enum gen_error e, const struct gen_now *now);
