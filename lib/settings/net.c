/* SPDX-License-Identifier: BSD-3-Clause */
#include "value_priv.h"

#include <string.h>

#include "wr_settings_check.h"

// Addresses: of a station, with a prefix or port, ranges of them, and those of Ethernet.

static int parse_range(const struct wr_settings_row *s, const char *text, void *dst, char *why)
{
	struct wr_settings_range r;
	char first[WR_ADDR_STR];
	const char *dash = strchr(text, '-');
	size_t len = dash ? (size_t)(dash - text) : strlen(text);

	if (s->zero && !s->list && strcmp(text, s->zero) == 0) {
		memset(dst, 0, sizeof(r));
		return 0;
	}
	if (len >= sizeof(first))
		return wr_settings_wrong(s, why, "is not an address or a range of them");
	snprintf(first, sizeof(first), "%.*s", (int)len, text);
	if (wr_addr_parse(first, &r.first) < 0 ||
		wr_addr_parse(dash ? dash + 1 : first, &r.last) < 0)
		return wr_settings_wrong(s, why, "is not an address or a range of them");
	if (wr_addr_is_v4(&r.first) != wr_addr_is_v4(&r.last))
		return wr_settings_wrong(s, why, "mixes IPv4 and IPv6");
	if (wr_addr_cmp(&r.first, &r.last) > 0)
		return wr_settings_wrong(
			s, why, "is reversed: its last address is below its first");
	if (wr_settings_range_size(&r) > s->max)
		return wr_settings_wrong(s, why, "has too many addresses");
	memcpy(dst, &r, sizeof(r));
	return 0;
}

static int parse_mac(const struct wr_settings_row *s, const char *text, void *dst, char *why)
{
	static const char hex[] = "0123456789abcdef";
	uint8_t mac[6] = {0};

	if (s->zero && strcmp(text, s->zero) == 0) {
		memset(dst, 0, sizeof(mac));
		return 0;
	}
	for (uint32_t i = 0; i < 17; i++) {
		char ch = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] + 32) : text[i];
		const char *digit = ch ? strchr(hex, ch) : NULL;

		if (i % 3 == 2 ? ch != ':' : !digit)
			return wr_settings_wrong(s, why, "is not an Ethernet address");
		if (i % 3 != 2)
			mac[i / 3] = (uint8_t)(mac[i / 3] << 4 | (digit - hex));
	}
	if (text[17])
		return wr_settings_wrong(s, why, "is not an Ethernet address");
	memcpy(dst, mac, sizeof(mac));
	return 0;
}

int wr_settings_parse_net(
	const struct wr_settings_row *s, const char *text, void *dst, char why[WR_SETTINGS_WHY])
{
	struct wr_addr bare;

	switch (s->type) {
	case WR_SETTINGS_T_RANGE:
		return parse_range(s, text, dst, why);
	case WR_SETTINGS_T_MAC:
		return parse_mac(s, text, dst, why);
	case WR_SETTINGS_T_ADDR:
		if (wr_addr_parse(text, dst) == 0)
			return 0;
		return wr_settings_wrong(s, why, "is not an IP address");
	case WR_SETTINGS_T_PREFIX:
		if (wr_prefix_parse(text, dst) == 0)
			return 0;
		if (wr_addr_parse(text, &bare) == 0)
			return wr_settings_wrong(s, why, "has no prefix length");
		return wr_settings_wrong(s, why, "is not an address with a prefix length");
	default:
		if (wr_endpoint_parse(text, dst) == 0)
			return 0;
		if (wr_addr_parse(text, &bare) == 0)
			return wr_settings_wrong(
				s, why, "has no port, or lacks the brackets of IPv6");
		return wr_settings_wrong(s, why, "is not an address with a port");
	}
}
