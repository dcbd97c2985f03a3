#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# cppcheck is clean, but for tests/lint/cppcheck.txt.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

incs=()
for d in lib/*/; do incs+=(-I"${d%/}"); done
tree_files 'lib/*.c' 'app/*.c' >"${TMPDIR:-/tmp}/weir-cppcheck.$$"
trap 'rm -f "${TMPDIR:-/tmp}/weir-cppcheck.$$"' EXIT
cppcheck -q -j "$JOBS" --std=c11 --language=c --enable=warning,performance,portability --inline-suppr \
	--suppressions-list=tests/lint/cppcheck.txt --error-exitcode=1 --template=gcc \
	"${incs[@]}" --file-list="${TMPDIR:-/tmp}/weir-cppcheck.$$" 2>&1
