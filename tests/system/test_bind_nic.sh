#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# scripts/bind-nic, on a made-up /sys whose files are answered as a kernel would: show, bind, give back, refuse.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
end_kernel() {
	local name
	for name in "${!PID[@]}"; do stop "$name" KILL || :; done
}
trap 'code=$?; set +e; end_kernel; (exit "$code"); topo_down' EXIT
export WEIR_SYSFS=$TMP/sys WEIR_BIND_STATE=$TMP/state
DEV=$WEIR_SYSFS/bus/pci/devices
DRV=$WEIR_SYSFS/bus/pci/drivers
A=0000:3b:00.0 # of the interface c0
B=0000:3b:00.1 # without an interface, in a group of its own
C=0000:3b:00.2 # in the group of a USB controller
M=0000:5e:00.0 # mlx5

# ---- a box -----------------------------------------------------------------------------------------

nic() { # ADDRESS ID DRIVER GROUP [INTERFACE]
	mkdir -p "$DEV/$1/net" "$WEIR_SYSFS/kernel/iommu_groups/$4/devices/$1"
	printf '0x020000\n' >"$DEV/$1/class"
	printf '0x%s\n' "${2%:*}" >"$DEV/$1/vendor"
	printf '0x%s\n' "${2#*:}" >"$DEV/$1/device"
	printf '0\n' >"$DEV/$1/numa_node"
	printf '%s\n' "$3" >"$DEV/$1/native"
	: >"$DEV/$1/driver_override"
	ln -sfn "../../../kernel/iommu_groups/$4" "$DEV/$1/iommu_group"
	ln -sfn "$DRV/$3" "$DEV/$1/driver"
	[ -z "${5:-}" ] || mkdir -p "$DEV/$1/net/$5" "$WEIR_SYSFS/class/net/$5"
	[ -z "${5:-}" ] || printf 'up\n' >"$WEIR_SYSFS/class/net/$5/operstate"
}

# What the kernel does with a word written to FILE.
answer() { # FILE DRIVER ('' for drivers_probe)
	local word want fd
	exec {fd}<>"$1"
	while read -r word <&"$fd"; do
		case $1 in
		*/unbind) rm -f "$DEV/$word/driver" ;;
		*)
			want=${2:-$(<"$DEV/$word/driver_override")}
			want=${want:-$(<"$DEV/$word/native")}
			if [ "$want" != vfio-pci ] || [ ! -e "$DEV/$word/broken" ]; then ln -sfn "$DRV/$want" "$DEV/$word/driver"; fi
			;;
		esac
	done
}

driver() { # NAME
	mkdir -p "$DRV/$1"
	mkfifo "$DRV/$1/bind" "$DRV/$1/unbind"
	spawn "bind-$1" answer "$DRV/$1/bind" "$1"
	spawn "unbind-$1" answer "$DRV/$1/unbind" "$1"
}

driver ice
driver vfio-pci
driver mlx5_core
driver xhci_hcd
mkfifo "$WEIR_SYSFS/bus/pci/drivers_probe"
spawn probe answer "$WEIR_SYSFS/bus/pci/drivers_probe" ''
nic "$A" 8086:1592 ice 11 c0
nic "$B" 8086:1592 ice 12
nic "$C" 8086:1592 ice 13
nic "$M" 15b3:101d mlx5_core 14
nic 0000:00:14.0 8086:a0ed xhci_hcd 13
printf '0x0c0330\n' >"$DEV/0000:00:14.0/class"

bind_nic() { in_client "$TREE/scripts/bind-nic" "$@"; }
driver_of() { basename -- "$(readlink "$DEV/$1/driver" || echo none)"; }

# refuses WORDS ARGS...: ends with 1 and one line that says WORDS; nothing changes.
refusals=0
refuses() {
	local says=$1 code=0 before
	shift
	before=$(ls -l "$DEV"/*/driver)
	bind_nic "$@" >"$TMP/out" 2>&1 || code=$?
	assert_eq "exit code of bind-nic $*" "$code" 1
	assert_eq "lines of bind-nic $* ($(<"$TMP/out"))" "$(wc -l <"$TMP/out")" 1
	grep -qE -- "$says" "$TMP/out" || fail "bind-nic $* does not say '$says': $(<"$TMP/out")"
	assert_eq "drivers after bind-nic $*" "$(ls -l "$DEV"/*/driver)" "$before"
	refusals=$((refusals + 1))
}
says() { # WORDS ARGS...
	local says=$1
	shift
	bind_nic "$@" >"$TMP/out" 2>&1 || fail "bind-nic $*: $(<"$TMP/out")"
	grep -qE -- "$says" "$TMP/out" || fail "bind-nic $* does not say '$says': $(<"$TMP/out")"
}

