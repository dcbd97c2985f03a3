#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every drop reason, counter, event and queue kind of the catalogues is used by the engine.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

used() { # PREFIX DEF MACRO
	local sym
	while read -r sym; do
		grep -rqwE --include='*.c' --include='*.h' "$1_$sym" lib app || found "$2: $sym is never raised ($1_$sym)"
	done < <(sed -nE "s/^$3\(([a-zA-Z0-9_]+),.*/\1/p" "$2")
}
used WR_DROP lib/stats/wr_drop.def WR_DROP
used WR_CTR lib/stats/wr_counter.def WR_COUNTER
used WR_EV lib/stats/wr_event.def WR_EVENT
used WR_Q lib/pressure/wr_queue.def WR_QUEUE
finish
