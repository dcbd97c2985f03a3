#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every lib/L/x.c has tests/unit/L/test_x.c, or a line with a reason in tests/lint/untested.txt.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

list=tests/lint/untested.txt
while read -r f; do
	lib=$(basename -- "$(dirname -- "$f")")
	test=tests/unit/$lib/test_$(basename -- "$f")
	if grep -q "^$f: ." "$list"; then
		[ ! -e "$test" ] || found "$list: $f has a test now, remove its line"
	else
		[ -e "$test" ] || found "$f: no $test and no reason in $list"
	fi
done < <(tree_files 'lib/*.c')
while IFS=: read -r f _; do
	[ -e "$f" ] || found "$list: $f is gone, remove its line"
done < <(grep -v '^#' "$list" | grep .)
finish
