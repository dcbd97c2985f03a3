/* SPDX-License-Identifier: BSD-3-Clause */
#include "conf_test.h"

static void refused(const char *runtime, const char *sentence)
{
	char text[256];

	snprintf(text, sizeof(text), "runtime: {workers: 1, %s}\n", runtime);
	conf_refused((struct conf_parts){.runtime = text}, sentence);
}

static void log_refused(const char *log, const char *sentence)
{
	char text[256];

	snprintf(text, sizeof(text), "log: {%s}\n", log);
	conf_refused((struct conf_parts){.more = text}, sentence);
}

static void check_runtime_defaults(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){.runtime = ""});

	assert_string_equal(c->runtime.user, "");
	assert_string_equal(c->runtime.socket_group, "");
	assert_string_equal(c->runtime.act_group, "");
	assert_int_equal(c->runtime.socket_mode, 0660);
	assert_int_equal(c->log.to, WR_CONF_LOG_NONE);
	assert_string_equal(c->log.file, "");
	assert_int_equal(c->log.rate, 1000);
	assert_true(c->services[0].log);
	assert_int_equal(c->services[0].header_us, 3000000);
	wr_conf_free(c);
}

static void check_runtime_accounts(void **state)
{
	struct wr_conf *c = conf_take((struct conf_parts){
		.runtime = "runtime: {workers: 1, user: _weir, socket_group: adm, act_group: "
			   "op-1, socket_mode: 0640}\n"});

	assert_string_equal(c->runtime.user, "_weir");
	assert_string_equal(c->runtime.socket_group, "adm");
	assert_string_equal(c->runtime.act_group, "op-1");
	assert_int_equal(c->runtime.socket_mode, 0640);
	wr_conf_free(c);
	refused("user: 1000", "t.yaml:1: runtime.user: value '1000' is a number; right would be a "
			      "name, as in /etc/passwd");
	refused("socket_group: 0", "runtime.socket_group: value '0' is a number; right would be a "
				   "name, as in /etc/group");
	refused("act_group: 7", "runtime.act_group: value '7' is a number");
	refused("user: a/b", "runtime.user: value 'a/b' has a character that no name may have");
	refused("user: a23456789012345678901234567890123", "is too long");
}

static void check_runtime_mode(void **state)
{
	refused("socket_mode: \"0460\"",
		"t.yaml:1: runtime.socket_mode: value '0460' takes reading or writing from the "
		"socket's owner; right would be \"0660\"");
	refused("socket_mode: 1777", "runtime.socket_mode: value '1777' is too large; right would "
				     "be an octal number from \"0000\" to \"0777\"");
	refused("socket_mode: 668", "is not an octal number");
	refused("socket_mode: rw", "is not an octal number");
}

static void check_runtime_log(void **state)
{
	log_refused("to: file", "t.yaml:1: log.to: value 'file' needs log.file");
	log_refused("to: journal, file: /a",
		"log.file: value '/a' is given, and log.to is 'journal'; right would be to: file");
	log_refused("file: /a", "log.file: value '/a' is given, and log.to is 'none'");
	log_refused("to: file, file: a/b",
		"log.file: value 'a/b' is not the absolute path of a file; right would be such as");
	log_refused("to: file, file: /a/", "is not the absolute path of a file");
	log_refused("rate: 0", "log.rate: value '0' is too small");
	conf_good((struct conf_parts){.more = "log: {to: file, file: /a, rate: 1M}\n"});
	conf_good((struct conf_parts){.more = "log: {to: journal}\n"});
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(check_runtime_defaults),
		cmocka_unit_test(check_runtime_accounts),
		cmocka_unit_test(check_runtime_mode),
		cmocka_unit_test(check_runtime_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
