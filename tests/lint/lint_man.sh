#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The manual pages of the build are clean to mandoc, and name every option of weir --help.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

build=$(build_dir release)
man=$build/app/man
[ -s "$man/weir.8" ] || die "no manual pages in $man: run scripts/build first"
while read -r hit; do found "$hit"; done < <(mandoc -T lint -W warning "$man"/*.[1578] | grep -v 'new sentence, new line' || true)
while read -r option; do
	grep -qF -- "\\-${option//-/\\-}" "$man/weir.8" || found "app/man/weir.8.in: --$option is not there"
done < <("$build/app/weir" --help | grep -oE -- '--[a-z-]+' | sed 's/^--//' | sort -u)
finish
