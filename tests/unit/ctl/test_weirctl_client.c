/* SPDX-License-Identifier: BSD-3-Clause */
#include "wr_test.h"

#include <pthread.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "../../../app/weirctl/client.h"
#include "../../../app/weirctl/explain.h"
#include "../../../app/weirctl/instance.h"

// A server that answers as DPDK does, from a list of replies: one connection a reply.

#define HELLO "{\"version\":\"DPDK 22.11\",\"pid\":1,\"max_output_len\":16384}"

enum mood {
	ANSWERS,
	CLOSES,       // the eleventh client
	SAYS_NOTHING, // not even hello
	HANGS,        // after hello
	DIES,         // after the request
};

struct server {
	enum mood mood;
	const char *const *replies; // ended by NULL
	char requests[8][256];
	unsigned int asked;
	int listener;
	int quit[2]; // closed when the client is through
	pthread_t thread;
	char dir[64];
};

static void serve_one(struct server *s, int fd)
{
	char request[1024];
	ssize_t n;

	if (s->mood == CLOSES)
		return;
	if (s->mood != SAYS_NOTHING) {
		send(fd, HELLO, strlen(HELLO), MSG_NOSIGNAL);
		n = recv(fd, request, sizeof(request) - 1, 0);
		if (n <= 0 || s->mood == DIES)
			return;
		request[n] = '\0';
		snprintf(s->requests[s->asked % 8], sizeof(s->requests[0]), "%.255s", request);
		if (s->mood == ANSWERS && s->replies[s->asked] != NULL) {
			send(fd, s->replies[s->asked], strlen(s->replies[s->asked]), MSG_NOSIGNAL);
			s->asked++;
			return;
		}
	}
	// Until the test is over.
	n = read(s->quit[0], request, 1);
}

static void *serve(void *arg)
{
	struct server *s = arg;

	for (;;) {
		int fd = accept(s->listener, NULL, NULL);

		if (fd < 0)
			return NULL;
		serve_one(s, fd);
		close(fd);
	}
}

