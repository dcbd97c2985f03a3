/* SPDX-License-Identifier: BSD-3-Clause */
#include "settings_test.h"

static void backend(const char *keys, const char *sentence)
{
	char text[1024];

	snprintf(text, sizeof(text), GEN_PORTS "backends: [{listen: \"198.18.0.100:80\", %s}]\n",
		keys);
	if (sentence)
		gen_refused(text, sentence);
	else
		gen_good(text);
}

static void check_backend_answer_size(void **state)
{
	backend("answer: 15",
		"backends[0].answer: value '15' is less than the header of a raw message");
	backend("answer: 0", "backends[0].answer: value '0' is less than the header");
	backend("answer: 16", NULL);
	backend("answer: 0, protocol: http", NULL);
}

static void check_backend_queue(void **state)
{
	backend("queue: 5", "backends[0].queue: value '5' is of no use without a concurrency");
	backend("queue: 5, concurrency: 1", NULL);
}

static void check_backend_dist(void **state)
{
	backend("service: {kind: pareto, mean: 1ms, shape: 0.9}", "backends[0].service: the shape");
	backend("tokens: {first: {kind: pareto, mean: 1ms, shape: 0.9}}",
		"backends[0].tokens.first: ");
	backend("tokens: {gap: {kind: pareto, mean: 1ms, shape: 0.9}}", "backends[0].tokens.gap: ");
	backend("tokens: 40", NULL);
}

static void check_backend_faults(void **state)
{
	backend("faults: [{kind: flap}]", "backends[0].faults[0].delay: is missing");
	backend("faults: [{kind: stall}, {kind: slow_accept}]",
		"backends[0].faults[1].delay: is missing");
	backend("faults: [{kind: refuse, delay: 1s}]",
		"backends[0].faults[0].delay: is of use to slow_accept");
	backend("faults: [{at: 1s}]", "backends[0].faults[0].kind: is missing");
	backend("faults: [{kind: blackhole, at: 1s, for: 1s}]", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_backend_answer_size),
		cmocka_unit_test(check_backend_queue),
		cmocka_unit_test(check_backend_dist),
		cmocka_unit_test(check_backend_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
