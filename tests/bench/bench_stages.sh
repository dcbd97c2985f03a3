#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Instructions of whole operations through the worker, and of a packet by stage of its loop (callgrind).
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname -- "$0")/../../scripts/common.sh"

scripts/build release tests/bench/ops
"$PYTHON" tests/bench/ops_count.py --records "$(build_dir release)/tests/bench/ops" >>"${BENCH_OUT:-/dev/stdout}" || die "the operations could not be counted"
