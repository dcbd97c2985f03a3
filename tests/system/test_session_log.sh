#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The session log: one line of JSON for each session that ended, with how it ended; the file is moved away, its disk is full,
# lines come too fast: traffic goes on, and what was not written is counted.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
backend_start 1
server_start echo 7 echo.py
server_start resets 9 reset_peer.py
mkdir "$TMP/disk"
IDLE='    timeouts: {idle: 400ms}'
NOCHECK="    breaker: {enabled: no}
    health: {type: none}"
conf_begin
printf 'log:\n  to: file\n  file: %s\n  rate: 100k\n' "$TMP/disk/log" >>"$CONF"
conf_service web web "$VIP4:80" "[$VIP6]:80"
conf_service quiet web "$VIP4:81" -- '    log: no'
conf_service echo echo "$VIP4:7" -- "$IDLE"
conf_service few echo "$VIP4:8" -- '    limits: {connections: 1}'
conf_service resets resets "$VIP4:9"
conf_service refused refused "$VIP4:10"
conf_service nobody nobody "$VIP4:11"
conf_pool web b1=198.18.1.2:80 -- "$HEALTH_FAST"
conf_pool echo e=198.18.1.5:7 -- "$NOCHECK"
conf_pool resets r=198.18.1.5:9 -- "$NOCHECK"
conf_pool refused x=198.18.1.2:99 y=198.18.1.3:99 -- "$NOCHECK"
conf_pool nobody z=198.18.1.2:98 -- "$HEALTH_FAST"
conf_write
# The log's disk is small, and nobody's but the daemon's.
cat >"$TMP/weir-on-a-small-disk" <<-SH
	mount -t tmpfs -o size=192k none "$TMP/disk" && exec "$WEIR_BIN" "\$@"
SH
spawn weir in_lb bash "$TMP/weir-on-a-small-disk" -c "$CONF"
wait_for 30 "Weir to serve" weir_serves
DISK=/proc/${PID[weir]}/root$TMP/disk
wait_for 10 "b1 up" backend_is web b1 up
wait_for 10 "z down" backend_is nobody z down

raw() { in_client "$PYTHON" "$TOPO_DIR/raw_client.py" "$@"; }
log_field() { tel_field /weir/log "$1"; }
lines_are() { [ "$(cat "$DISK"/log* | jq -s length)" = "$1" ]; }
# one SERVICE TERMINATION [jq condition]: exactly one line of that service has that end.
one() {
	jq -se --arg s "$1" --arg t "$2" "[.[] | select(.service == \$s and .termination == \$t and (${3:-true}))] | length == 1" \
		"$DISK/log" >/dev/null || fail "no line of $1 with $2 ${3:-}: $(jq -c --arg s "$1" 'select(.service == $s)' "$DISK/log")"
}

# Every end.
get -f -o /dev/null "http://$VIP4/bytes/1k"
get -f -o /dev/null "http://[$VIP6]/"
get -f -o /dev/null "http://$VIP4:81/"
raw "$VIP4" 7 --send hello --read 5 --then reset >/dev/null
raw "$VIP4" 7 --send hello --read 5 | jq -e '.end == "reset"' >/dev/null || fail "idle for too long"
raw "$VIP4" 9 --send R | jq -e '.end == "reset"' >/dev/null || fail "a reset of the server"
raw "$VIP4" 10 --send x | jq -e '.end == "reset"' >/dev/null || fail "refused by the backends"
raw "$VIP4" 11 --send x | jq -e '.end == "reset"' >/dev/null || fail "no backend"
spawn first in_client "$PYTHON" "$TOPO_DIR/raw_client.py" "$VIP4" 8 --send hello
first_stands() { [ "$(tel /weir/conns service=few | jq '[.[] | select(.c_bytes_out == 5)] | length')" = 1 ]; }
wait_for 5 "the first of few" first_stands
raw "$VIP4" 8 --send x | jq -e '.end == "reset" or .end == "refused"' >/dev/null || fail "one too many"
act conn "kill=$(tel /weir/conns service=few | jq -r '.[0].id')"
wait_for 10 "all sessions to end" no_sessions
# Who is refused by a limit at its first packet never was a session.
event_seen limit_reached || fail "no event of the limit"
assert_eq "sessions on record" "$(counter records_pushed)" 8
wait_for 5 "all lines" lines_are 8
assert_eq "lines" "$(wc -l <"$DISK/log")" 8
one web -- '.bytes_in > 50 and .bytes_out > 1024 and .backend == "web/b1" and .tries == 1 and .first_byte_ms > 0 and .connect_ms > 0
	and .total_ms >= .first_byte_ms and .proxied == false and .client == .peer and (.client | startswith("198.18.0.2:")) and
	.local == "198.18.0.100:80" and (.time | test("^20[0-9-]*T[0-9:.]*Z$"))'
