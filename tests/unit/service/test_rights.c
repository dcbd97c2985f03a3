/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rights.h"

#define SOCKET "dpdk_telemetry.v2"

static void rights_need_admin_drivers(void **state)
{
	assert_true(rights_need_admin("net_af_packet"));
	assert_true(rights_need_admin("net_af_xdp"));
	assert_true(rights_need_admin("net_tap"));
	assert_true(rights_need_admin("mlx5_pci"));
	assert_false(rights_need_admin("net_memif"));
	assert_false(rights_need_admin("net_ice"));
	assert_false(rights_need_admin("sim"));
	assert_false(rights_need_admin(""));
}

static void rundir_mode_for_whom(void **state)
{
	assert_int_equal(rundir_mode(0600, false), 0700);
	assert_int_equal(rundir_mode(0640, false), 0700); // reading alone lets nobody connect
	assert_int_equal(rundir_mode(0660, false), 0750);
	assert_int_equal(rundir_mode(0666, false), 0755);
	assert_int_equal(rundir_mode(0600, true), 0701);
	assert_int_equal(rundir_mode(0660, true), 0751);
}

// --- accounts ------------------------------------------------------------------------------------

static void accounts_look_up_unknown(void **state)
{
	struct wr_conf *c = calloc(1, sizeof(*c));
	struct accounts a;
	struct wr_err err = {{0}};

	snprintf(c->file, sizeof(c->file), "t.yaml");
	strcpy(c->runtime.user, "no_such_user");
	assert_true(accounts_look_up(&a, c, &err) < 0);
	assert_non_null(strstr(err.text, "t.yaml: runtime.user: there is no user 'no_such_user'"));
	assert_non_null(strstr(err.text, "cure: useradd"));
	c->runtime.user[0] = '\0';
	for (int i = 0; i < 2; i++) {
		char *group = i == 0 ? c->runtime.socket_group : c->runtime.act_group;

		err.text[0] = '\0';
		strcpy(group, "no_such_group");
		assert_true(accounts_look_up(&a, c, &err) < 0);
		assert_non_null(strstr(err.text, i == 0 ? "runtime.socket_group" : "act_group"));
		group[0] = '\0';
	}
	free(c);
}

static void accounts_look_up_defaults(void **state)
{
	struct wr_conf *c = calloc(1, sizeof(*c));
	struct accounts a;

	assert_int_equal(accounts_look_up(&a, c, NULL), 0);
	assert_int_equal(a.uid, geteuid());
	assert_false(a.other_user);
	assert_int_equal(a.socket_gid, getegid());
	if (geteuid() == 0) {
		strcpy(c->runtime.user, "nobody");
		strcpy(c->runtime.act_group, "adm");
		assert_int_equal(accounts_look_up(&a, c, NULL), 0);
		assert_true(a.other_user);
		assert_int_equal(a.socket_gid, getpwnam("nobody")->pw_gid);
		assert_int_equal(a.act_gid, getgrnam("adm")->gr_gid);
	}
	free(c);
}

// --- the directory -------------------------------------------------------------------------------

struct place {
	char base[32], dir[48];
	struct wr_conf *c;
	struct accounts a;
};

static void make_place(struct place *p, bool with_socket)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd;

	strcpy(p->base, "/tmp/weir-test-rundir.XXXXXX");
	assert_non_null(mkdtemp(p->base));
	snprintf(p->dir, sizeof(p->dir), "%s/weir", p->base);
	assert_int_equal(mkdir(p->dir, 0700), 0);
	p->c = calloc(1, sizeof(*p->c));
	p->c->runtime.socket_mode = 0660;
	p->a = (struct accounts){
		.uid = geteuid(), .gid = getegid(), .socket_gid = getegid(), .act_gid = getegid()};
	if (!with_socket)
		return;
	assert_true((size_t)snprintf(a.sun_path, sizeof(a.sun_path), "%s/" SOCKET, p->dir) <
		    sizeof(a.sun_path));
	fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	close(fd);
}

static char *file_of(const struct place *p, const char *name)
{
	static char path[160];

	snprintf(path, sizeof(path), "%s/%s", p->dir, name);
	return path;
}

