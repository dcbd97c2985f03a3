/* SPDX-License-Identifier: BSD-3-Clause */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <yaml.h>

#include "port_priv.h"
#include "wr_version.h"

enum field_kind {
	FIELD_TEXT,
	FIELD_U16,
	FIELD_U32,
	FIELD_BOOL,
	FIELD_YES, // yes or no: what was done, where a bool says what is
};

// The format of a profile: one row a key.
struct field {
	const char *key;
	enum field_kind kind;
	bool required;
	size_t offset;
	uint32_t min, max; // of a number; of a text, max is the buffer's size
};

#define AT(m)   offsetof(struct wr_driver_profile, m)
#define SIZE(m) sizeof(((struct wr_driver_profile *)0)->m)

static const struct field fields[] = {
	{"driver", FIELD_TEXT, true, AT(driver), 0, SIZE(driver)},
	{"summary", FIELD_TEXT, true, AT(summary), 0, SIZE(summary)},
	{"kernel_driver", FIELD_TEXT, false, AT(kernel_driver), 0, SIZE(kernel_driver)},
	{"native_driver", FIELD_TEXT, false, AT(native_driver), 0, SIZE(native_driver)},
	{"pci_ids", FIELD_TEXT, false, AT(pci_ids), 0, SIZE(pci_ids)},
	{"devargs", FIELD_TEXT, false, AT(devargs), 0, SIZE(devargs)},
	{"rx_queues_max", FIELD_U16, true, AT(rx_queues_max), 1, 1024},
	{"tx_queues_max", FIELD_U16, true, AT(tx_queues_max), 1, 1024},
	{"rx_desc", FIELD_U16, true, AT(rx_desc), 32, 32768},
	{"tx_desc", FIELD_U16, true, AT(tx_desc), 32, 32768},
	{"mtu_max", FIELD_U32, true, AT(mtu_max), 1280, WR_MAX_FRAME - WR_PORT_L2_OVERHEAD},
	{"rss", FIELD_BOOL, true, AT(rss), 0, 0},
	{"rss_key_len", FIELD_U16, false, AT(rss_key_len), 40, 52},
	{"rss_reta_len", FIELD_U16, false, AT(rss_reta_len), 4, 2048},
	{"multi_segs", FIELD_BOOL, true, AT(multi_segs), 0, 0},
	{"tested", FIELD_YES, true, AT(tested), 0, 0},
	{"quirks", FIELD_TEXT, false, AT(quirks), 0, SIZE(quirks)},
};

// Of the tree, for a program that runs where it was built.
static const char *built_in_dir(void)
{
	const char *build = WR_BUILD_DIR "/";
	char exe[512];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe));

	if (WR_BUILD_DIR[0] != '\0' && n > (ssize_t)strlen(build) &&
		strncmp(exe, build, strlen(build)) == 0)
		return WR_TREE_DIR "/drivers-config";
	return WR_DRIVERS_CONFIG_DIR;
}

const char *wr_port_profiles_dir(const char *dir)
{
	const char *env = getenv("WEIR_DRIVERS_CONFIG");

	if (dir != NULL)
		return dir;
	return env != NULL && env[0] != '\0' ? env : built_in_dir();
}

bool wr_port_profile_for_device(const char *dir, const char *device, char *driver, size_t len)
{
	char path[512];

	for (size_t n = strlen(device); n > 0; n--) {
		snprintf(path, sizeof(path), "%s/%.*s.yaml", wr_port_profiles_dir(dir), (int)n,
			device);
		if (access(path, F_OK) == 0 && n < len) {
			snprintf(driver, len, "%.*s", (int)n, device);
			return true;
		}
	}
	return false;
}

static const struct field *field_lookup(const char *key)
{
	for (size_t i = 0; i < RTE_DIM(fields); i++)
		if (strcmp(fields[i].key, key) == 0)
			return &fields[i];
	return NULL;
}

static int set_number(void *to, const struct field *f, const char *text, struct wr_err *err)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || v < f->min ||
		v > f->max)
		return wr_err_set(err, EINVAL, "%s: '%s' is not a number from %u to %u", f->key,
			text, f->min, f->max);
	if (f->kind == FIELD_U16)
		*(uint16_t *)to = (uint16_t)v;
	else
		*(uint32_t *)to = (uint32_t)v;
	return 0;
}

static int set_field(
	struct wr_driver_profile *out, const struct field *f, const char *text, struct wr_err *err)
{
	void *to = (char *)out + f->offset;

	switch (f->kind) {
	case FIELD_TEXT:
		if (strlen(text) >= f->max)
			return wr_err_set(err, EINVAL, "%s: %zu characters, at most %u fit", f->key,
				strlen(text), f->max - 1);
		strcpy(to, text);
		return 0;
	case FIELD_BOOL:
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return wr_err_set(
				err, EINVAL, "%s: '%s' is neither true nor false", f->key, text);
		*(bool *)to = text[0] == 't';
		return 0;
	case FIELD_YES:
		if (strcmp(text, "yes") != 0 && strcmp(text, "no") != 0)
			return wr_err_set(
				err, EINVAL, "%s: '%s' is neither yes nor no", f->key, text);
		*(bool *)to = text[0] == 'y';
		return 0;
	default:
		return set_number(to, f, text, err);
	}
}

