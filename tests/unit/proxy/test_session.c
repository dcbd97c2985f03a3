/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "triple.h"

// Sessions from end to end through a whole fabric: what one peer does, the other sees.

static void session_echo(void **state)
{
	static const struct {
		int client, backend;
		uint16_t workers;
	} cases[] = {{4, 4, 1}, {6, 6, 1}, {4, 6, 1}, {6, 4, 1}, {4, 4, 2}, {6, 4, 2}};

	for (size_t i = 0; i < RTE_DIM(cases); i++) {
		struct tri_config cfg = {.family = cases[i].backend,
			.workers = cases[i].workers,
			.queues = cases[i].workers,
			.seed = i};
		struct triple *t = tri_create(&cfg);
		struct tri_want w = {.mode = TRI_ECHO, .up = 100000, .family = cases[i].client};
		struct tri_conn *c = tri_connect(t, &w);

		TRI_WAIT(t, tri_complete(t, c), 10 * TRI_S);
		tri_finish(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(session_echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
