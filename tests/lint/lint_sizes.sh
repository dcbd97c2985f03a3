#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# No C file past 700 lines, no function past 100.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

while read -r f; do
	n=$(wc -l <"$f")
	[ "$n" -le 700 ] || found "$f: $n lines; it holds two nouns"
done < <(c_files)
while IFS=$'\t' read -r n where name; do
	found "$where: $name has $n lines; it is two steps"
done < <(c_files | ctags -L - --fields=+ne --kinds-C=f -f - 2>/dev/null | awk -F'\t' -v OFS='\t' '
	{ l = e = ""; for (i = 4; i <= NF; i++) { if ($i ~ /^line:/) l = substr($i, 6); if ($i ~ /^end:/) e = substr($i, 5) } }
	l != "" && e != "" && e - l + 1 > 100 { print e - l + 1, $2 ":" l, $1 }')
finish
