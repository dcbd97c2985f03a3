#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A QEMU guest with Debian's kernel as far IPsec gateway: esp_guest.sh ACTION DIR ...
#   start DIR NS:DEVICE NS:DEVICE   boot; its eth0 and eth1 are these tap devices in these namespaces
#   run DIR COMMAND...              in the guest's shell; output and exit code are the command's. Without COMMAND: standard input
#   xfrm DIR ACTION OPTIONS...      associations and policies from a key file (xfrm.py)
#   stop DIR                        end it and remove all it made in DIR
# All it makes is in DIR; the kernel's package is kept in ESP_GUEST_CACHE when that is set. ESP_GUEST_ACCEL=kvm|tcg|auto,
# ESP_GUEST_LIMIT=900 (seconds until it ends by itself), 512 MiB.
set -euo pipefail

VM=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
PYTHON=${PYTHON:-/usr/bin/python3}
export LC_ALL=C PYTHONDONTWRITEBYTECODE=1

die() {
	printf 'esp_guest.sh: %s\n' "$*" >&2
	exit 1
}

# In order of what they need; their own needs are found.
MODULES=(virtio_pci virtio_net virtio-rng sha512-generic jitterentropy_rng drbg aesni-intel sha256-ssse3 gcm ghash-generic ctr seqiv echainiv authenc authencesn
	xfrm_user af_key esp4 esp6)

get_kernel() { # into $DIR/kernel: vmlinuz and lib/modules
	local cache=${ESP_GUEST_CACHE:-$DIR} package deb
	package=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" && $2 ~ /^linux-image-/ { print $2; exit }')
	[ -n "$package" ] || die "apt knows no linux-image-cloud-amd64: run apt-get update, or use a Debian mirror"
	deb=$(find "$cache" -maxdepth 1 -name "${package}_*.deb" -print -quit)
	if [ -z "$deb" ]; then
		mkdir -p "$cache"
		(cd -- "$cache" && apt-get -qq -o APT::Sandbox::User=root download "$package" >&2) || die "$package cannot be downloaded"
		deb=$(find "$cache" -maxdepth 1 -name "${package}_*.deb" -print -quit)
	fi
	dpkg-deb -x "$deb" "$DIR/kernel"
	[ -n "${ESP_GUEST_CACHE:-}" ] || rm -f -- "$deb"
}

