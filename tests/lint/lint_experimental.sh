#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Experimental DPDK calls only in the files that tests/lint/experimental.txt lists, with a reason.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

list=tests/lint/experimental.txt
while IFS=: read -r f line _; do
	grep -q "^$f: ." "$list" || found "$f:$line: ALLOW_EXPERIMENTAL_API without a line in $list"
done < <(tree_files lib app meson.build 'tests/*.c' 'tests/*meson.build' | xargs -r grep -HnE 'ALLOW_EXPERIMENTAL_API' || true)
finish
