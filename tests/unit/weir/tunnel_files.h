/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

// Tunnels of a configuration and their key files, in a made-up box.

#include "box.h"

#define KEY_A "9c41e70b5d28f36a8e13b7c094d25f61c3a9175e"
#define KEY_B "17fa3c8d60e29b45d3087e1fc65ab92480d6f24b"
#define KEY_C "5fd0821ba97e634c10f8d52b7e934ac6d1750f2e"
#define KEY_D "e2903b7f41c85ad60b72f91e4d83c5a71f60b94d"
#define LINES(in, in_key, out, out_key)                                                            \
	"0 in " in " " in_key "\n"                                                                 \
	"0 out " out " " out_key "\n"
#define PAIR(in, out)       LINES(in, KEY_A, out, KEY_B)
#define OTHER_PAIR(in, out) LINES(in, KEY_C, out, KEY_D)

// One more tunnel of AES-GCM-128; its line is 10, 20, ...
static inline struct wr_conf_tunnel *tunnel_add(struct box *b, const char *name, const char *keys)
{
	struct wr_conf_tunnel *t = &b->conf->tunnels[b->conf->tunnel_count++];

	*t = (struct wr_conf_tunnel){
		.cipher = WR_CONF_CIPHER_AES_GCM_128, .line = 10 * b->conf->tunnel_count};
	snprintf(t->name, sizeof(t->name), "%s", name);
	snprintf(t->keys, sizeof(t->keys), "%s", keys);
	return t;
}

static inline void tunnel_file(struct box *b, const char *path, const char *text, mode_t mode)
{
	char whole[640];

	box_file(b, path, text);
	snprintf(whole, sizeof(whole), "%s%s", b->root, path);
	assert_int_equal(chmod(whole, mode), 0);
}
