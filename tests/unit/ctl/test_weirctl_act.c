/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "../../../app/weirctl/act.h"

static struct act_request req;
static struct wr_err err;

// Build from words apart by blanks.
static int build(const struct act_options *o, const char *line)
{
	static char buf[1200];
	char *args[8], *rest = buf;
	int n = 0;

	snprintf(buf, sizeof(buf), "%s", line);
	while (n < 8 && (args[n] = strsep(&rest, " ")) != NULL)
		n++;
	err.text[0] = '\0';
	return act_build(o, args, n, &req, &err);
}

static void expect(const struct act_options *o, const char *line, const char *request)
{
	if (build(o, line) != EXIT_OK)
		fail_msg("%s: %s", line, err.text);
	assert_string_equal(req.text, request);
}

static void act_every_command_becomes_a_request(void **state)
{
	const struct act_options o = {0};

	expect(&o, "drain web/b0", "/weir/backend,drain=web/b0");
	expect(&o, "weight web/b0 5", "/weir/backend,weight=web/b0,5");
	expect(&o, "limit web/b1 100", "/weir/backend,limit=web/b1,100");
	expect(&o, "kill 0.12", "/weir/conn,kill=0.12");
	expect(&o, "rekey dc1", "/weir/ipsec/rekey,tunnel=dc1");
	expect(&o, "level web 2", "/weir/admission,level=web,2");
	expect(&o, "level all auto", "/weir/admission,level=all,auto");
	expect(&o, "refuse web 5", "/weir/admission,refuse=web,5");
	expect(&o, "admit web", "/weir/admission,admit=web");
	expect(&o, "deny 198.18.5.0/24", "/weir/access,deny=198.18.5.0/24");
	expect(&o, "allow 2001:db8::/64", "/weir/access,allow=2001:db8::/64");
	expect(&o, "undeny 198.18.5.0/24", "/weir/access,remove=198.18.5.0/24");
	expect(&o, "class 198.18.5.0/24 web 2", "/weir/access,class=198.18.5.0/24,web,2");
	assert_string_equal(req.verb, "class");
	assert_string_equal(req.target, "198.18.5.0/24");
}

static void act_rules_have_service_and_time(void **state)
{
	expect(&(struct act_options){.service = "web", .time = "10m"}, "deny 198.18.5.0/24",
		"/weir/access,deny=198.18.5.0/24,web,600");
	expect(&(struct act_options){.time = "2h"}, "deny 198.18.5.0/24",
		"/weir/access,deny=198.18.5.0/24,all,7200");
	expect(&(struct act_options){.service = "web"}, "undeny 198.18.5.0/24",
		"/weir/access,remove=198.18.5.0/24,web");
	expect(&(struct act_options){.time = "30s"}, "class 198.18.5.0/24 all 2",
		"/weir/access,class=198.18.5.0/24,all,2,30");
	assert_int_equal(
		build(&(struct act_options){.time = "10x"}, "deny 198.18.5.0/24"), EXIT_USAGE);
	assert_non_null(strstr(err.text, "10x"));
	assert_int_equal(
		build(&(struct act_options){.time = "1d"}, "undeny 198.18.5.0/24"), EXIT_USAGE);
	assert_int_equal(
		build(&(struct act_options){.service = "web"}, "class 198.18.5.0/24 web 2"),
		EXIT_USAGE);
	assert_int_equal(
		build(&(struct act_options){.service = "web"}, "drain web/b0"), EXIT_USAGE);
}

static void act_yes_says_that_it_is_meant(void **state)
{
	const struct act_options yes = {.yes = true};

	expect(&yes, "deny 0.0.0.0/0", "/weir/access,deny!=0.0.0.0/0");
	assert_string_equal(req.verb, "deny!");
	expect(&yes, "refuse web 0", "/weir/admission,refuse_all=web");
	expect(&yes, "refuse web 3", "/weir/admission,refuse=web,3");
	expect(&yes, "level web 4", "/weir/admission,level=web,4");
	expect(&(struct act_options){.yes = true, .service = "web", .time = "5"},
		"deny 198.18.0.0/16", "/weir/access,deny!=198.18.0.0/16,web,5");
}