static void remove_place(struct place *p)
{
	unlink(file_of(p, SOCKET));
	unlink(file_of(p, "act.key"));
	rmdir(p->dir);
	rmdir(p->base);
	free(p->c);
}

static void rundir_give_key_and_modes(void **state)
{
	struct place p;
	struct stat st;
	char key[RIGHTS_KEY_LEN + 1], again[RIGHTS_KEY_LEN + 1], read_back[64] = "";
	FILE *f;

	make_place(&p, true);
	strcpy(p.c->runtime.act_group, "any");
	// What lay there before is no link that is followed, and no key that stays.
	assert_int_equal(symlink("/etc/hostname", file_of(&p, "act.key")), 0);
	assert_int_equal(rundir_give(p.dir, &p.a, p.c, -1, key, NULL), 0);
	assert_int_equal(strlen(key), RIGHTS_KEY_LEN);
	assert_int_equal(strspn(key, "0123456789abcdef"), RIGHTS_KEY_LEN);
	assert_int_equal(lstat(file_of(&p, "act.key"), &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(st.st_mode & 07777, 0640);
	f = fopen(file_of(&p, "act.key"), "r");
	assert_non_null(fgets(read_back, sizeof(read_back), f));
	fclose(f);
	assert_memory_equal(read_back, key, RIGHTS_KEY_LEN);
	assert_string_equal(read_back + RIGHTS_KEY_LEN, "\n");
	assert_int_equal(stat(file_of(&p, SOCKET), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0660);
	assert_int_equal(stat(p.dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
	// Each start has another key; without a group there is none.
	assert_int_equal(rundir_give(p.dir, &p.a, p.c, -1, again, NULL), 0);
	assert_string_not_equal(key, again);
	p.c->runtime.act_group[0] = '\0';
	p.c->runtime.socket_mode = 0600;
	assert_int_equal(rundir_give(p.dir, &p.a, p.c, -1, key, NULL), 0);
	assert_string_equal(key, "");
	assert_int_equal(access(file_of(&p, "act.key"), F_OK), -1);
	assert_int_equal(stat(p.dir, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	remove_place(&p);
}

static void rundir_give_no_socket(void **state)
{
	struct place p;
	struct wr_err err = {{0}};
	char key[RIGHTS_KEY_LEN + 1];

	make_place(&p, false);
	assert_true(rundir_give(p.dir, &p.a, p.c, -1, key, &err) < 0);
	assert_non_null(strstr(err.text, "the telemetry socket is not there"));
	// A link of that name is none either.
	assert_int_equal(symlink("/etc/hostname", file_of(&p, SOCKET)), 0);
	err.text[0] = '\0';
	assert_true(rundir_give(p.dir, &p.a, p.c, -1, key, &err) < 0);
	assert_non_null(strstr(err.text, "the telemetry socket is not there"));
	err.text[0] = '\0';
	assert_true(rundir_give("/nonexistent/weir", &p.a, p.c, -1, key, &err) < 0);
	assert_non_null(strstr(err.text, "/nonexistent/weir"));
	remove_place(&p);
}

static void rundir_clear_removes_the_key(void **state)
{
	struct place p;
	char key[RIGHTS_KEY_LEN + 1];

	make_place(&p, true);
	strcpy(p.c->runtime.act_group, "any");
	assert_int_equal(rundir_give(p.dir, &p.a, p.c, -1, key, NULL), 0);
	rundir_clear(p.dir);
	assert_int_equal(access(file_of(&p, "act.key"), F_OK), -1);
	rundir_clear(p.dir); // none is there
	remove_place(&p);
}

// --- capabilities, in a process of their own
// ------------------------------------------------------

static unsigned long long caps_of(pid_t tid)
{
	unsigned long long caps = 0;
	char path[64], line[256];
	FILE *in;

	snprintf(path, sizeof(path), "/proc/self/task/%d/status", (int)tid);
	in = fopen(path, "r");
	while (in != NULL && fgets(line, sizeof(line), in) != NULL)
		if (sscanf(line, "CapPrm: %llx", &caps) == 1)
			break;
	if (in != NULL)
		fclose(in);
	return caps;
}

struct thread {
	pthread_t id;
	pid_t tid;
	int pipe[2];
};

static void *wait_in_read(void *arg)
{
	struct thread *t = arg;
	char c;

	__atomic_store_n(&t->tid, gettid(), __ATOMIC_RELEASE);
	// SA_RESTART: the signal does not end it.
	return read(t->pipe[0], &c, 1) == 1 ? t : NULL;
}

static void start(struct thread *t)
{
	t->tid = 0;
	if (pipe(t->pipe) < 0 || pthread_create(&t->id, NULL, wait_in_read, t) != 0)
		_exit(10);
	while (__atomic_load_n(&t->tid, __ATOMIC_ACQUIRE) == 0)
		;
}

static bool ended_well(struct thread *t)
{
	void *back = NULL;

	return write(t->pipe[1], "x", 1) == 1 && pthread_join(t->id, &back) == 0 && back == t;
}

static int disarm_in_child(void)
{
	struct thread t[3];
	struct wr_err err = {{0}};

	for (int i = 0; i < 3; i++)
		start(&t[i]);
	if (threads_disarm(&err) != 3)
		return 1;
	for (int i = 0; i < 3; i++)
		if (caps_of(t[i].tid) != 0)
			return 2;
	if (caps_of(gettid()) == 0)
		return 3;
	if (threads_disarm(&err) != 3) // again is nothing
		return 4;
	for (int i = 0; i < 3; i++)
		if (!ended_well(&t[i]))
			return 5;
	return 0;
}

static int drop_in_child(void)
{
	struct passwd *p = getpwnam("nobody");
	struct accounts a = {.uid = p->pw_uid,
		.gid = p->pw_gid,
		.other_user = true,
		.socket_gid = getgrnam("adm")->gr_gid,
		.user = "nobody"};
	struct wr_err err = {{0}};
	struct thread t;
	gid_t groups[64];
	int n;
	bool found = false;

	start(&t);
	rights_begin();
	if (rights_drop(&a, true, &err) < 0)
		return 1;
	if (getuid() != a.uid || geteuid() != a.uid || getgid() != a.gid)
		return 2;
	if (caps_of(gettid()) != 1ULL << 12 || caps_of(t.tid) != 0)
		return 3;
	n = getgroups(64, groups);
	for (int i = 0; i < n; i++)
		found |= groups[i] == a.socket_gid;
	if (!found)
		return 4;
	if (setuid(0) == 0)
		return 5;
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1)
		return 7;
	return ended_well(&t) ? 0 : 6;
}

// Keys reach no core file, whether the user changes or not.
static int seal_in_child(void)
{
	struct passwd *p = getpwnam("nobody");
	struct accounts a = {.uid = geteuid(), .gid = getegid(), .secrets = 2};
	int status;

	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 1)
		return 1;
	rights_seal();
	rights_begin(); // leaves it as it is
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		return 2;
	prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (fork() == 0)
		_exit(rights_drop(&a, false, NULL) < 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0);
	if (wait(&status) < 0 || status != 0)
		return 3;
	a = (struct accounts){.uid = p->pw_uid,
		.gid = p->pw_gid,
		.other_user = true,
		.socket_gid = p->pw_gid,
		.secrets = 1,
		.user = "nobody"};
	if (rights_drop(&a, false, NULL) < 0)
		return 4;
	return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 5;
}

static void in_child(int (*body)(void))
{
	pid_t pid;
	int status;

	if (geteuid() != 0)
		skip();
	pid = fork();
	if (pid == 0)
		_exit(body());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void threads_disarm_all_but_one(void **state)
{
	in_child(disarm_in_child);
}

static void rights_drop_to_user(void **state)
{
	in_child(drop_in_child);
}

static void rights_drop_with_secrets(void **state)
{
	in_child(seal_in_child);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_need_admin_drivers),
		cmocka_unit_test(rundir_mode_for_whom),
		cmocka_unit_test(accounts_look_up_unknown),
		cmocka_unit_test(accounts_look_up_defaults),
		cmocka_unit_test(rundir_give_key_and_modes),
		cmocka_unit_test(rundir_give_no_socket),
		cmocka_unit_test(rundir_clear_removes_the_key),
		cmocka_unit_test(threads_disarm_all_but_one),
		cmocka_unit_test(rights_drop_to_user),
		cmocka_unit_test(rights_drop_with_secrets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