one web -- '(.client | startswith("[2001:db8::2]:")) and .local == "[2001:db8::100]:80"'
one echo CD '.bytes_in == 5 and .bytes_out == 5'
one echo cD '.total_ms >= 400'
one resets SR '.bytes_in == 1 and .bytes_out == 0'
one refused SC '.tries == 2'
one nobody UC '.backend == "" and .tries == 0'
one few KD
say "ends: $(jq -r .termination "$DISK/log" | sort | uniq -c | tr '\n' ' ')"

# Moved away under load: reopened, no line twice or missing.
spawn load in_client timeout 30 wrk -t1 -c4 -d4s -H 'Connection: close' "http://$VIP4:81/"
line_there() {
	get -f -o /dev/null "http://$VIP4/"
	[ -s "$DISK/log" ]
}
for i in 1 2 3; do
	mv "$DISK/log" "$DISK/log.$i"
	get -f -o /dev/null "http://$VIP4/"
	wait_for 5 "the file to be opened again" line_there
done
wait_for 10 "load to end" gone load
wait_for 10 "all sessions to end" no_sessions
wait_for 5 "all lines" lines_are "$(counter records_pushed)"
assert_ge "times that the file was opened" "$(log_field opened)" 4
[ "$(cat "$DISK"/log* | jq -r .session | wc -l)" = "$(log_field written)" ] || fail "written: $(log_field written)"
mv "$DISK/log" "$DISK/log.4"
opened=$(log_field opened)
kill -HUP "${PID[weir]}"
reopened() { [ "$(log_field opened)" -gt "$opened" ]; }
wait_for 5 "the file to be opened upon SIGHUP" reopened

# The disk is full: traffic goes on, lost lines are counted and told, and there are lines again when there is room.
spread 600 "http://$VIP4/" >"$TMP/full"
assert_eq "answers with a full disk" "$(tr '\n' ' ' <"$TMP/full")" "b1 600 "
accounted() { [ $(($(log_field written) + $(log_field lost))) = "$(counter records_pushed)" ]; }
wait_for 5 "all lines to be written or counted as lost" accounted
assert_ge "lines lost" "$(log_field lost_write)" 1
assert_eq "state of the log" "$(log_field state)" failing
wait_event 15 log_lost '.text | test("not taken.*No space")'
rm "$DISK"/log.?
opened=$(log_field opened)
: >"$DISK/log"
works_again() { get -f -o /dev/null "http://$VIP4/" && [ "$(log_field state)" = open ]; }
wait_for 10 "lines to be written again" works_again
jq -se 'length >= 1 and all(.termination == "--")' "$DISK/log" >/dev/null || fail "the log after the full disk: $(<"$DISK/log")"
say "full disk: $(log_field lost_write) lost"
# The same with a limit of file sizes.
lost=$(log_field lost_write)
prlimit --pid "${PID[weir]}" --fsize=1024:unlimited
assert_eq "answers with a file at its limit" "$(spread 20 "http://$VIP4/" | tr '\n' ' ')" "b1 20 "
wait_for 5 "all lines to be written or counted as lost" accounted
assert_ge "lines lost" $(($(log_field lost_write) - lost)) 10
prlimit --pid "${PID[weir]}" --fsize=unlimited:unlimited
wait_for 10 "lines to be written again" works_again

# More than log.rate: a sample, the rest counted.
sed -i 's/rate: 100k/rate: 20/' "$CONF"
act config/reload reload=now
lost=$(log_field lost)
written=$(log_field written)
spread 300 "http://$VIP4/" >/dev/null
wait_for 10 "all lines to be written or counted as lost" accounted
assert_eq "lines written or lost" $(($(log_field written) - written + $(log_field lost) - lost)) 300
assert_ge "lines above the rate" "$(log_field lost_rate)" 100
assert_ge "lines written" $(($(log_field written) - written)) 20
wait_event 15 log_lost '.text | test("above log.rate")'
ok "$(counter records_pushed) sessions: $(log_field written) lines, $(log_field lost) lost and counted"