static void act_what_is_dearly_paid_is_warned_of(void **state)
{
	const struct act_options o = {0};

	assert_int_equal(build(&o, "level all 4"), EXIT_OK);
	assert_non_null(strstr(req.warning, "every new connection but class 0"));
	assert_int_equal(build(&o, "level web 0"), EXIT_OK);
	assert_non_null(strstr(req.warning, "switches every reaction"));
	assert_int_equal(build(&o, "level web 3"), EXIT_OK);
	assert_string_equal(req.warning, "");
	// Not sent, so that no instance is needed to be told.
	assert_int_equal(act_run(&(struct client){.name = "x", .dir = "/nonexistent"}, &o,
				 (char *[]){"level", "all", "4"}, 3, &err),
		EXIT_FAILED);
	assert_non_null(strstr(err.text, "--yes"));
}

static void act_unknown_or_malformed(void **state)
{
	const struct act_options o = {0};
	char line[1200];

	assert_int_equal(build(&o, "dance web"), ACT_UNKNOWN);
	assert_int_equal(build(&o, "deny"), ACT_UNKNOWN);
	assert_int_equal(build(&o, "level web 2 3"), ACT_UNKNOWN);
	assert_int_equal(build(&o, "deny 198.18.5.0/24,web"), EXIT_USAGE);
	assert_int_equal(build(&o, "admit "), EXIT_USAGE);
	memset(line, 'x', sizeof(line));
	memcpy(line, "admit ", 6);
	line[1100] = '\0';
	assert_int_equal(build(&o, line), EXIT_USAGE);
	assert_non_null(strstr(err.text, "too long"));
}

static void act_seconds_of_times(void **state)
{
	assert_int_equal(act_seconds("90"), 90);
	assert_int_equal(act_seconds("30s"), 30);
	assert_int_equal(act_seconds("10m"), 600);
	assert_int_equal(act_seconds("2h"), 7200);
	assert_int_equal(act_seconds("1d"), 86400);
	assert_int_equal(act_seconds("367d"), 0);
	assert_int_equal(act_seconds("99999999999999999999"), 0);
	assert_int_equal(act_seconds(""), 0);
	assert_int_equal(act_seconds("m"), 0);
	assert_int_equal(act_seconds("-5"), 0);
	assert_int_equal(act_seconds("5ms"), 0);
}

static int judge(const char *row)
{
	static char done[640];
	char reply[1024];

	snprintf(reply, sizeof(reply),
		"{\"/weir/access\":{\"next\":0,\"total\":1,\"rows\":{\"0\":{%s}}}}", row);
	err.text[0] = '\0';
	assert_int_equal(build(&(struct act_options){0}, "deny 198.18.5.0/24"), EXIT_OK);
	return act_judge(&req, reply, done, sizeof(done), &err);
}

static void act_judge_replies(void **state)
{
	assert_int_equal(judge("\"done\":\"deny it\",\"verb\":\"deny\","
			       "\"target\":\"198.18.5.0/24\",\"event_id\":7"),
		EXIT_OK);
	assert_int_equal(judge("\"done\":\"x\",\"verb\":\"deny\",\"target\":\"198.18.6.0/24\""),
		EXIT_FAILED);
	assert_non_null(strstr(err.text, "not about deny of 198.18.5.0/24"));
	assert_int_equal(judge("\"error\":\"it would cut\",\"remedy\":\"ask with deny!\","
			       "\"confirm\":\"deny!=198.18.5.0/24\""),
		EXIT_FAILED);
	assert_non_null(strstr(err.text, "it would cut (repeat with --yes"));
	assert_int_equal(judge("\"error\":\"no\",\"remedy\":\"look there\""), EXIT_FAILED);
	assert_non_null(strstr(err.text, "no (look there)"));
	assert_int_equal(judge(""), EXIT_FAILED);
}

static void act_backends_take_their_options(void **state)
{
	const struct act_options o = {0};

	expect(&(struct act_options){.time = "30s"}, "drain web/b0",
		"/weir/backend,drain=web/b0,30s");
	expect(&(struct act_options){.time = "2h"}, "remove web/b0",
		"/weir/backend,remove=web/b0,7200s");
	expect(&(struct act_options){.time = "never"}, "drain web/b0",
		"/weir/backend,drain=web/b0,never");
	expect(&o, "disable web/b0", "/weir/backend,disable=web/b0");
	expect(&o, "enable web/b0", "/weir/backend,enable=web/b0");
	expect(&o, "add web/b3 198.18.1.4:80", "/weir/backend,add=web/b3,198.18.1.4:80");
	expect(&(struct act_options){.weight = "2", .priority = "1", .limit = "100"},
		"add web/b3 [2001:db8::4]:80",
		"/weir/backend,add=web/b3,[2001:db8::4]:80,weight=2,priority=1,limit=100");
	assert_int_equal(build(&(struct act_options){.weight = "x"}, "add web/b3 198.18.1.4:80"),
		EXIT_USAGE);
	assert_int_equal(build(&(struct act_options){.weight = "2"}, "drain web/b0"), EXIT_USAGE);
	assert_non_null(strstr(err.text, "drain takes no --weight"));
	assert_int_equal(build(&(struct act_options){.time = "soon"}, "drain web/b0"), EXIT_USAGE);
	assert_non_null(strstr(err.text, "soon"));
}

