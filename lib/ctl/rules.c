/* SPDX-License-Identifier: BSD-3-Clause */
#include "ctl_priv.h"

#include <stdio.h>

// Access rules that an operator gave a time: their end.

#define EVERY_US  WR_US_PER_S
#define ENDED_MAX 64 // rules that end in one look; the rest in the next turn

char *wr_ctl_rule_words(struct wr_ctl *c, const struct wr_access_rule *rule, char *buf, size_t len)
{
	static const char *const verb[] = {"class", "allow", "deny"};
	char from[WR_ADDR_STR + 4], class[16] = "";
	const char *service = wr_ctl_has_service(c, rule->service)
	                              ? c->conf->services[rule->service].name
	                              : "all services";

	if (rule->class != WR_ACCESS_NO_CLASS)
		snprintf(class, sizeof(class), " as class %u", rule->class);
	snprintf(buf, len, "%s %s to %.40s%s", verb[RTE_MIN(rule->action, WR_ACCESS_DENY)],
		wr_prefix_format(&rule->from, from, sizeof(from)), service, class);
	return buf;
}

void wr_ctl_rules_turn(struct wr_ctl *c, wr_us_t now)
{
	struct wr_access_rule ended[ENDED_MAX];
	uint32_t n;

	if (now < c->next_access_us)
		return;
	n = wr_access_expire(c->shared->access, now, ended, ENDED_MAX);
	for (uint32_t i = 0; i < n; i++) {
		struct wr_event ev = {
			.kind = WR_EV_access_expired, .worker = UINT16_MAX, .queue = UINT16_MAX};

		wr_ctl_rule_words(c, &ended[i], ev.text, sizeof(ev.text));
		wr_ctl_event_add(c, &ev);
	}
	if (n < ENDED_MAX)
		c->next_access_us = now + EVERY_US;
}
