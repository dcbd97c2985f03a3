/* SPDX-License-Identifier: BSD-3-Clause */
#include "shape.h"

struct shape {
	uint32_t depth, anchors;
	bool end;
};

static int take_event(struct wr_settings_walk *w, struct shape *s, const yaml_event_t *ev)
{
	uint32_t line = (uint32_t)ev->start_mark.line + 1;
	const yaml_char_t *anchor = NULL;

	switch (ev->type) {
	case YAML_STREAM_END_EVENT:
		s->end = true;
		break;
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		s->depth++;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		s->depth++;
		break;
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		s->depth--;
		break;
	default:
		break;
	}
	s->anchors += anchor != NULL;
	if (s->depth > WR_SETTINGS_DEPTH_MAX)
		return wr_settings_walk_fail(w, line,
			"lists and groups are nested deeper than %d; no setting is that deep",
			WR_SETTINGS_DEPTH_MAX);
	if (s->anchors > WR_SETTINGS_ANCHORS_MAX)
		return wr_settings_walk_fail(w, line,
			"has more than %d anchors ('&name'); use fewer", WR_SETTINGS_ANCHORS_MAX);
	return 0;
}

int wr_settings_shape_check(struct wr_settings_walk *w, const char *text, size_t len)
{
	struct shape s = {0};
	yaml_parser_t parser;
	yaml_event_t ev;
	int rc = 0;

	if (!wr_settings_walk_open(&parser, text, len))
		return wr_settings_walk_no_memory(w);
	while (rc == 0 && !s.end) {
		if (!yaml_parser_parse(&parser, &ev)) {
			rc = wr_settings_walk_yaml_error(w, &parser, text);
			break;
		}
		rc = take_event(w, &s, &ev);
		yaml_event_delete(&ev);
	}
	yaml_parser_delete(&parser);
	return rc;
}