static void act_configuration(void **state)
{
	const struct act_options o = {0};

	expect(&o, "reload", "/weir/config/reload,reload=now");
	expect(&(struct act_options){.confirm = "1m"}, "reload", "/weir/config/reload,reload=60");
	expect(&o, "confirm 4", "/weir/config/confirm,confirm=4");
	expect(&o, "rollback", "/weir/config/rollback,rollback=previous");
	expect(&o, "rollback 3", "/weir/config/rollback,rollback=3");
	assert_int_equal(build(&(struct act_options){.confirm = "x"}, "reload"), EXIT_USAGE);
	assert_int_equal(build(&(struct act_options){.confirm = "1m"}, "rollback"), EXIT_USAGE);
}

static void act_judge_configuration(void **state)
{
	char done[640];

	build(&(struct act_options){.confirm = "60"}, "reload");
	assert_int_equal(act_judge(&req,
				 "{\"/weir/config/reload\":{\"rows\":{\"0\":{\"done\":\"in "
				 "force\",\"verb\":\"reload\",\"id\":4,\"changes\":2,"
				 "\"confirm_within_s\":60}}}}",
				 done, sizeof(done), &err),
		EXIT_OK);
	assert_string_equal(done, "configuration 4: in force; it is taken back in 60 s unless you "
				  "do: weirctl confirm 4");
	build(&(struct act_options){0}, "confirm 4");
	assert_int_equal(act_judge(&req,
				 "{\"/weir/config/confirm\":{\"rows\":{\"0\":{\"done\":\"it "
				 "stays\",\"verb\":\"confirm\",\"id\":5}}}}",
				 done, sizeof(done), &err),
		EXIT_FAILED);
}

// What the instance wants to be asked again is asked only when it is the same.
static void act_repeat_is_about_the_same(void **state)
{
	char reply[400], done[640], verb[32];
	const char *form = "{\"/weir/backend\":{\"rows\":{\"0\":{\"error\":\"it is the last\","
			   "\"confirm\":\"%s\"}}}}";

	build(&(struct act_options){.yes = true}, "drain web/b0");
	snprintf(reply, sizeof(reply), form, "force_drain=web/b0");
	assert_int_equal(act_judge(&req, reply, done, sizeof(done), &err), EXIT_FAILED);
	assert_true(act_repeat(&req, verb));
	assert_string_equal(req.text, "/weir/backend,force_drain=web/b0");
	assert_string_equal(req.verb, "force_drain");
	err.text[0] = '\0';
	build(&(struct act_options){.yes = true}, "drain web/b0");
	snprintf(reply, sizeof(reply), form, "force_drain=web/b1");
	assert_int_equal(act_judge(&req, reply, done, sizeof(done), &err), EXIT_FAILED);
	assert_false(act_repeat(&req, verb));
}

static void act_words_name_every_command_once(void **state)
{
	struct act_words w, other;
	size_t n = 0;

	for (; act_words(n, &w); n++)
		for (size_t i = 0; i < n && act_words(i, &other); i++)
			assert_string_not_equal(w.name, other.name);
	assert_true(n > 15);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(act_every_command_becomes_a_request),
		cmocka_unit_test(act_rules_have_service_and_time),
		cmocka_unit_test(act_yes_says_that_it_is_meant),
		cmocka_unit_test(act_what_is_dearly_paid_is_warned_of),
		cmocka_unit_test(act_unknown_or_malformed),
		cmocka_unit_test(act_seconds_of_times),
		cmocka_unit_test(act_judge_replies),
		cmocka_unit_test(act_backends_take_their_options),
		cmocka_unit_test(act_configuration),
		cmocka_unit_test(act_judge_configuration),
		cmocka_unit_test(act_repeat_is_about_the_same),
		cmocka_unit_test(act_words_name_every_command_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