static void start(struct server *s, enum mood mood, const char *const *replies)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	char path[128];

	*s = (struct server){.mood = mood, .replies = replies, .dir = "/tmp/wr-client-XXXXXX"};
	assert_non_null(mkdtemp(s->dir));
	snprintf(path, sizeof(path), "%s/dpdk", s->dir);
	mkdir(path, 0700);
	snprintf(path, sizeof(path), "%s/dpdk/lb1", s->dir);
	mkdir(path, 0700);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/dpdk/lb1/dpdk_telemetry.v2", s->dir);
	s->listener = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(s->listener, 4), 0);
	assert_int_equal(pipe(s->quit), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void stop(struct server *s)
{
	char path[128];

	close(s->quit[1]);
	shutdown(s->listener, SHUT_RDWR);
	pthread_join(s->thread, NULL);
	close(s->listener);
	close(s->quit[0]);
	snprintf(path, sizeof(path), "%s/dpdk/lb1/dpdk_telemetry.v2", s->dir);
	unlink(path);
	snprintf(path, sizeof(path), "%s/dpdk/lb1", s->dir);
	rmdir(path);
	snprintf(path, sizeof(path), "%s/dpdk", s->dir);
	rmdir(path);
	rmdir(s->dir);
}

static struct client client_of(const struct server *s)
{
	return (struct client){.name = "lb1", .dir = s->dir, .timeout_ms = 5000};
}

static struct wr_err err;
static json_t *rows;
static uint64_t total;
static int more;

static int fetch(const struct client *c, const char *params)
{
	memset(&err, 0, sizeof(err));
	return client_fetch(c, "/weir/backends", params, &rows, &total, &more, NULL, &err);
}

static void client_fetch_follows_pages(void **state)
{
	static const char *const replies[] = {
		"{\"/weir/backends\":{\"next\":2,\"total\":3,\"rows\":{\"1\":{\"name\":\"b2\"},"
		"\"0\":{\"name\":\"b1\"}}}}",
		"{\"/weir/backends\":{\"next\":0,\"total\":3,\"rows\":{\"0\":{\"name\":\"b3\"}}}}",
		NULL,
	};
	struct server s;
	struct client c;

	start(&s, ANSWERS, replies);
	c = client_of(&s);
	assert_int_equal(fetch(&c, "pool=web"), EXIT_OK);
	assert_int_equal(total, 3);
	assert_int_equal(more, 0);
	assert_int_equal(json_array_size(rows), 3);
	assert_string_equal(client_str(json_array_get(rows, 0), "name"), "b1");
	assert_string_equal(client_str(json_array_get(rows, 1), "name"), "b2");
	assert_string_equal(client_str(json_array_get(rows, 2), "name"), "b3");
	json_decref(rows);
	stop(&s);
	assert_string_equal(s.requests[0], "/weir/backends,0,pool=web");
	assert_string_equal(s.requests[1], "/weir/backends,2,pool=web");
}

static void client_fetch_stops_at_the_limit(void **state)
{
	static const char *const replies[] = {
		"{\"/weir/backends\":{\"next\":1,\"total\":9,\"rows\":{\"0\":{\"name\":\"b1\"}}}}",
		NULL,
	};
	struct server s;
	struct client c;

	start(&s, ANSWERS, replies);
	c = client_of(&s);
	c.limit = 1;
	assert_int_equal(fetch(&c, ""), EXIT_OK);
	assert_int_equal(more, 1);
	assert_int_equal(json_array_size(rows), 1);
	json_decref(rows);
	stop(&s);
	assert_int_equal(s.asked, 1);
	assert_string_equal(s.requests[0], "/weir/backends,0");
}

static void client_fetch_error_row(void **state)
{
	static const char *const replies[] = {
		"{\"/weir/backends\":{\"next\":0,\"total\":1,\"rows\":{\"0\":{\"error\":\"no pool "
		"\",\"error_2\":\"'x'\",\"remedy\":\"see pools\"}}}}",
		NULL,
	};
	struct server s;
	struct client c;

	start(&s, ANSWERS, replies);
	c = client_of(&s);
	assert_int_equal(fetch(&c, "pool=x"), EXIT_FAILED);
	assert_string_equal(err.text, "no pool 'x' (see pools)");
	json_decref(rows);
	stop(&s);
}

static void client_fetch_cursor_that_comes_again(void **state)
{
	static const char *const replies[] = {
		"{\"/weir/backends\":{\"next\":4,\"total\":9,\"rows\":{}}}",
		"{\"/weir/backends\":{\"next\":4,\"total\":9,\"rows\":{}}}",
		NULL,
	};
	struct server s;
	struct client c;

	start(&s, ANSWERS, replies);
	c = client_of(&s);
	assert_int_equal(fetch(&c, ""), EXIT_FAILED);
	assert_non_null(strstr(err.text, "does not end"));
	json_decref(rows);
	stop(&s);
}

static void client_fetch_unknown_command(void **state)
{
	static const char *const replies[] = {"{\"/weir/backends\":null}", "{\"cut", NULL};
	struct server s;
	struct client c;

	start(&s, ANSWERS, replies);
	c = client_of(&s);
	assert_int_equal(fetch(&c, ""), EXIT_FAILED);
	assert_non_null(strstr(err.text, "does not know /weir/backends"));
	json_decref(rows);
	assert_int_equal(fetch(&c, ""), EXIT_FAILED);
	assert_non_null(strstr(err.text, "not JSON"));
	json_decref(rows);
	stop(&s);
}

static int ask_in_mood(enum mood mood, uint32_t timeout_ms)
{
	static const char *const none[] = {NULL};
	static char reply[CLIENT_REPLY_MAX];
	struct server s;
	struct client c;
	int rc;

	start(&s, mood, none);
	c = client_of(&s);
	c.timeout_ms = timeout_ms;
	memset(&err, 0, sizeof(err));
	rc = client_ask(&c, "/weir/status", reply, &err);
	stop(&s);
	return rc;
}

static void client_ask_ten_clients_taken(void **state)
{
	assert_int_equal(ask_in_mood(CLOSES, 5000), EXIT_REACH);
	assert_non_null(strstr(err.text, "ten clients"));
}

static void client_ask_no_greeting(void **state)
{
	assert_int_equal(ask_in_mood(SAYS_NOTHING, 50), EXIT_REACH);
	assert_non_null(strstr(err.text, "did not answer the greeting within 50 ms"));
}

static void client_ask_no_answer(void **state)
{
	assert_int_equal(ask_in_mood(HANGS, 50), EXIT_REACH);
	assert_non_null(strstr(err.text, "did not answer /weir/status within 50 ms"));
}

static void client_ask_instance_dies(void **state)
{
	assert_int_equal(ask_in_mood(DIES, 5000), EXIT_REACH);
	assert_non_null(strstr(err.text, "ended while it was asked"));
}

static void client_ask_no_such_instance_lists_others(void **state)
{
	static const char *const none[] = {NULL};
	static char reply[CLIENT_REPLY_MAX];
	struct server s;
	struct client c;

	start(&s, ANSWERS, none);
	c = client_of(&s);
	c.name = "lb2";
	memset(&err, 0, sizeof(err));
	assert_int_equal(client_ask(&c, "/weir/status", reply, &err), EXIT_REACH);
	assert_non_null(strstr(err.text, "no instance 'lb2'"));
	assert_non_null(strstr(err.text, "found: lb1"));
	stop(&s);
}

static void client_ask_too_long(void **state)
{
	static char reply[CLIENT_REPLY_MAX];
	struct client c = {.name = "x", .dir = "/nonexistent", .timeout_ms = 50};
	char request[1100];

	memset(request, 'a', sizeof(request));
	request[1024] = '\0';
	memset(&err, 0, sizeof(err));
	assert_int_equal(client_ask(&c, request, reply, &err), EXIT_FAILED);
}

static void instance_socket_follows_the_environment(void **state)
{
	char buf[INSTANCE_PATH_LEN];

	setenv("RUNTIME_DIRECTORY", "/nonexistent/run", 1);
	assert_string_equal(instance_socket(NULL, "lb9", buf, sizeof(buf)),
		"/nonexistent/run/dpdk/lb9/dpdk_telemetry.v2");
	unsetenv("RUNTIME_DIRECTORY");
	if (getuid() == 0)
		assert_string_equal(instance_socket(NULL, "no-such-lb9", buf, sizeof(buf)),
			"/var/run/dpdk/no-such-lb9/dpdk_telemetry.v2");
	assert_string_equal(
		instance_socket("/x", "lb9", buf, sizeof(buf)), "/x/dpdk/lb9/dpdk_telemetry.v2");
	assert_string_equal(instance_list("/nonexistent", buf, sizeof(buf)), "");
}

static const char *explained(const char *name, unsigned int *n)
{
	static char text[65536];
	FILE *out = fmemopen(text, sizeof(text), "w");

	*n = explain_print(out, name);
	fclose(out);
	return text;
}

static void explain_name_exact_and_part(void **state)
{
	unsigned int n;
	const char *text = explained("works_queue_full", &n);

	// A counter and an event share the name.
	assert_int_equal(n, 2);
	assert_non_null(strstr(text, "event works_queue_full\n"));
	assert_non_null(strstr(text, "\n  do first: weirctl queues: "));
	assert_non_null(strstr(text, "counter works_queue_full\n"));
	text = explained("conn_pool_full", &n);
	assert_int_equal(n, 1);
	assert_non_null(strstr(text, "drop reason conn_pool_full (warn"));
	text = explained("pool_ful", &n);
	assert_true(n >= 2);
	assert_non_null(strstr(text, "drop reason session_pool_full"));
	text = explained("P4", &n);
	assert_int_equal(n, 1);
	assert_non_null(strstr(text, "term P4\n  critical"));
	explained("syn_hold_timeout", &n);
	assert_int_equal(n, 1);
	explained("pending_wait", &n);
	assert_int_equal(n, 1);
	explained("nonsense", &n);
	assert_int_equal(n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(client_fetch_follows_pages),
		cmocka_unit_test(client_fetch_stops_at_the_limit),
		cmocka_unit_test(client_fetch_error_row),
		cmocka_unit_test(client_fetch_cursor_that_comes_again),
		cmocka_unit_test(client_fetch_unknown_command),
		cmocka_unit_test(client_ask_ten_clients_taken),
		cmocka_unit_test(client_ask_no_greeting),
		cmocka_unit_test(client_ask_no_answer),
		cmocka_unit_test(client_ask_instance_dies),
		cmocka_unit_test(client_ask_no_such_instance_lists_others),
		cmocka_unit_test(client_ask_too_long),
		cmocka_unit_test(instance_socket_follows_the_environment),
		cmocka_unit_test(explain_name_exact_and_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
