#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# What weir-gen cannot do is refused: with exit code 2 before anything starts, or 1 when it does not start, and in one
# line that says what is wrong, where, and what would be right.
# shellcheck disable=SC2016,SC2030,SC2031 # sed scripts with $, and a case in a subshell of its own
set -euo pipefail
# shellcheck source=tests/support/gen.sh
. "$(dirname -- "$0")/../support/gen.sh"

gen_up
SAID=$TMP/said # files of a case begin with this
good() {
	cat <<-YAML
		runtime: {core: $GEN_CORE, memory: $WEIR_MEMORY, name: $GEN_NAME, duration: 1s}
		ports:
		  - {name: wan, device: "net_af_packet0,iface=c0", addresses: [198.18.0.254/24]}
		clients:
		  - {name: load, target: ["$VIP4:80"], load: {rate: 10}}
	YAML
}

# refused CODE REGEX ARGUMENT...: one line on stderr that matches, nothing on stdout.
refused() {
	local code=0 want=$1 regex=$2
	shift 2
	in_client timeout -k 2 30 "$GEN_BIN" "$@" >"$SAID.out" 2>"$SAID.err" || code=$?
	grep -v '^EAL: \|^ETHDEV: \|^memif\|^rte_pmd\|_pmd_\|^TELEMETRY: ' "$SAID.err" >"$SAID.txt" || :
	[ "$code" -eq "$want" ] || fail "weir-gen $* ended with $code, should be $want: $(cat "$SAID.err")"
	assert_eq "lines that weir-gen $* says" "$(wc -l <"$SAID.txt")" 1
	grep -qE -- "^weir-gen: .*$regex" "$SAID.txt" || fail "weir-gen $* says '$(cat "$SAID.txt")', should match '$regex'"
	if [ "$want" -eq 2 ]; then
		assert_eq "lines on stdout" "$(wc -l <"$SAID.out")" 0
		assert_eq "lines of DPDK's: it was started" "$(grep -c '^EAL: ' "$SAID.err" || :)" 0
	fi
	[ -z "${GEN_SHOW:-}" ] || cat "$SAID.txt"
}
# yaml CODE REGEX SED-SCRIPT: the good configuration, changed.
yaml() {
	good | sed -e "$3" >"$SAID-bad.yaml"
	refused "$1" "$2" -c "$SAID-bad.yaml"
}

# Nobody is behind c0: after 10 s of asking, whom it waits for, and what may be wrong.
(
	GEN_NAME=${GEN_NAME}a SAID=$TMP/asking
	yaml 1 'ARP or ND .*198.18.0.100.*other side up.*gateway' ''
) &
asking=$!

good >"$TMP/good.yaml"
in_client "$GEN_BIN" -c "$TMP/good.yaml" --check >/dev/null || fail "the good configuration is refused"

# Files
refused 2 "$TMP/none.yaml: .*[Nn]o such file" -c "$TMP/none.yaml"
yaml 2 'bad.yaml:3: is not YAML' 's/^ports:/ports: [/'
yaml 2 "bad.yaml:5: clients\[0\].load: unknown key 'rte'; did you mean 'rate'" 's/rate: 10/rte: 10/'
yaml 2 "bad.yaml:5: clients\[0\].load.rate: value 'ten' .*from 1 to 100M" 's/rate: 10/rate: ten/'
yaml 2 "bad.yaml:3: ports\[0\].addresses\[0\]: value '198.18.0.254/64'" 's,198.18.0.254/24,198.18.0.254/64,'
yaml 2 'ports: is missing' '/^ports/,/wan/d'
yaml 2 'nothing to do: no clients' '/^clients/,$d'
yaml 2 "bad.yaml:5: clients\[0\].target\[0\]: value '198.18.0.100:99999' .*1 to 65535" 's/:80"/:99999"/'
yaml 2 'runtime.core: there is no CPU 100 here; right would be one from 0 to' 's/core: [0-9]*/core: 100/'
printf 'runtime: {name: \x01}\n' >"$SAID-bad.yaml"
refused 2 'bad.yaml' -c "$SAID-bad.yaml"

# What no port, and no box, can do: with the arithmetic
yaml 2 'load.*(users|ports|addresses|max_conns).*[0-9]' 's/rate: 10/model: closed, users: 200000/'
yaml 2 '[0-9].*(bit|packets|frames).*[0-9]' '/name: load/d; s/^clients:/packets: [{name: f, target: 198.18.0.1, rate_bps: 1000G}]/'
yaml 2 'size.*(1500|1514|MTU|mtu)' '/name: load/d; s/^clients:/packets: [{name: f, target: 198.18.0.1, size: 5000}]/'
yaml 2 'gateway|prefix' 's/198.18.0.100:80/203.0.113.7:80/'
yaml 2 'low.*high|high.*low' '$a search: {low: 1000, high: 10}'
yaml 2 'objective|search' '/name: load/d; s/^clients:/backends: [{name: b, listen: ["198.18.0.254:80"]}]\nsearch: {low: 1, high: 10}/'
yaml 2 'queue' '$a backends: [{name: b, listen: ["198.18.0.254:80"], queue: 4}]'
yaml 2 'delay' '$a backends: [{name: b, listen: ["198.18.0.254:80"], faults: [{kind: flap}]}]'
yaml 2 'pareto|shape' 's/rate: 10}/model: closed, users: 1, think: {kind: pareto, mean: 1s, shape: 0.9}}/'

# The command line
refused 2 'nothing to do'
refused 2 "unknown flag '--rat'; did you mean '--rate'" --rat 5
refused 2 'lacks its value' -c "$TMP/good.yaml" --rate
refused 2 'flood.*syn' --port net_null0 --address 198.18.0.254/24 --flood fin --connect 198.18.0.100:80
refused 2 'clients\[1\].target: is missing' -c "$TMP/good.yaml" 'clients[7].load.rate=5'
refused 2 'of connections' --port net_null0 --address 198.18.0.254/24 --flood syn --connect 198.18.0.100:80 --rate 10
refused 2 'neither a flag' go

# What only the start can find out
yaml 1 "port wan: there is no interface 'nosuch'" 's/iface=c0/iface=nosuch/'
yaml 1 'net_af_packet0,iface=' 's/,iface=c0//'
yaml 1 "port wan: .*no driver .*'net_afpacket0'" 's/net_af_packet0/net_afpacket0/'
yaml 2 'packets\[0\].pcap: .*/none.pcap.*[Nn]o such file' '/name: load/d; s#^clients:#packets: [{name: replay, kind: pcap, pcap: '"$TMP"'/none.pcap, target_mac: "02:00:00:00:00:01"}]#'
head -c 100 /dev/urandom >"$TMP/noise.pcap"
yaml 1 'replay: .*noise.pcap' '/name: load/d; s#^clients:#packets: [{name: replay, kind: pcap, pcap: '"$TMP"'/noise.pcap, target_mac: "02:00:00:00:00:01"}]#'
yaml 2 'ports\[0\].capture: .*/nosuch/x.pcap' 's,name: wan,name: wan\, capture: /nosuch/x.pcap,'
yaml 1 'port wan: .*memif' "s#net_af_packet0,iface=c0#net_memif0,role=client,id=0,socket=$TMP/nobody.sock,socket-abstract=no#"

wait "$asking" || fail "the case of an unanswered ARP"
ok "files, arithmetic, command line, start"
