#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every public header compiles alone, with the headers of the libraries that its own declares.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

read -ra flags <<<"$(pkg-config --cflags libdpdk)"
dir=$(build_dir release)
for header in lib/*/wr_*.h; do
	lib=${header#lib/}
	lib=${lib%%/*}
	incs=(-I"$dir" -I"lib/$lib")
	for d in $(lib_deps "$lib"); do incs+=(-I"lib/$d"); done
	log=$(gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-parameter -Wno-pragma-once-outside-header \
		-fsyntax-only "${flags[@]}" "${incs[@]}" -x c - <<<"#include \"${header##*/}\"" 2>&1) ||
		found "$header: $(head -n 3 <<<"$log")"
done
finish
