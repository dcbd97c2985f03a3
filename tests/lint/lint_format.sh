#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# All C is as clang-format leaves it.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

mapfile -t files < <(c_files)
[ ${#files[@]} -gt 0 ] || exit 0
clang-format --dry-run -Werror --ferror-limit=3 -- "${files[@]}" 2>&1
