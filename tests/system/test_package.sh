#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The Debian package in a clean root that debootstrap makes: installed, started, upgraded while it serves,
# removed, purged, nothing left. The root is a chroot whose ports are veths in namespaces of the test; it has no
# systemd, so the unit itself is only verified by systemd-analyze. Run by scripts/test --all. WEIR_DEB: a package
# that is there already.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

command -v debootstrap >/dev/null || { echo "debootstrap is not installed"; exit 77; }
MIRROR=${WEIR_MIRROR:-http://deb.debian.org/debian}
curl -sfI --max-time 20 -o /dev/null "$MIRROR/dists/bookworm/Release" || { echo "no Debian mirror at $MIRROR"; exit 77; }

topo_up
backend_start 1
ROOT=$TMP/root
OLD=${WEIR_DEB:-$("$TREE/scripts/package" "$TMP/deb" 2>"$TMP/package.log")} || fail "scripts/package"
V=$(dpkg-deb -f "$OLD" Version)
# The same programs under a newer number: an upgrade is the packages', not the build's.
mkdir "$TMP/new"
dpkg-deb -R "$OLD" "$TMP/new/tree"
sed -i "s/^Version: .*/Version: $V+1/" "$TMP/new/tree/DEBIAN/control"
printf '# changed by the package\n' >>"$TMP/new/tree/etc/logrotate.d/weir"
NEW=$TMP/new/weir.deb
dpkg-deb --root-owner-group -Zgzip --build "$TMP/new/tree" "$NEW" >/dev/null
say "packages built"

debootstrap --variant=minbase bookworm "$ROOT" "$MIRROR" >"$TMP/debootstrap.log" 2>&1 || fail "debootstrap: $(tail -n 2 "$TMP/debootstrap.log")"
say "clean root made"

# in_root COMMAND...: there, with a /proc of its own that goes with it; mounts never outlive the command.
cat >"$TMP/enter" <<ENTER
#!/bin/sh
exec unshare --mount --propagation private -- /bin/sh -c '
	mount -t proc proc "\$0/proc" && mount -t sysfs -o ro sysfs "\$0/sys" && exec chroot "\$0" "\$@"
' '$ROOT' /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C DEBIAN_FRONTEND=noninteractive \
	\${http_proxy:+http_proxy="\$http_proxy"} "\$@"
ENTER
chmod 755 "$TMP/enter"
in_root() { "$TMP/enter" "$@"; }
printf '#!/bin/sh\nexit 101\n' >"$ROOT/usr/sbin/policy-rc.d"
chmod 755 "$ROOT/usr/sbin/policy-rc.d"
# What is there before: afterwards it must be the same but for the libraries that stay installed.
listing() { (cd "$ROOT" && find etc var/log run usr/share/weir usr/sbin/weir* usr/bin/weir* lib/systemd -name '*weir*' 2>/dev/null | sort); }
[ -z "$(listing)" ] || fail "the clean root has something of Weir: $(listing)"

# ---- install: starts nothing
cp "$OLD" "$ROOT/tmp/old.deb"
cp "$NEW" "$ROOT/tmp/new.deb"
in_root apt-get -qq install -y --no-install-recommends /tmp/old.deb >"$TMP/apt.log" 2>&1 || fail "install: $(tail -n 5 "$TMP/apt.log")"
in_root apt-get clean
[ ! -e "$ROOT/run/weir" ] || fail "installing started something"
assert_eq "user" "$(in_root getent passwd weir | cut -d: -f1,7)" "weir:/usr/sbin/nologin"
assert_eq "log folder" "$(in_root stat -c '%U:%G %a' /var/log/weir)" "weir:adm 2750"
in_root weir --check -c /etc/weir/example.yaml >/dev/null || fail "the example is not accepted"
for page in man8/weir.8 man8/weirctl.8 man5/weir.yaml.5 man7/weir-events.7 man7/weir-drops.7 man1/weir-gen.1; do
	[ -s "$ROOT/usr/share/man/$page.gz" ] || in_root grep -q path-exclude /etc/dpkg/dpkg.cfg.d/* || fail "no $page"
done
# shellcheck disable=SC2016
in_root bash -c '. /usr/share/bash-completion/completions/weirctl && complete -p weirctl' >/dev/null || fail "no completion"
if command -v systemd-analyze >/dev/null; then # with this box's systemd: the root has none
	sed "s,/usr/sbin/weir,$WEIR_BIN,g" "$ROOT/lib/systemd/system/weir@.service" >"$TMP/weir@.service"
	systemd-analyze verify --man=no "$TMP/weir@.service" >"$TMP/unit.log" 2>&1 || fail "the unit: $(<"$TMP/unit.log")"
	! grep 'weir@' "$TMP/unit.log" || fail "the unit: $(<"$TMP/unit.log")"
fi

# ---- start an instance
WEIR_MEMORY=plain
conf_begin '[0]' '  user: weir
  socket_group: weir'
printf 'log: {to: file, file: /var/log/weir/web.log}\n' >>"$CONF"
conf_service web web "$VIP4:80"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
conf_write
install -m 644 "$CONF" "$ROOT/etc/weir/web.yaml"
spawn weir in_lb "$TMP/enter" weir -c /etc/weir/web.yaml
status() { in_root weirctl -n "$INSTANCE" --json status 2>/dev/null | grep -q '"state": *"serving"'; }
wait_for 30 "the installed Weir to serve" status
wait_for 10 "an answer" get -f -o /dev/null "http://$VIP4/"
wait_for 5 "a line in the log" test -s "$ROOT/var/log/weir/web.log"
pid=$(<"$ROOT/run/weir/$INSTANCE.lock")
say "installed and serving, pid $pid"

# ---- upgrade: configuration kept, the instance left alone, a line says how to restart it
printf '# mine\n' >>"$ROOT/etc/weir/example.yaml"
in_root dpkg -i /tmp/new.deb >"$TMP/upgrade.log" 2>&1 || fail "upgrade: $(tail -n 5 "$TMP/upgrade.log")"
grep -q "instance $INSTANCE (pid $pid) runs version $V until it is restarted" "$TMP/upgrade.log" || fail "the upgrade does not say what runs: $(<"$TMP/upgrade.log")"
# shellcheck disable=SC2016
assert_eq "version" "$(in_root dpkg-query -W -f '${Version}' weir)" "$V+1"
grep -qx '# mine' "$ROOT/etc/weir/example.yaml" || fail "the upgrade changed a configuration"
cmp -s "$CONF" "$ROOT/etc/weir/web.yaml" || fail "the upgrade changed an instance's configuration"
grep -qx '# changed by the package' "$ROOT/etc/logrotate.d/weir" || fail "an untouched file was not upgraded"
assert_eq "pid after the upgrade" "$(<"$ROOT/run/weir/$INSTANCE.lock")" "$pid"
get -f -o /dev/null "http://$VIP4/" || fail "the upgrade broke the service"
in_root dpkg --verify weir >"$TMP/verify.log" || :
assert_eq "files that differ from the package" "$(awk '{ print $NF }' "$TMP/verify.log")" /etc/weir/example.yaml

# ---- remove: the instance ends drained, configuration stays
in_root dpkg -r weir >"$TMP/remove.log" 2>&1 || fail "remove: $(tail -n 5 "$TMP/remove.log")"
gone weir || fail "the instance runs on after the removal"
code=0
wait "${PID[weir]}" || code=$?
unset 'PID[weir]'
assert_eq "exit code of the instance" "$code" 0
[ -e "$ROOT/etc/weir/web.yaml" ] || fail "the removal took a configuration"
[ ! -e "$ROOT/usr/sbin/weir" ] || fail "the removal left the program"

# ---- purge: nothing left
in_root dpkg -P weir >"$TMP/purge.log" 2>&1 || fail "purge: $(tail -n 5 "$TMP/purge.log")"
assert_eq "what is left" "$(listing)" ""
! in_root getent passwd weir || fail "the user is left"
! in_root getent group weir || fail "the group is left"
ok "installed, served, upgraded, removed, purged"
