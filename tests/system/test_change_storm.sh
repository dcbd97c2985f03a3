#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# A thousand changes a second under load: weights, drains, backends that come and go. Each is answered and shows at once, and no
# client notices. STORM_SECONDS: how long (2); STORM_RATE: changes a second (1000); a busy machine takes longer.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

STORM_SECONDS=${STORM_SECONDS:-2}
topo_up
for n in 1 2 3; do backend_start "$n"; done
# Fifty more, which are one nginx.
mkdir "$TMP/more"
{
	printf 'daemon off; master_process off; pid %s/pid; events { worker_connections 20000; }\n' "$TMP/more"
	printf 'http { access_log off; keepalive_requests 1000000000; keepalive_timeout 600s; default_type text/plain; server {\n'
	for kind in client_body proxy fastcgi uwsgi scgi; do printf '%s_temp_path %s/%s;\n' "$kind" "$TMP/more" "$kind"; done
	for p in {1001..1050}; do printf 'listen 198.18.1.5:%s backlog=4096;\n' "$p"; done
	printf 'location / { return 200 "more\\n"; } } }\n'
} >"$TMP/more/nginx.conf"
spawn more in_backend nginx -e "$TMP/more/error.log" -c "$TMP/more/nginx.conf" -p "$TMP/more"
wait_for 10 "fifty ports to listen" listens 1050
# Checks that a busy machine does not fail.
HEALTH_FAST='    health: {type: tcp, interval: 200ms, timeout: 2s, rise: 1, fall: 5}'
conf_web
weir_start
wait_for 10 "all backends up" all_up

spawn keep in_client timeout 120 wrk -t1 -c16 -d100s --timeout 10s "http://$VIP4/"
spawn short in_client timeout 120 wrk -t1 -c8 -d100s --timeout 10s -H 'Connection: close' "http://[$VIP6]/"
flows() { [ "$(counter sessions_opened)" -gt 200 ]; }
wait_for 10 "load" flows
code=0
timeout 80 "$PYTHON" "$TOPO_DIR/change_storm.py" "$INSTANCE" web "${STORM_RATE:-1000}" "$STORM_SECONDS" 198.18.1.5 1001 >"$TMP/storm" || code=$?
say "$(<"$TMP/storm")"
[ "$code" = 0 ] || fail "changes were refused or did not show"
for l in keep short; do
	stop "$l" INT || :
	! grep -E 'Socket errors|Non-2xx' "$TMP/$l.log" || fail "clients of $l noticed: $(tail -n 6 "$TMP/$l.log")"
	say "$l: $(grep -E 'Requests/sec' "$TMP/$l.log")"
done
assert_ge "changes" "$(jq .changes "$TMP/storm")" $((${STORM_RATE:-1000} * STORM_SECONDS))
# Who was removed is gone when its sessions are; who was there serves.
ours_alone() { [ "$(tel /weir/backends | jq -r '[.[] | select(.state != "leaving") | .name] | sort | join(" ")')" = "b1 b2 b3" ]; }
wait_for 20 "removed backends to be gone" ours_alone
assert_eq "sessions that were reset by backends" "$(tel_sum /weir/services resets_backend)" 0
event_seen backend_drained || fail "no backend drained"
no_event backend_drained 'has("scope") | not' || fail "events of removed backends do not say whose"
assert_ge "answers" "$(spread 30 "http://$VIP4/" | awk '{ n += $2 } END { print n }')" 30
ok "$(jq .changes "$TMP/storm") changes, $(jq .per_second "$TMP/storm") a second; p99 $(jq .answer_p99_ms "$TMP/storm") ms to the answer, $(jq .shows_p99_ms "$TMP/storm") ms until it showed"
