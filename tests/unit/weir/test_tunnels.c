/* SPDX-License-Identifier: BSD-3-Clause */
#include "tunnel_files.h"

#include <errno.h>

#include "tunnels.h"

static int make(void **state)
{
	int rc = box_make(state);

	if (rc == 0)
		box_conf(*state, "  workers: [0]", BOX_NULLS);
	return rc;
}

// A key file below the box's root, as the configuration would name it.
static struct wr_conf_tunnel *add(struct box *b, const char *name, const char *text)
{
	char path[64], whole[160];

	snprintf(path, sizeof(path), "/keys/%s", name);
	if (text != NULL)
		tunnel_file(b, path, text, 0600);
	snprintf(whole, sizeof(whole), "%s%s", b->root, path);
	return tunnel_add(b, name, whole);
}

static void expect(struct box *b, bool aes, int rc, const char *const parts[4])
{
	struct wr_err err = {{0}};

	assert_int_equal(tunnels_check(b->conf, aes, &err), rc);
	for (int i = 0; i < 4 && parts[i] != NULL; i++)
		if (strstr(err.text, parts[i]) == NULL)
			fail_msg("no '%s' in '%s'", parts[i], err.text);
	for (const char *k = KEY_A KEY_B KEY_C KEY_D; strlen(k) >= 8; k++) {
		char part[9];

		snprintf(part, sizeof(part), "%.8s", k);
		if (strstr(err.text, part) != NULL)
			fail_msg("part of a key in '%s'", err.text);
	}
	assert_int_equal(tunnels_check(b->conf, aes, NULL), rc);
}
#define expect(b, aes, rc, ...) (expect)(b, aes, rc, (const char *const[4]){__VA_ARGS__})

static void check_without_tunnels(void **state)
{
	expect(*state, false, 0, NULL);
}

static void check_good(void **state)
{
	struct box *b = *state;

	add(b, "dc1", PAIR("256", "300"));
	add(b, "dc2", OTHER_PAIR("257", "256")); // of other directions
	expect(b, true, 0, NULL);
}

static void check_without_aes(void **state)
{
	struct box *b = *state;

	add(b, "dc1", PAIR("256", "257"));
	expect(b, false, -ENOTSUP, "box.yaml:10: tunnel dc1: this CPU has no AES", "cure: ");
	tunnels_cpu(); // of this box, whatever it is
}

static void check_key_file(void **state)
{
	struct box *b = *state;
	struct wr_conf_tunnel *t;

	add(b, "dc1", PAIR("256", "257"));
	t = add(b, "dc2", NULL);
	expect(b, true, -ENOENT, "box.yaml:20: tunnel dc2: /tmp/wr-doctor-",
		"/keys/dc2: ", "No such file");
	tunnel_file(b, "/keys/dc2", OTHER_PAIR("300", "301"), 0644);
	expect(b, true, -EACCES, "box.yaml:20: tunnel dc2: ", "mode 0644", "cure: chmod 600 ");
	tunnel_file(b, "/keys/dc2", "# none\n0 in 300 1234\n", 0600);
	expect(b, true, -EINVAL, "box.yaml:20: tunnel dc2: ", "/keys/dc2:2: ", "takes 40 hex");
	// As many as there are workers.
	tunnel_file(b, "/keys/dc2", OTHER_PAIR("300", "301"), 0600);
	expect(b, true, 0, NULL);
	b->conf->runtime.worker_count = 2;
	expect(b, true, -EINVAL, "tunnel dc1: ", "worker 1 has no line");
	b->conf->runtime.worker_count = 1;
	t->cipher = WR_CONF_CIPHER_AES_CBC_128_SHA256;
	expect(b, true, -EINVAL, "tunnel dc2: ", "aes-cbc-128-sha256 takes 5");
}

static void check_clash_of_arriving(void **state)
{
	struct box *b = *state;

	add(b, "dc1", PAIR("256", "257"));
	add(b, "dc2", OTHER_PAIR("300", "301"));
	add(b, "dc3", "#\n#\n" PAIR("0x100", "302"));
	expect(b, true, -EINVAL, "box.yaml:30: tunnel dc3: ", "/keys/dc3:3: SPI 0x100 arrives for",
		"for tunnel dc1 too (line 10 of box.yaml, ", "/keys/dc1:1)");
}

// The far end tells what it receives apart, whoever sent it.
static void check_clash_of_sent(void **state)
{
	struct box *b = *state;
	struct wr_conf_tunnel *t[2] = {
		add(b, "dc1", PAIR("256", "257")), add(b, "dc2", "#\n" OTHER_PAIR("300", "257"))};

	for (int i = 0; i < 2; i++)
		assert_int_equal(wr_addr_parse("198.18.9.1", &t[i]->remote), 0);
	expect(b, true, -EINVAL, "box.yaml:20: tunnel dc2: ",
		"/keys/dc2:3: SPI 0x101 is sent to 198.18.9.1 by tunnel dc1 too (line 10 of ",
		"/keys/dc1:2)", "cure: another SPI");
	assert_int_equal(wr_addr_parse("2001:db8::9", &t[1]->remote), 0);
	expect(b, true, 0, NULL);
	assert_int_equal(wr_addr_parse("2001:db8::9", &t[0]->remote), 0);
	expect(b, true, -EINVAL, "SPI 0x101 is sent to 2001:db8::9 by tunnel dc1 too");
}

static void check_clash_of_keys(void **state)
{
	struct box *b = *state;

	add(b, "dc1", PAIR("256", "257"));
	add(b, "dc2", "\n" LINES("300", KEY_B, "301", KEY_C));
	expect(b, true, -EINVAL, "box.yaml:20: tunnel dc2: ",
		"/keys/dc2:2: KEY is that of tunnel dc1 too (line 10 of box.yaml, ", "/keys/dc1:2)",
		"cure: a random key");
	tunnel_file(b, "/keys/dc2", LINES("300", KEY_D, "301", KEY_B), 0600);
	expect(b, true, -EINVAL, "/keys/dc2:2: KEY is that of tunnel dc1 too");
	tunnel_file(b, "/keys/dc2", LINES("300", KEY_D, "301", KEY_C), 0600);
	expect(b, true, 0, NULL);
}

static void check_user(void **state)
{
	struct box *b = *state;

	if (geteuid() != 0)
		skip();
	add(b, "dc1", PAIR("256", "257"));
	assert_int_equal(chown(b->conf->tunnels[0].keys, 65534, 65534), 0);
	expect(b, true, -EACCES, "belongs to user 65534");
	strcpy(b->conf->runtime.user, "nobody");
	expect(b, true, 0, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(check_without_tunnels, make, box_drop),
		cmocka_unit_test_setup_teardown(check_good, make, box_drop),
		cmocka_unit_test_setup_teardown(check_without_aes, make, box_drop),
		cmocka_unit_test_setup_teardown(check_key_file, make, box_drop),
		cmocka_unit_test_setup_teardown(check_clash_of_arriving, make, box_drop),
		cmocka_unit_test_setup_teardown(check_clash_of_sent, make, box_drop),
		cmocka_unit_test_setup_teardown(check_clash_of_keys, make, box_drop),
		cmocka_unit_test_setup_teardown(check_user, make, box_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
