#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ESP: cycles to make and to open a packet, beside the cipher alone (dpdk-test-crypto-perf) in the same run on the same core, and what
# bulk costs a worker with backends behind a tunnel and in clear.
set -euo pipefail
# shellcheck source=scripts/common.sh
. "$(dirname -- "$0")/../../scripts/common.sh"

TMP=$(mktemp -d "${TMPDIR:-/tmp}/weir-bench.XXXXXX")
trap 'rm -rf -- "$TMP"' EXIT
trap 'exit 130' INT TERM

scripts/build lto tests/bench/bench_ipsec
bench=$(build_dir lto)/tests/bench/bench_ipsec
out=${BENCH_OUT:-/dev/stdout}
sizes=64,128,256,512,1024,1408,2048,4096,8192

# perf NAME DEVICE ARGS...: cycles a buffer, encrypting and decrypting.
perf() {
	local name=$1 device=$2
	shift 2
	timeout 120 dpdk-test-crypto-perf -l 1,0 --no-huge -m 512 --no-pci --no-telemetry --file-prefix "bench$$" \
		--vdev "${device}0" -- --devtype "$device" --ptest throughput --total-ops "$((50000 * BENCH_SECONDS))" \
		--burst-sz 32 --buffer-sz "$sizes" --silent "$@" >"$TMP/perf" 2>&1 || die "dpdk-test-crypto-perf failed: $(tail -n 3 "$TMP/perf")"
	awk -v OFS='\t' -v n="$name" '$1 ~ /^[0-9]+$/ && NF == 10 { print "ipsec_" n "_" $2, $10 }' "$TMP/perf" >>"$TMP/rows"
}
gcm() { perf "$1" crypto_aesni_gcm --optype aead --aead-algo aes-gcm --aead-op "$2" --aead-key-sz "$3" --aead-iv-sz 12 --aead-aad-sz 12 --digest-sz 16; }
cbc() {
	local order=cipher-then-auth auth=generate
	[ "$2" = encrypt ] || order=auth-then-cipher auth=verify
	perf "$1" crypto_aesni_mb --optype "$order" --cipher-algo aes-cbc --cipher-op "$2" --cipher-key-sz "$3" --cipher-iv-sz 16 \
		--auth-algo sha2-256-hmac --auth-op "$auth" --auth-key-sz 32 --digest-sz 16
}

# In turns, so that a slow phase of the machine meets all.
for ((round = 0; round < BENCH_ROUNDS; round++)); do
	gcm cipher_out_cycles_gcm128 encrypt 16
	gcm cipher_in_cycles_gcm128 decrypt 16
	taskset -c 0 "$bench" packets >>"$TMP/rows"
	gcm cipher_out_cycles_gcm256 encrypt 32
	gcm cipher_in_cycles_gcm256 decrypt 32
	cbc cipher_out_cycles_cbc128_sha256 encrypt 16
	cbc cipher_out_cycles_cbc256_sha256 encrypt 32
	taskset -c 0 "$bench" bulk >>"$TMP/rows"
done
# Medians of the rounds; then shares: the cipher's cycles of ours, and clear's of encrypted.
sort "$TMP/rows" | awk -F '\t' -v OFS='\t' '
	function flush() { if (n) print "engine", name, v[int((n + 1) / 2)]; m[name] = v[int((n + 1) / 2)] }
	$1 != name { flush(); name = $1; n = 0 }
	{ v[++n] = $2 + 0; for (i = n; i > 1 && v[i] < v[i - 1]; i--) { t = v[i]; v[i] = v[i - 1]; v[i - 1] = t } }
	END {
		flush()
		for (k in m) {
			if (match(k, /^ipsec_cipher_/)) {
				ours = "ipsec_" substr(k, 14); share = ours; sub(/_cycles_/, "_share_of_cipher_", share)
				if (m[ours] > 0) print "engine", share, sprintf("%.3f", m[k] / m[ours])
			}
			if (k ~ /^ipsec_bulk_.*_clear$/) {
				for (j in m) {
					base = k; sub(/clear$/, "", base)
					if (j != k && index(j, base) == 1 && m[j] > 0) {
						share = j; sub(/_cycles_per_byte_/, "_share_of_clear_", share)
						print "engine", share, sprintf("%.3f", m[k] / m[j])
					}
				}
			}
		}
	}' >>"$out"
