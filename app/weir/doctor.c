/* SPDX-License-Identifier: BSD-3-Clause */

// Findings: collected, printed.

#include "doctor_priv.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

static const char *const words[] = {"pass", "warn", "FAIL"};

void doctor_say(struct doctor *d, enum doctor_level level, const char *topic, const char *fmt, ...)
{
	struct doctor_finding *f;
	va_list ap;

	if (d->count == d->capacity) {
		uint32_t more = d->capacity + 64;
		struct doctor_finding *list = realloc(d->findings, more * sizeof(*list));

		if (list == NULL)
			abort(); // a program of one shot, with nothing to lose
		d->findings = list;
		d->capacity = more;
	}
	f = &d->findings[d->count++];
	memset(f, 0, sizeof(*f));
	f->level = level;
	snprintf(f->topic, sizeof(f->topic), "%s", topic);
	va_start(ap, fmt);
	vsnprintf(f->found, sizeof(f->found), fmt, ap);
	va_end(ap);
	d->levels[level]++;
}

void doctor_cure(struct doctor *d, const char *fmt, ...)
{
	struct doctor_finding *f = &d->findings[d->count - 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->cure, sizeof(f->cure), fmt, ap);
	va_end(ap);
}

// In the order of a start.
void doctor_examine(struct doctor *d)
{
	static void (*const topics[])(struct doctor *) = {
		doctor_versions,
		doctor_privileges,
		doctor_limits,
		doctor_instance,
		doctor_leftovers,
		doctor_huge_pages,
		doctor_hugetlbfs,
		doctor_transparent,
		doctor_swap,
		doctor_cpus,
		doctor_isolation,
		doctor_siblings,
		doctor_governor,
		doctor_clock,
		doctor_iommu,
		doctor_vfio,
		doctor_devices,
		doctor_nodes,
		doctor_queues,
		doctor_mtu,
		doctor_offloads,
		doctor_addresses,
		doctor_listeners,
		doctor_forwarding,
		doctor_ipsec_driver,
		doctor_ipsec_cpu,
		doctor_ipsec_keys,
	};

	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++)
		topics[i](d);
}

void doctor_print(const struct doctor *d, bool all, FILE *out)
{
	for (uint32_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];

		if (f->level == DOCTOR_PASS && !all)
			continue;
		fprintf(out, "%s  %s: %s%s%s\n", words[f->level], f->topic, f->found,
			f->cure[0] != '\0' ? "; cure: " : "", f->cure);
	}
	fprintf(out, "%u pass, %u warn, %u fail\n", d->levels[DOCTOR_PASS], d->levels[DOCTOR_WARN],
		d->levels[DOCTOR_FAIL]);
}

int doctor_print_json(const struct doctor *d, FILE *out)
{
	json_t *list = json_array(), *whole;
	int rc;

	for (uint32_t i = 0; i < d->count; i++) {
		const struct doctor_finding *f = &d->findings[i];

		// Replaced where a path or a name on the box is no UTF-8.
		json_t *found = json_string(f->found), *cure = json_string(f->cure);

		json_array_append_new(
			list, json_pack("{s:s, s:s, s:o, s:o}", "level",
				      f->level == DOCTOR_FAIL ? "fail" : words[f->level], "topic",
				      f->topic, "found", found != NULL ? found : json_string("?"),
				      "cure", cure != NULL ? cure : json_string("?")));
	}
	whole = json_pack("{s:o, s:i, s:i, s:i}", "findings", list, "pass",
		(int)d->levels[DOCTOR_PASS], "warn", (int)d->levels[DOCTOR_WARN], "fail",
		(int)d->levels[DOCTOR_FAIL]);
	rc = whole != NULL && json_dumpf(whole, out, JSON_INDENT(2)) == 0 ? 0 : -1;
	fputc('\n', out);
	json_decref(whole);
	return rc;
}

void doctor_fini(struct doctor *d)
{
	free(d->findings);
	d->findings = NULL;
	d->count = d->capacity = 0;
}
