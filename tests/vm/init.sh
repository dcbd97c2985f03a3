#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# The guest's first process: modules, a quiet network, and a shell on the second serial line that console.py speaks to.
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
while read -r module; do
	insmod "/modules/$module" || echo "esp_guest: $module was not loaded"
done </modules/order
for key in net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 \
	net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0 net.ipv6.conf.default.accept_ra=0; do
	sysctl -qw "$key"
done
for dev in lo eth0 eth1; do ip link set "$dev" up; done
mkdir -p /tmp /www
echo guest >/www/index.html
head -c 1024 /dev/urandom >/www/1k
head -c 1048576 /dev/urandom >/www/1m
httpd -p '[::]:80' -h /www

# A script comes as lines of base64, a word that names it after `#` ends it; its output goes back the same way, and `=NAME CODE`.
exec </dev/ttyS1 >/dev/ttyS1 2>/dev/ttyS0
stty raw -echo
: >/tmp/script
while read -r line; do
	case $line in
	\#*)
		echo 'ip() { /iproute2/ip "$@"; }' >/tmp/script.sh
		base64 -d </tmp/script >>/tmp/script.sh
		sh /tmp/script.sh </dev/null >/tmp/output 2>&1
		code=$?
		base64 </tmp/output
		echo "=${line#?} $code"
		: >/tmp/script
		;;
	*) echo "$line" >>/tmp/script ;;
	esac
done
poweroff -f
