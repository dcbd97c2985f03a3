#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Who may connect: denied by the file, denied and let in again by an operator, for a time; what lives goes on, and nothing that
# would cut Weir's own off is taken.
set -euo pipefail
# shellcheck source=tests/support/topo.sh
. "$(dirname -- "$0")/../support/topo.sh"

topo_up
for n in 1 2 3; do backend_start "$n"; done
ip -n "$NS_CLIENT" addr add 198.18.0.3/24 dev c0
ip -n "$NS_CLIENT" addr add 198.18.0.4/24 dev c0
ip -n "$NS_CLIENT" addr add 2001:db8::3/64 dev c0 nodad
conf_web
cat >>"$CONF" <<-YAML
	access: {deny: [198.18.0.3/32, "2001:db8::3/128"]}
YAML
weir_start
wait_for 10 "all backends up" all_up

from() { get --connect-timeout 1 -o /dev/null --interface "$1" "$2" 2>/dev/null; }

from 198.18.0.2 "http://$VIP4/" || fail "a source that no rule names was not served"
! from 198.18.0.3 "http://$VIP4/" || fail "a denied source was served"
! from 2001:db8::3 "http://[$VIP6]/" || fail "a denied IPv6 source was served"
assert_ge "requests denied" "$(drop_count syn_denied)" 2

# An operator denies a source with a session that lives: new ones are dropped, the session ends whole.
spawn dl in_client timeout 60 curl -s --interface 198.18.0.4 --limit-rate 4M -o "$TMP/16m" "http://$VIP4/bytes/16m"
has_session() { [ "$(sessions_now)" -ge 1 ]; }
wait_for 10 "the download to begin" has_session
act access "deny=198.18.0.4/32"
! from 198.18.0.4 "http://$VIP4/" || fail "a source denied by an operator was served"
wait_for 60 "the download" gone dl
wait "${PID[dl]}" || fail "the download broke off when its client was denied"
unset 'PID[dl]'
cmp "$TMP/16m" "$TMP/www/bytes/16m" || fail "the download arrived changed"
act access "remove=198.18.0.4/32"
from 198.18.0.4 "http://$VIP4/" || fail "a source was not served after its rule was removed"

# For a time.
act access "deny=198.18.0.4/32,all,1"
! from 198.18.0.4 "http://$VIP4/" || fail "a source denied for a second was served at once"
wait_event 10 access_expired
from 198.18.0.4 "http://$VIP4/" || fail "a source was not served after its rule ended"

# A longer prefix lets one of a denied range in, and a service can be named.
act access "deny=198.18.0.4/30,web"
! from 198.18.0.4 "http://$VIP4/" || fail "a source of a denied range was served"
act access "allow=198.18.0.4/32,web"
from 198.18.0.4 "http://$VIP4/" || fail "a longer prefix did not let its source in"

for wrong in "deny=198.18.0.0/33" "deny=" "deny=198.18.0.9/32,nobody" "remove=198.18.0.3/32" "remove=198.18.0.99/32" "explode=198.18.0.9/32" \
	"deny=198.18.1.2/32" "deny=0.0.0.0/0"; do
	refused access "$wrong" || fail "/weir/access,$wrong was not refused: $(tel /weir/access "$wrong")"
done
from 198.18.0.2 "http://$VIP4/" || fail "served no longer after wrong orders"
ok "access rules"