declare -A LOADED=()
add_module() { # NAME: after those it depends on
	local name=${1//-/_} file need
	[ -z "${LOADED[$name]:-}" ] || return 0
	LOADED[$name]=1
	file=$(find "$DIR/kernel/lib/modules" -name "${name//_/[-_]}.ko" -print -quit)
	[ -n "$file" ] || return 0 # built in
	need=$(grep -a -o 'depends=[[:print:]]*' "$file" | head -n 1)
	for need in $(tr , ' ' <<<"${need#depends=}"); do add_module "$need"; done
	cp -- "$file" "$DIR/root/modules/"
	basename -- "$file" >>"$DIR/root/modules/order"
}

make_initramfs() {
	local root=$DIR/root lib module
	mkdir -p "$root"/{bin,iproute2,modules,proc,sys,dev,lib64}
	cp -- "$(command -v busybox)" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	cp -- "$VM/init.sh" "$root/init"
	chmod 755 "$root/init"
	cc -O1 -static -o "$root/bin/udp_encap" "$VM/udp_encap.c" || die "udp_encap.c does not compile: install build-essential"
	cp -- "$(readlink -f "$(command -v ip)")" "$root/iproute2/ip" # busybox has an `ip` of its own
	for lib in $(ldd "$root/iproute2/ip" | grep -o '/[^ ]*'); do
		mkdir -p "$root$(dirname -- "$lib")"
		cp -L -- "$lib" "$root$lib"
	done
	for module in "${MODULES[@]}"; do add_module "$module"; done
	(cd -- "$root" && find . | busybox cpio -o -H newc 2>/dev/null | gzip -1) >"$DIR/initramfs"
}

running() { [ -s "$DIR/pid" ] && kill -0 "$(<"$DIR/pid")" 2>/dev/null; }

answers() { "$PYTHON" "$VM/console.py" "$DIR/console" 1 </dev/null >/dev/null 2>&1; }

boot() { # ACCEL SECONDS
	local end=$((SECONDS + $2)) cpu=max
	[ "$1" != kvm ] || cpu=host
	rm -f -- "$DIR/console" "$DIR/pid"
	{ timeout -k 5 "${ESP_GUEST_LIMIT:-900}" \
		ip netns exec "${NEAR%%:*}" "$PYTHON" "$VM/tap_exec.py" "${NEAR#*:}" \
		ip netns exec "${FAR%%:*}" "$PYTHON" "$VM/tap_exec.py" "${FAR#*:}" \
		qemu-system-x86_64 -accel "$1" -cpu "$cpu" -machine q35 -m 512 -smp 1 -nodefaults -display none -no-reboot \
		-kernel "$DIR"/kernel/boot/vmlinuz-* -initrd "$DIR/initramfs" -append "console=ttyS0 quiet panic=-1 mitigations=off" \
		-serial "file:$DIR/boot.log" -serial "unix:$DIR/console,server=on,wait=off" -pidfile "$DIR/pid" \
		-object rng-random,id=r,filename=/dev/urandom -device virtio-rng-pci,rng=r \
		-netdev "tap,id=n0,fd={${NEAR#*:}},vhost=off" -device virtio-net-pci,netdev=n0,mac=52:54:00:00:57:01,romfile= \
		-netdev "tap,id=n1,fd={${FAR#*:}},vhost=off" -device virtio-net-pci,netdev=n1,mac=52:54:00:00:57:02,romfile= ||
		exit 1; } >"$DIR/qemu.log" 2>&1 </dev/null &
	until answers; do
		kill -0 "$!" 2>/dev/null || return 1
		[ "$SECONDS" -lt "$end" ] || {
			halt
			return 1
		}
	done
	printf '%s\n' "$1" >"$DIR/accel"
}

# The process, and with it its devices, is gone when this returns.
halt() {
	local pid end=$((SECONDS + 10))
	[ -s "$DIR/pid" ] || return 0
	pid=$(<"$DIR/pid")
	kill -TERM "$pid" 2>/dev/null || :
	while kill -0 "$pid" 2>/dev/null && [ "$SECONDS" -lt "$end" ]; do read -r -t 0.05 <> <(:) || :; done
	kill -KILL "$pid" 2>/dev/null || :
}

start() {
	local tool accel=${ESP_GUEST_ACCEL:-auto}
	for tool in qemu-system-x86_64 busybox cc dpkg-deb apt-get; do
		command -v "$tool" >/dev/null || die "no $tool: apt-get install qemu-system-x86 busybox-static build-essential"
	done
	[ ! -e "$DIR/root" ] || die "$DIR has a guest already: stop it first"
	mkdir -p -- "$DIR"
	get_kernel
	make_initramfs
	# A box may have /dev/kvm and yet run no guest: it gets ten seconds to show that it does.
	if [ "$accel" != tcg ] && [ -w /dev/kvm ] && boot kvm 10; then return 0; fi
	[ "$accel" != kvm ] || die "the guest does not boot with KVM: $(tail -n 3 "$DIR/qemu.log" "$DIR/boot.log" 2>&1)"
	boot tcg 60 || die "the guest does not boot: $(tail -n 3 "$DIR/qemu.log" "$DIR/boot.log" 2>&1)"
}

[ $# -ge 2 ] || die "start|run|xfrm|stop DIR ...: see the head of this file"
ACTION=$1 DIR=$2
shift 2
case $ACTION in
start)
	[ $# -eq 2 ] || die "start DIR NS:DEVICE NS:DEVICE"
	NEAR=$1 FAR=$2
	start
	;;
run)
	running || die "no guest runs in $DIR"
	if [ $# -gt 0 ]; then printf '%s\n' "$*"; else cat; fi | "$PYTHON" "$VM/console.py" "$DIR/console" "${ESP_GUEST_WAIT:-60}"
	;;
xfrm)
	running || die "no guest runs in $DIR"
	"$PYTHON" "$VM/xfrm.py" "$@" | "$PYTHON" "$VM/console.py" "$DIR/console" 60
	;;
stop)
	halt
	rm -rf -- "$DIR"/{kernel,root,initramfs,boot.log,qemu.log,console,console.lock,pid,accel}
	;;
*) die "no action '$ACTION': start run xfrm stop" ;;
esac
