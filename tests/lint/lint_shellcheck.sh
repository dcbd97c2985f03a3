#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every script is clean to shellcheck.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

mapfile -t files < <(shell_files)
# Functions given to wait_for and expect by name look unused or unreached to it.
printf '%s\0' "${files[@]}" | xargs -0 -n 4 -P "$(nproc)" shellcheck -x -P . -e SC2317,SC2119,SC2120 --
