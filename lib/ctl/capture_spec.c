/* SPDX-License-Identifier: BSD-3-Clause */
#include "capture_spec.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "params.h"
#include "wr_capture.h"

static int find_port(const struct wr_conf *conf, const char *name)
{
	for (uint32_t i = 0; i < conf->port_count; i++)
		if (strcmp(conf->ports[i].name, name) == 0)
			return (int)i;
	return -1;
}

static int take_number(const char *key, const char *value, uint32_t min, uint32_t max,
	uint32_t *out, struct wr_err *err)
{
	uint64_t number;

	if (wr_params_number(value, max, &number) != 0 || number < min)
		return wr_err_set(err, EINVAL, "%s is '%.32s', not a number from %u to %u", key,
			value, min, max);
	*out = (uint32_t)number;
	return 0;
}

static int take_direction(struct wr_capture_spec *s, const char *value, struct wr_err *err)
{
	s->in = strcmp(value, "out") != 0;
	s->out = strcmp(value, "in") != 0;
	if (s->in && s->out && strcmp(value, "both") != 0)
		return wr_err_set(err, EINVAL, "dir is '%.32s', not in, out or both", value);
	return 0;
}

static int take(struct wr_capture_spec *s, const char *key, const char *value,
	const struct wr_conf *conf, struct wr_err *err)
{
	if (strcmp(key, "port") == 0) {
		s->port = find_port(conf, value);
		return s->port >= 0 ? 0 : wr_err_set(err, EINVAL, "no port '%.64s'", value);
	}
	if (strcmp(key, "filter") == 0) {
		if (strlen(value) >= sizeof(s->filter))
			return wr_err_set(err, EINVAL, "the filter is longer than %zu characters",
				sizeof(s->filter) - 1);
		memcpy(s->filter, value, strlen(value) + 1);
		return 0;
	}
	if (strcmp(key, "packets") == 0)
		return take_number(key, value, 1, WR_SPEC_PACKETS_MAX, &s->packets, err);
	if (strcmp(key, "seconds") == 0)
		return take_number(key, value, 1, WR_SPEC_SECONDS_MAX, &s->seconds, err);
	if (strcmp(key, "snap") == 0)
		return take_number(key, value, 0, WR_CAPTURE_SNAP_MAX, &s->snap, err);
	if (strcmp(key, "dir") == 0)
		return take_direction(s, value, err);
	if (strcmp(key, "conn") == 0) {
		s->has_conn = true;
		return wr_params_conn_id(value, &s->worker, &s->conn) == 0
		               ? 0
		               : wr_err_set(err, EINVAL, "'%.64s' is not the id of a connection",
					 value);
	}
	return wr_err_set(err, EINVAL, "unknown key '%.32s'", key);
}

int wr_capture_spec_parse(
	struct wr_capture_spec *s, const char *text, const struct wr_conf *conf, struct wr_err *err)
{
	char buf[1024], *rest = buf, *piece;

	*s = (struct wr_capture_spec){.port = -1,
		.packets = WR_SPEC_PACKETS,
		.seconds = WR_SPEC_SECONDS,
		.in = true,
		.out = true};
	if (strlen(text) >= sizeof(buf))
		return wr_err_set(err, EINVAL, "more than %zu characters", sizeof(buf) - 1);
	memcpy(buf, text, strlen(text) + 1);
	while ((piece = strsep(&rest, ";")) != NULL) {
		char *value = strchr(piece, '=');
		int rc;

		if (piece[0] == '\0')
			continue;
		if (value == NULL)
			return wr_err_set(err, EINVAL, "'%.64s' is not key=value", piece);
		*value++ = '\0';
		rc = take(s, piece, value, conf, err);
		if (rc != 0)
			return rc;
	}
	if (s->has_conn && s->filter[0] != '\0')
		return wr_err_set(err, EINVAL, "conn makes the filter itself: give only one");
	return 0;
}

// A connection in both directions.
static int tuple_words(char *buf, size_t len, const struct wr_tuple *t)
{
	char local[WR_ADDR_STR], remote[WR_ADDR_STR];

	return snprintf(buf, len, "(host %s and tcp port %u and host %s and tcp port %u)",
		wr_addr_format(&t->local, local, sizeof(local)), t->lport,
		wr_addr_format(&t->remote, remote, sizeof(remote)), t->rport);
}

void wr_capture_spec_session(struct wr_capture_spec *s, const struct wr_session_info *info)
{
	char both[400];
	int n = tuple_words(both, sizeof(both), &info->client.tuple);

	if (info->has_server) {
		n += snprintf(both + n, sizeof(both) - (size_t)n, " or ");
		tuple_words(both + n, sizeof(both) - (size_t)n, &info->server.tuple);
	}
	// Behind "vlan" all offsets are a tag further on.
	snprintf(s->filter, sizeof(s->filter), "%s or (vlan and (%s))", both, both);
}

int wr_capture_spec_compile(
	const struct wr_capture_spec *s, struct bpf_program *out, struct wr_err *err)
{
	pcap_t *dead = pcap_open_dead(DLT_EN10MB, WR_CAPTURE_SNAP_MAX);
	int rc = 0;

	*out = (struct bpf_program){0};
	if (dead == NULL)
		return wr_err_set(err, ENOMEM, "no memory to compile the filter");
	if (pcap_compile(dead, out, s->filter, 1, PCAP_NETMASK_UNKNOWN) != 0)
		rc = wr_err_set(err, EINVAL, "filter '%.200s': %s", s->filter, pcap_geterr(dead));
	pcap_close(dead);
	return rc;
}