static int read_pair(yaml_document_t *doc, const yaml_node_pair_t *pair, uint32_t *seen,
	struct wr_driver_profile *out, struct wr_err *err)
{
	const yaml_node_t *k = yaml_document_get_node(doc, pair->key);
	const yaml_node_t *v = yaml_document_get_node(doc, pair->value);
	const struct field *f;
	uint32_t bit;
	int rc;

	if (k->type != YAML_SCALAR_NODE)
		return wr_err_set(err, EINVAL, "line %zu: a key must be a plain word",
			k->start_mark.line + 1);
	f = field_lookup((const char *)k->data.scalar.value);
	if (f == NULL)
		rc = wr_err_set(err, EINVAL, "%s: unknown key; README.md there lists what is known",
			(const char *)k->data.scalar.value);
	else if (v->type != YAML_SCALAR_NODE)
		rc = wr_err_set(
			err, EINVAL, "%s: one value expected, not a list or a mapping", f->key);
	else if (*seen & (bit = 1U << (f - fields)))
		rc = wr_err_set(err, EINVAL, "%s: given twice", f->key);
	else {
		*seen |= bit;
		rc = set_field(out, f, (const char *)v->data.scalar.value, err);
	}
	if (rc < 0)
		wr_err_prefix(err, "line %zu", k->start_mark.line + 1);
	return rc;
}

static int read_mapping(yaml_document_t *doc, struct wr_driver_profile *out, struct wr_err *err)
{
	const yaml_node_t *root = yaml_document_get_root_node(doc);
	uint32_t seen = 0;

	if (root == NULL || root->type != YAML_MAPPING_NODE)
		return wr_err_set(err, EINVAL, "line 1: 'key: value' lines expected");
	for (const yaml_node_pair_t *pair = root->data.mapping.pairs.start;
		pair < root->data.mapping.pairs.top; pair++) {
		int rc = read_pair(doc, pair, &seen, out, err);

		if (rc < 0)
			return rc;
	}
	for (size_t i = 0; i < RTE_DIM(fields); i++)
		if (fields[i].required && (seen & (1U << i)) == 0)
			return wr_err_set(err, EINVAL, "the key %s is missing", fields[i].key);
	return 0;
}

static int read_stream(FILE *in, struct wr_driver_profile *out, struct wr_err *err)
{
	yaml_parser_t parser;
	yaml_document_t doc;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return wr_err_set(err, ENOMEM, "no memory for the YAML parser");
	yaml_parser_set_input_file(&parser, in);
	if (yaml_parser_load(&parser, &doc)) {
		rc = read_mapping(&doc, out, err);
		yaml_document_delete(&doc);
	} else {
		rc = wr_err_set(err, EINVAL, "line %zu: not YAML: %s", parser.problem_mark.line + 1,
			parser.problem != NULL ? parser.problem : "unreadable");
	}
	yaml_parser_delete(&parser);
	return rc;
}

int wr_driver_profile_load(
	const char *dir, const char *driver, struct wr_driver_profile *out, struct wr_err *err)
{
	char path[512];
	FILE *in;
	int rc;

	memset(out, 0, sizeof(*out));
	snprintf(path, sizeof(path), "%s/%s.yaml", wr_port_profiles_dir(dir), driver);
	in = fopen(path, "re");
	if (in == NULL)
		return wr_err_set(err, errno, "%s: %s; a driver's profile is expected there", path,
			strerror(errno));
	rc = read_stream(in, out, err);
	fclose(in);
	if (rc == 0 && strcmp(out->driver, driver) != 0)
		rc = wr_err_set(err, EINVAL,
			"driver: '%s' does not match the file's name; '%s' would", out->driver,
			driver);
	if (rc < 0)
		wr_err_prefix(err, "%s", path);
	return rc;
}

static bool has_pci_id(const char *list, uint16_t vendor, uint16_t device)
{
	char want[16], whole[16];

	snprintf(want, sizeof(want), "%04x:%04x", vendor, device);
	snprintf(whole, sizeof(whole), "%04x:*", vendor);
	for (const char *at = list; *at != '\0'; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");

		if ((n == strlen(want) && strncasecmp(at, want, n) == 0) ||
			(n == strlen(whole) && strncasecmp(at, whole, n) == 0))
			return true;
		at += n;
	}
	return false;
}

int wr_driver_profile_find_pci(const char *dir, uint16_t vendor, uint16_t device,
	struct wr_driver_profile *out, struct wr_err *err)
{
	DIR *list = opendir(wr_port_profiles_dir(dir));
	struct dirent *e;
	int rc = -ENOENT;

	if (list == NULL)
		return wr_err_set(err, errno, "%s: %s", wr_port_profiles_dir(dir), strerror(errno));
	while (rc == -ENOENT && (e = readdir(list)) != NULL) {
		const char *dot = strstr(e->d_name, ".yaml");
		char driver[WR_NAME_LEN];

		if (dot == NULL || dot[5] != '\0' || (size_t)(dot - e->d_name) >= sizeof(driver))
			continue;
		snprintf(driver, sizeof(driver), "%.*s", (int)(dot - e->d_name), e->d_name);
		rc = wr_driver_profile_load(dir, driver, out, err);
		if (rc == 0 && !has_pci_id(out->pci_ids, vendor, device))
			rc = -ENOENT;
	}
	closedir(list);
	if (rc == -ENOENT) {
		memset(out, 0, sizeof(*out));
		return wr_err_set(err, ENOENT, "no profile in %s names the PCI ids %04x:%04x",
			wr_port_profiles_dir(dir), vendor, device);
	}
	return rc;
}
