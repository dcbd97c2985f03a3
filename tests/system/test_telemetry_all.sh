#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every telemetry command answers valid JSON of the one shape; long answers come in pages.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
conf_begin '[1]' '  max_sessions: 10000'
conf_service web web "$VIP4:80"
backends=(b1=198.18.1.2:80)
for i in $(seq 2 1000); do backends+=("b$i=198.18.1.$((i % 200 + 30)):$((1000 + i))"); done
conf_pool web "${backends[@]}" -- '    health: {type: none}'
conf_write
weir_start
get -o /dev/null "http://$VIP4/" 2>/dev/null || : # most of these backends do not exist

for command in status services pools backends conns queues pressure drops ledger workers ports latency events config; do
	"$PYTHON" "$TOPO_DIR/telemetry.py" "$INSTANCE" "/weir/$command" --raw >"$TMP/reply" || fail "/weir/$command"
	jq -e 'has("next") and has("total") and (.rows | type) == "object"
		and ([.rows[] | type == "object"] | all)
		and ([.. | objects | keys[]] | all(test("^[A-Za-z0-9_]+$")))
		and ([.. | scalars | (type == "number" and . == floor) or (type == "string" and length < 128)] | all)' \
		"$TMP/reply" >/dev/null || fail "/weir/$command has another shape: $(head -c 400 "$TMP/reply")"
	[ "$(wc -c <"$TMP/reply")" -le 14000 ] || fail "/weir/$command is longer than a page"
	case $command in conns | latency) ;; *) assert_ge "rows of /weir/$command" "$(tel "/weir/$command" | jq length)" 1 ;; esac
done
assert_eq "backends over all pages" "$(tel /weir/backends | jq '[.[].name] | unique | length')" 1000
for wrong in "backends,-1" "backends,zzz" "nothing" "conns,99999999999999999999" "queues,$(printf 'x%.0s' $(seq 900))"; do
	timeout 5 "$PYTHON" "$TOPO_DIR/telemetry.py" "$INSTANCE" "/weir/$wrong" --raw >/dev/null 2>&1 || :
done
alive weir || fail "a wrong request ended Weir"
# DPDK's own client reads it too.
dpdk-telemetry.py -f "$INSTANCE" <<<"/weir/status" | grep -q '"serving"' || fail "dpdk-telemetry.py cannot read /weir/status"
for c in status queues backends events; do
	weirctl_run "$c" >"$TMP/table" || fail "weirctl $c"
	assert_ge "lines of weirctl $c" "$(wc -l <"$TMP/table")" 1
	weirctl_run --json "$c" | jq -e . >/dev/null || fail "weirctl --json $c"
done
ok "all telemetry commands"
