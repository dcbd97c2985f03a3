#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# A script that can never fail proves nothing, and one that fails without a reason helps nobody:
#   bad/*.txt  cannot be read: refused with the line and the words of "# says LINE: TEXT"
#   bad/*.pkt  expect what is not so: fail in every variant, with the words of "# says: TEXT"
#   all other scripts, with each expectation made wrong in turn: fail
# selftest.sh RUNNER FOLDER
set -u
run=$1
dir=$2
bad=0
count=0

complain() {
	echo "$1"
	bad=1
}

for f in "$dir"/bad/*.txt; do
	count=$((count + 1))
	line=$(sed -n '1s/^# says \([0-9]*\): .*/\1/p' "$f")
	says=$(sed -n '1s/^# says [0-9]*: //p' "$f")
	out=$("$run" --check "$f") && complain "$f: is read, but must be refused"
	[ "$line" = 0 ] || says="$f:$line: $says"
	case $out in
	*"$says"*) ;;
	*) complain "$f: must be refused with '$says', but: $out" ;;
	esac
done

for f in "$dir"/bad/*.pkt; do
	count=$((count + 1))
	says=$(sed -n '1s/^# says: //p' "$f")
	"$run" --expect-failure "$f" >/dev/null || complain "$f: does not fail in every variant"
	out=$("$run" --variant v6,fffffff0,ts,sack "$f")
	case $out in
	*"$says"*) ;;
	*) complain "$f: must fail with '$says', but: $out" ;;
	esac
done

"$run" --spoil "$dir" || bad=1
[ "$bad" = 0 ] && echo "$count bad scripts, all refused or failed as they must"
exit "$bad"
