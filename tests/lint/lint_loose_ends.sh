#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# No loose ends in sources, and no fixed sleeps in tests.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

# Spelled apart, so that this file does not find itself.
words='\b(TO''DO|FIX''ME|XX''X|HA''CK)\b'
while read -r hit; do found "$hit"; done < <(tree_files lib app scripts tests .ci drivers-config meson.build |
	grep -v '^tests/lint/' | xargs -r grep -HnIE "$words" || true)
while read -r hit; do found "$hit"; done < <(tree_files tests | xargs -r grep -HnIE '\bsleep [0-9.]|time\.sl''eep\(|\bu?sl''eep\(' || true)
finish
