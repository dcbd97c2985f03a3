# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2034
# Huge pages for the length of a benchmark: those that are missing are asked for and given back.

HUGE_BEFORE=
HUGE_ARGS=() # for the program

huge_take() { # PAGES of 2 MiB that shall be free
	local free
	free=$(awk '/^HugePages_Free:/ { print $2 }' /proc/meminfo)
	[ "${free:-0}" -lt "$1" ] || return 0
	HUGE_BEFORE=$(cat /proc/sys/vm/nr_hugepages)
	sysctl -qw "vm.nr_hugepages=$((HUGE_BEFORE + $1 - free))" 2>/dev/null || :
	free=$(awk '/^HugePages_Free:/ { print $2 }' /proc/meminfo)
	if [ "${free:-0}" -lt "$1" ]; then
		HUGE_ARGS=(--no-huge)
		note "only ${free:-0} of $1 huge pages are to be had: measured without, which costs translations"
		huge_give_back
	fi
}

huge_give_back() {
	[ -z "$HUGE_BEFORE" ] || sysctl -qw "vm.nr_hugepages=$HUGE_BEFORE" 2>/dev/null || :
	HUGE_BEFORE=
}
