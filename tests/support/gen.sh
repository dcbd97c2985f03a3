# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What system tests of weir-gen share. One weir-gen plays both far ends of Weir:
#
#   weir-gen port wan --- wan  weir  lan --- weir-gen port lan
#   198.18.0.254          .1         198.18.1.1        198.18.1.254, backends at .2 and on
#   2001:db8::fe         ::1     2001:db8:1::1        2001:db8:1::fe
#
# over memif (gen_weir memif ...) or over veth with af_packet (gen_weir veth ...). Clients come from 198.18.0.10 to
# 198.18.0.99, which they answer ARP for, and from 198.19.0.0/16, which Weir routes to 198.18.0.254.

# shellcheck source=tests/support/topo.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/topo.sh"

GEN_BIN=${GEN_BIN:-${WEIR_BIN%/*}/weir-gen}
GEN_CORE=${GEN_CORE:-0}
GEN_NAME=gen_$INSTANCE

gen_up() {
	topo_up
	trap gen_down EXIT
	[ -f "$GEN_BIN" ] || fail "no $GEN_BIN: run scripts/build first"
	# memif's driver keeps buffers of the pool in rings of its own, whose fill it does not tell.
	LEDGER_EXCEPT=mbufs
}

gen_down() {
	local code=$?
	rm -rf -- "/run/dpdk/$GEN_NAME"
	set +e
	(exit "$code")
	topo_down
}

# The wire between two processes: gen_memif server|client NUMBER NAME
gen_memif() {
	printf 'net_memif%s,role=%s,id=0,socket=%s/%s.sock,socket-abstract=no' "$2" "$1" "$TMP" "$3"
}

# gen_weir memif|veth: Weir between the two. Services and pools are there already: conf_service, conf_pool.
# Without reactions to pressure: these tests count every connection, on machines of any speed.
gen_weir() {
	GEN_WIRE=$1
	cat >"$CONF" <<-YAML
		runtime:
		  workers: [1]
		  memory: $WEIR_MEMORY
		  name: $INSTANCE
		  dad: false
		pressure: {enabled: no}
		ports:
		  - {name: wan, device: "$(gen_far wan)", addresses: [198.18.0.1/24, "2001:db8::1/64"]}
		  - {name: lan, device: "$(gen_far lan)", addresses: [198.18.1.1/24, "2001:db8:1::1/64"]}
		routes:
		  - {to: 198.19.0.0/16, via: 198.18.0.254, port: wan}
	YAML
	conf_write
	weir_start "$CONF"
}

gen_far() {
	local n=0
	[ "$1" = wan ] || n=1
	if [ "$GEN_WIRE" = memif ]; then gen_memif server "$n" "$1"; else printf 'net_af_packet%s,iface=%s0' "$n" "$1"; fi
}
gen_near() {
	local n=0 dev=c0
	[ "$1" = wan ] || { n=1; dev=g0; }
	if [ "$GEN_WIRE" = memif ]; then gen_memif client "$n" "$1"; else printf 'net_af_packet%s,iface=%s' "$n" "$dev"; fi
}

# gen_conf NAME [more of runtime]: head of $TMP/NAME.yaml, to be filled with clients, backends, packets from stdin.
gen_conf() {
	cat >"$TMP/$1.yaml" <<-YAML
		runtime: {core: $GEN_CORE, memory: $WEIR_MEMORY, name: $GEN_NAME, max_conns: 20000, warmup: 0s, drain: 5s, time_wait: 100ms, json: $TMP/$1.json${2:+, $2}}
		${GEN_PORTS:-$(gen_ports)}
	YAML
	cat >>"$TMP/$1.yaml"
}

gen_ports() {
	cat <<-YAML
		ports:
		  - {name: wan, device: "$(gen_near wan)", addresses: [198.18.0.254/24, "2001:db8::fe/64"]}
		  - {name: lan, device: "$(gen_near lan)", addresses: [198.18.1.254/24, "2001:db8:1::fe/64"]}
	YAML
}

# gen_run NAME: to its end, which must be a good one; its JSON is $TMP/NAME.json.
gen_run() {
	in_client timeout -k 2 60 "$GEN_BIN" -c "$TMP/$1.yaml" >"$TMP/$1.log" 2>&1 || fail "weir-gen $1 ended with $?"
	gen_honest "$1"
}

# gen_start NAME: in the background, until its load has begun.
gen_start() {
	spawn "$1" in_client "$GEN_BIN" -c "$TMP/$1.yaml"
	wait_for 20 "the load of weir-gen $1" gen_runs "$1"
}
gen_runs() {
	alive "$1" || fail "weir-gen $1 ended: $(tail -n 3 "$TMP/$1.log")"
	grep -q 'population' "$TMP/$1.log"
}

# A figure of the results: gen NAME JQ-EXPRESSION
gen() { jq -r "$2" "$TMP/$1.json"; }

# All that a population has seen in the whole run, the last part of the drain included: gen_total NAME POPULATION KEY
gen_total() {
	jq -r --arg n "$2" --arg k "$3_per_s" '[.series[] | select(.name == $n) | .[$k] * .span_s] | add // 0 | round' "$TMP/$1.json"
}

# Rates are not asserted, but what falls behind its schedule has to say so, in the table and in the JSON.
gen_honest() {
	jq -e '(.run.behind_schedule == false) or ([.run.verdicts[] | select(test("behind schedule"))] | length > 0)' "$TMP/$1.json" >/dev/null ||
		fail "weir-gen $1 is behind its schedule and does not say why"
	jq -e '([.clients[].late_ppm | select(. > 1000)] | length == 0) or .run.behind_schedule' "$TMP/$1.json" >/dev/null ||
		fail "weir-gen $1 began requests late and does not say that it is behind its schedule"
	! jq -e '.run.behind_schedule' "$TMP/$1.json" >/dev/null || grep -q '^! .*behind schedule' "$TMP/$1.log" ||
		fail "weir-gen $1: the table does not say that it is behind its schedule"
}

# gen_errors NAME POPULATION: kinds and numbers of the whole run, "reset 3 closed_early 1".
gen_errors() {
	jq -r --arg n "$2" '.clients[] | select(.name == $n) | [.errors | to_entries[] | select(.value > 0) | "\(.key) \(.value)"] | join(" ")' "$TMP/$1.json"
}
gen_client() { jq -r --arg n "$2" ".clients[] | select(.name == \$n) | .$3" "$TMP/$1.json"; }
gen_backend() { jq -r --arg n "$2" ".backends[] | select(.name == \$n) | .$3" "$TMP/$1.json"; }
