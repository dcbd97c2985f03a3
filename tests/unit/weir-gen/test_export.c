/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include "run_fixture.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static double flat(json_t *o, const char *name)
{
	json_t *v = json_object_get(json_object_get(o, "flat"), name);

	if (v == NULL)
		print_message("no metric %s\n", name);
	assert_true(json_is_number(v));
	return json_number_value(v);
}

static void export_json_complete(void **state)
{
	struct fixture f;
	struct search s = {.outcome = SEARCH_FOUND, .load = 777};
	const char *key;
	json_t *o, *v, *row;

	make(&f, 2, 1, 1);
	f.now->clients[0].errors[GEN_ERROR_queue_full] = 4;
	f.now->clients[0].measured.errors[GEN_ERROR_queue_full] = 3;
	f.now->backends[0].queue_full = 4;
	whole_run(&f, 1000, 850);
	f.report->last->ep = (struct ep_counters){.syns = 12, .syns_again = 3};
	f.report->search = &s;
	o = export_json(f.report);
	json_object_foreach(json_object_get(o, "flat"), key, v)
	{
		assert_true(json_is_number(v));
		assert_int_equal(strspn(key, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
					     "0123456789"),
			strlen(key));
	}
	assert_true(flat(o, "client_web_goodput_per_s") == 1000);
	assert_true(flat(o, "goodput_per_s") == 2000); // of all
	assert_true(flat(o, "client_long___odd__name_answers") == 2000);
	assert_true(flat(o, "error_queue_full") == 4);
	assert_true(flat(o, "errors") == 3);
	assert_true(flat(o, "backend_b1_queue_full") == 4);
	assert_true(flat(o, "packets_syn_flood_sent_per_s") == 10000);
	assert_true(flat(o, "generator_bound") == 1);
	assert_true(flat(o, "generator_idle_permille") == 150);
	assert_true(flat(o, "syns_sent") == 12);
	assert_true(flat(o, "syns_sent_again") == 3);
	assert_true(flat(o, "search_load") == 777);
	assert_true(flat(o, "p50_us") > 1480 && flat(o, "p50_us") < 1530);
	assert_int_equal(json_array_size(json_object_get(o, "series")), 3 * 4);
	row = json_array_get(json_object_get(o, "series"), 4);
	assert_string_equal(json_string_value(json_object_get(row, "name")), "web");
	assert_true(json_number_value(json_object_get(row, "answers_per_s")) == 1000);
	v = json_object_get(json_array_get(json_object_get(o, "clients"), 0), "answer");
	assert_int_equal(json_integer_value(json_object_get(v, "count")), 2000);
	assert_true(json_array_size(json_object_get(v, "curve")) > 20);
	v = json_object_get(o, "run");
	assert_int_equal(json_integer_value(json_object_get(v, "seed")), 5);
	assert_int_equal(json_array_size(json_object_get(v, "verdicts")), 1);
	json_decref(o);
	unmake(&f);
}

static void export_csv_rows(void **state)
{
	struct fixture f;
	char *text = NULL, *line, *rest;
	size_t len, columns = 0, lines = 0;
	FILE *to = open_memstream(&text, &len);

	make(&f, 2, 0, 0);
	whole_run(&f, 1000, 100);
	export_csv(f.report, to);
	fclose(to);
	rest = text;
	while ((line = strsep(&rest, "\n")) != NULL && line[0]) {
		size_t n = 1;
		bool quoted = false;

		for (char *c = line; *c; c++) {
			quoted ^= *c == '"';
			n += *c == ',' && !quoted;
		}
		if (lines++ == 0)
			columns = n;
		assert_int_equal(n, columns);
	}
	assert_int_equal(lines, 1 + 3 * 2);
	free(text);
	unmake(&f);
}

static void export_files(void **state)
{
	char dir[] = "/tmp/gen-report-XXXXXX", path[128];
	struct fixture f;
	struct wr_err err = {""};
	struct rlimit limit;
	struct stat st;
	FILE *old;
	json_t *o;
	int rc;

	assert_non_null(mkdtemp(dir));
	make(&f, 1, 0, 0);
	whole_run(&f, 1000, 100);
	assert_int_equal(export_write(f.report, &err), 0); // none asked for
	snprintf(f.conf.json, sizeof(f.conf.json), "%s/r.json", dir);
	snprintf(f.conf.csv, sizeof(f.conf.csv), "%s/r.csv", dir);
	assert_int_equal(export_write(f.report, &err), 0);
	assert_int_equal(export_write(f.report, &err), 0); // over what is there
	o = json_load_file(f.conf.json, 0, NULL);
	assert_non_null(o);
	json_decref(o);
	assert_int_equal(stat(f.conf.csv, &st), 0);
	assert_true(st.st_size > 500);
	unlink(f.conf.json);
	unlink(f.conf.csv);
	// A folder in the way: refused, and nothing is left beside it.
	snprintf(path, sizeof(path), "%s/r.json", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_true(export_write(f.report, &err) < 0);
	assert_non_null(strstr(err.text, path));
	assert_int_equal(stat(f.conf.csv, &st), 0); // the other is written all the same
	unlink(f.conf.csv);
	rmdir(path);
	err.text[0] = '\0';
	strcpy(f.conf.json, "/nowhere/at/all.json");
	f.conf.csv[0] = '\0';
	assert_int_equal(export_write(f.report, &err), -ENOENT);
	assert_string_equal(
		err.text, "cannot write /nowhere/at/all.json: No such file or directory");
	err.text[0] = '\0';
	strcpy(f.conf.json, "/dev/full"); // no ordinary file: written in place
	assert_int_equal(export_write(f.report, &err), -ENOSPC);
	assert_int_equal(stat("/dev/full", &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	// A disk that is full half way: what was there before stays, and nothing is left beside it.
	err.text[0] = '\0';
	snprintf(f.conf.json, sizeof(f.conf.json), "%s/r.json", dir);
	old = fopen(f.conf.json, "w");
	fputs("before", old);
	fclose(old);
	getrlimit(RLIMIT_FSIZE, &limit);
	signal(SIGXFSZ, SIG_IGN);
	setrlimit(RLIMIT_FSIZE, &(struct rlimit){.rlim_cur = 100, .rlim_max = limit.rlim_max});
	rc = export_write(f.report, &err);
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(rc, -EFBIG);
	assert_non_null(strstr(err.text, strerror(EFBIG)));
	assert_int_equal(stat(f.conf.json, &st), 0);
	assert_int_equal(st.st_size, 6);
	unlink(f.conf.json);
	unmake(&f);
	assert_int_equal(rmdir(dir), 0); // nothing beside
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(export_json_complete),
		cmocka_unit_test(export_csv_rows),
		cmocka_unit_test(export_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
