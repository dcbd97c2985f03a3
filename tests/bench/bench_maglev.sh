#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Maglev tables: time to build and to pick, how even they are, and what moves when a backend goes.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname -- "$0")/../../scripts/common.sh"

scripts/build release tests/bench/bench_maglev
got=$(taskset -c 0 "$(build_dir release)/tests/bench/bench_maglev") || die "bench_maglev failed"
awk -F '\t' -v OFS='\t' '{ print "engine", $1, $2 }' <<<"$got" >>"${BENCH_OUT:-/dev/stdout}"