# ---- show ------------------------------------------------------------------------------------------

in_client ip route add default via 198.18.0.1 dev c0
says "^$A +8086:1592 +ice +c0 +up +0 +11 +default route, 198.18.0.2/24 2001:db8::2/64$" show
grep -q "^$M .* shared with the kernel" "$TMP/out" || fail "show says nothing of mlx5: $(<"$TMP/out")"
! grep -q 0000:00:14.0 "$TMP/out" || fail "show lists a USB controller"

# ---- refusals --------------------------------------------------------------------------------------

refuses "default route.*--i-know" bind "$A"
in_client ip route del default
in_client ip -6 route add default via 2001:db8::1 dev c0
refuses "default route.*--i-know" bind "$A"
in_client ip -6 route del default
SSH_CONNECTION="198.18.0.9 50000 198.18.0.2 22" refuses "SSH session \(198.18.0.9" bind "$A"
SSH_CONNECTION="2001:db8::9 50000 2001:db8::2 22" refuses "SSH session" bind "$A"
refuses "198.18.0.2/24.*--with-addresses" bind "$A"
# Through what lies on top of it: a bond, whose lower interface it is.
in_client ip link add link c0 name top0 type macvlan
in_client ip link set top0 up
in_client ip route add default dev top0
mkdir -p "$WEIR_SYSFS/class/net/top0/lower_c0"
refuses "default route" bind "$A" --with-addresses
in_client ip link del top0
refuses "group 13 with 0000:00:14.0.*xhci_hcd" bind "$C"
refuses "no PCI address.*0000:3b:00.0" bind eth0
refuses "no PCI device 0000:99:00.0" bind 99:00.0
refuses "no network device" bind 00:14.0
refuses "no driver uio_pci_generic" bind "$B" --driver uio_pci_generic
refuses "unknown option" bind "$B" --force
refuses "which\?" bind
refuses "unknown order" frobnicate
mv "$DEV/$B/iommu_group" "$TMP/group"
refuses "IOMMU is off" bind "$B"
mkdir -p "$WEIR_SYSFS/module/vfio/parameters"
printf 'Y\n' >"$WEIR_SYSFS/module/vfio/parameters/enable_unsafe_noiommu_mode"
says "bound to vfio-pci" bind "$B"
says "given back to ice" give-back "$B"
mv "$TMP/group" "$DEV/$B/iommu_group"

# ---- bind and give back ----------------------------------------------------------------------------

says "nothing to bind" bind "$M"
says "bound to vfio-pci, was ice" bind 3B:00.1
assert_eq "driver of $B" "$(driver_of "$B")" vfio-pci
says "bound to vfio-pci already" bind "$B"
says "given back to ice" give-back "$B"
assert_eq "driver of $B" "$(driver_of "$B")" ice
assert_eq "override of $B" "$(<"$DEV/$B/driver_override")" ""
says "with the kernel already" give-back "$B"
[ ! -e "$WEIR_BIND_STATE/$B" ] || fail "the driver of before is still remembered"
# The memory of a box that was started again is empty: the kernel knows.
says "bound to vfio-pci" bind "$B"
rm -r "$WEIR_BIND_STATE"
says "given back to ice" give-back "$B"
# Told to, and knowing.
in_client ip route add default via 198.18.0.1 dev c0
says "bound to vfio-pci" bind "$A" --i-know --with-addresses
says "given back to ice" give-back "$A"
# A NIC that does not bind goes back to where it was.
: >"$DEV/$B/broken"
code=0
bind_nic bind "$B" >"$TMP/out" 2>&1 || code=$?
assert_eq "exit code of a bind that fails" "$code" 1
grep -q "did not bind to vfio-pci and went back to ice" "$TMP/out" || fail "it says: $(<"$TMP/out")"
returned() { [ "$(driver_of "$B")" = ice ]; }
wait_for 5 "$B back with ice" returned
ok "show, bind, give back, $refusals refusals"
