/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <unistd.h>

#include "../../../app/weirctl/catalog.h"
#include "../../../app/weirctl/manual.h"
#include "../../../app/weirctl/options.h"

static char *text;

static void print(void (*what)(FILE *out))
{
	size_t len = 0;
	FILE *out;

	free(text);
	text = NULL;
	out = open_memstream(&text, &len);
	what(out);
	fclose(out);
}

static void manual_names_every_command_and_option(void **state)
{
	void (*const pages[])(FILE *) = {manual_usage, manual_completion};
	struct catalog_words c;
	char part[64];

	for (size_t p = 0; p < 2; p++) {
		print(pages[p]);
		for (size_t i = 0; catalog(i, &c); i++) {
			snprintf(part, sizeof(part), "%.*s", (int)strcspn(c.name, " "), c.name);
			if (strstr(text, part) == NULL)
				fail_msg("%s is missing", c.name);
		}
		for (const struct option_words *w = options_all(); w->name != NULL; w++) {
			snprintf(part, sizeof(part), "--%s", w->name);
			assert_int_equal(strstr(text, part) == NULL, w->hidden);
		}
	}
}

static void manual_page_is_mdoc(void **state)
{
	struct catalog_words c;

	print(manual_page);
	assert_non_null(strstr(text, "\n.Sh NAME\n"));
	assert_non_null(strstr(text, "\n.Sh SYNOPSIS\n"));
	assert_non_null(strstr(text, "\n.Sh EXIT STATUS\n"));
	assert_non_null(strstr(text, "\n.Sh FILES\n"));
	assert_non_null(strstr(text, "act.key"));
	assert_int_equal(strncmp(text, ".\\\" SPDX", 8), 0);
	for (size_t i = 0; catalog(i, &c); i++) {
		char item[80];

		snprintf(item, sizeof(item), ".Sy \"%s\"\n", c.name);
		if (strstr(text, item) == NULL)
			fail_msg("%s is missing", c.name);
	}
}

// The shell says what it would complete.
static void complete(const char *line, char *out, size_t len)
{
	char file[] = "/tmp/wr-completion-XXXXXX", command[600];
	int fd = mkstemp(file);
	size_t n;
	FILE *f;

	assert_true(fd >= 0);
	print(manual_completion);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	snprintf(command, sizeof(command),
		"bash -c 'compopt() { :; }; . %s; COMP_WORDS=(%s); "
		"COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _weirctl; echo \"${COMPREPLY[*]}\"' 2>&1",
		file, line);
	f = popen(command, "r");
	n = fread(out, 1, len - 1, f);
	out[n] = '\0';
	pclose(f);
	unlink(file);
}

static void manual_completion_completes(void **state)
{
	char out[2000];

	complete("weirctl dr", out, sizeof(out));
	assert_string_equal(out, "drops drain\n");
	complete("weirctl -n lb1 --json backends st", out, sizeof(out));
	assert_string_equal(out, "state=\n");
	complete("weirctl config hi", out, sizeof(out));
	assert_string_equal(out, "history\n");
	complete("weirctl ipsec t", out, sizeof(out));
	assert_string_equal(out, "tunnel=\n");
	complete("weirctl --ti", out, sizeof(out));
	assert_string_equal(out, "--timeout\n");
	complete("weirctl capture --dir i", out, sizeof(out));
	assert_string_equal(out, "in\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(manual_names_every_command_and_option),
		cmocka_unit_test(manual_page_is_mdoc),
		cmocka_unit_test(manual_completion_completes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
