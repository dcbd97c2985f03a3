/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "../../../app/weirctl/catalog.h"
#include "../../../app/weirctl/options.h"

static struct options o;
static struct wr_err err;
static int first;

static int parse(const char *line)
{
	static char buf[400];
	char *args[16] = {"weirctl"}, *rest = buf;
	int n = 1;

	snprintf(buf, sizeof(buf), "%s", line);
	while (n < 15 && (args[n] = strsep(&rest, " ")) != NULL)
		n++;
	args[n] = NULL;
	memset(&err, 0, sizeof(err));
	return options_parse(&o, n, args, &first, &err);
}

static void options_defaults(void **state)
{
	assert_int_equal(parse("status"), EXIT_OK);
	assert_int_equal(first, 1);
	assert_string_equal(o.client.name, "weir");
	assert_int_equal(o.client.timeout_ms, 3000);
	assert_int_equal(o.client.limit, 0);
	assert_false(o.json);
	assert_null(o.limit);
}

static void options_are_where_they_belong(void **state)
{
	assert_int_equal(parse("-n lb1 --runtime-dir /x --json --limit 5 --timeout 100 "
			       "--service web --for 10m --yes deny 198.18.0.0/16"),
		EXIT_OK);
	assert_string_equal(o.client.name, "lb1");
	assert_string_equal(o.client.dir, "/x");
	assert_true(o.json && o.act.json && o.act.yes);
	assert_int_equal(o.client.limit, 5);
	assert_string_equal(o.limit, "5");
	assert_int_equal(o.client.timeout_ms, 100);
	assert_string_equal(o.act.service, "web");
	assert_string_equal(o.act.time, "10m");
	assert_int_equal(parse("capture -w - --filter x --dir in"), EXIT_OK);
	assert_string_equal(o.capture.file, "-");
	assert_string_equal(o.capture.filter, "x");
	assert_string_equal(o.capture.dir, "in");
	assert_int_equal(parse("dump -o a.tar.gz"), EXIT_OK);
	assert_string_equal(o.archive, "a.tar.gz");
}

static void options_bad_values(void **state)
{
	assert_int_equal(parse("--limit many status"), EXIT_USAGE);
	assert_non_null(strstr(err.text, "many"));
	assert_int_equal(parse("--timeout 0 status"), EXIT_USAGE);
	assert_int_equal(parse("--colour status"), EXIT_USAGE);
}

static void options_that_a_command_does_not_take(void **state)
{
	assert_int_equal(parse("--saved status"), EXIT_OK);
	assert_int_equal(options_check(&o, "status", &err), EXIT_USAGE);
	assert_string_equal(err.text, "--saved is for recorder, not for status");
	assert_int_equal(options_check(&o, "recorder", &err), EXIT_OK);
	assert_int_equal(parse("--yes status"), EXIT_OK);
	assert_int_equal(options_check(&o, "status", &err), EXIT_USAGE);
	assert_int_equal(options_check(&o, "drain", &err), EXIT_OK);
	assert_int_equal(parse("--for 10m x"), EXIT_OK);
	assert_int_equal(options_check(&o, "remove", &err), EXIT_OK);
	memset(&err, 0, sizeof(err));
	assert_int_equal(options_check(&o, "backend", &err), EXIT_USAGE);
	assert_int_equal(parse("-w f --json x"), EXIT_OK);
	assert_int_equal(options_check(&o, "capture", &err), EXIT_OK);
	assert_int_equal(options_check(&o, "config history", &err), EXIT_USAGE);
	assert_int_equal(parse("ipsec --rekey dc1"), EXIT_OK);
	assert_string_equal(o.rekey, "dc1");
	assert_int_equal(options_check(&o, "ipsec", &err), EXIT_OK);
	assert_int_equal(options_check(&o, "tunnels", &err), EXIT_USAGE);
}

// What an option is said to be for exists.
static void options_name_commands_that_exist(void **state)
{
	for (const struct option_words *w = options_all(); w->name != NULL; w++) {
		char list[200], *rest = list, *word;

		snprintf(list, sizeof(list), "%s", w->commands);
		while ((word = strsep(&rest, " ")) != NULL) {
			struct catalog_words c;
			bool found = word[0] == '\0' || word[0] == '*';

			for (size_t i = 0; !found && catalog(i, &c); i++)
				found = strcmp(c.name, word) == 0;
			if (!found)
				fail_msg("--%s is for %s, which is no command", w->name, word);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_defaults),
		cmocka_unit_test(options_are_where_they_belong),
		cmocka_unit_test(options_bad_values),
		cmocka_unit_test(options_that_a_command_does_not_take),
		cmocka_unit_test(options_name_commands_that_exist),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
