# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What every script of this folder shares. Source it; it changes directory to the tree's root.

ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd)
cd -- "$ROOT" || exit
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1
# The system's Python, which sees the packages that scripts/setup installs; another may come first in PATH.
PYTHON=/usr/bin/python3
JOBS=$(nproc)
export PYTHON JOBS

note() { printf '%s\n' "-- $*" >&2; }

die() {
	printf '%s\n' "$(basename -- "$0"): $*" >&2
	exit 1
}

need_root() {
	[ "$(id -u)" -eq 0 ] || die "needs root (network namespaces, raw sockets): run it with sudo"
}

# Packages by what they are for. Debian 12 names.
PACKAGES=(
	git build-essential pkg-config meson ninja-build
	dpdk dpdk-dev libdpdk-dev libnuma-dev libpcap-dev libyaml-dev libjansson-dev libhttp-parser-dev libarchive-dev
	libcmocka-dev clang libclang-rt-14-dev clang-format clang-tidy cppcheck shellcheck universal-ctags gcovr valgrind gnuplot-nox
	nginx-light libnginx-mod-stream haproxy wrk iperf3 curl
	python3 python3-scapy python3-cryptography python3-yaml python3-pyelftools
	debootstrap dpkg-dev mandoc
	ethtool iproute2 nftables iputils-ping tcpdump jq procps
)
# What only `scripts/test --all` needs: a guest, and another decoder of captures.
# shellcheck disable=SC2034 # by scripts/setup
PACKAGES_ALL=(qemu-system-x86 busybox-static tshark)

missing_packages() {
	local have p
	have=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' "${PACKAGES[@]}" 2>/dev/null |
		awk '$2 == "installed" { print $1 }') || true
	for p in "${PACKAGES[@]}"; do
		grep -qx -- "$p" <<<"$have" || printf '%s\n' "$p"
	done
}

# build_dir KIND: where that build lives. WEIR_BUILD_PREFIX moves all of them (default: the tree).
build_dir() {
	local at=${WEIR_BUILD_PREFIX:-$ROOT}
	case $1 in
	release) printf '%s\n' "$at/build" ;;
	*) printf '%s\n' "$at/build-$1" ;;
	esac
}
