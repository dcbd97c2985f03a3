#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every source names its licence: in the first line of C, after the #! of scripts.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

while read -r f; do
	[ "$(head -n 1 -- "$f")" = '/* SPDX-License-Identifier: BSD-3-Clause */' ] || found "$f:1: no SPDX line"
done < <(c_files && tree_files 'lib/*.def')
while read -r f; do
	head -n 2 -- "$f" | grep -qx '# SPDX-License-Identifier: BSD-3-Clause' || found "$f:2: no SPDX line"
done < <(shell_files && python_files)
finish
