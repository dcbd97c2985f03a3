#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The manual says what is there: its configurations pass `weir --check`; commands, settings, events and reasons that it and the
# runbook name exist. Without built programs only what needs none is looked at.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

dir=$(build_dir release)/app
weir=${WEIR:-$dir/weir} weirctl=${WEIRCTL:-$dir/weirctl}
mapfile -t texts < <(tree_files 'app/manual/*.md' lib/stats/wr_cure.def)

# words REGEX: what matches in the manual and the runbook's rows, each once.
words() { grep -ohE "$1" -- "${texts[@]}" | sort -u || :; }

for text in "${texts[@]}"; do
	n=$(wc -l <"$text")
	[ "$n" -le 250 ] || found "$text: $n lines; it is two texts"
	while read -r link; do
		[ -e "$(dirname -- "$text")/${link%%#*}" ] || found "$text: no $link"
	done < <(grep -oE '\]\([a-z][^):]*\)' -- "$text" | sed 's/^](//; s/)$//' || :)
done

while read -r name; do
	grep -qE "^WR_EVENT\($name," lib/stats/wr_event.def || found "kind=$name: no such event"
done < <(words 'kind=[a-z_]+' | sed 's/kind=//')
while read -r name; do
	grep -qE "^WR_QUEUE\($name," lib/pressure/wr_queue.def || found "queue=$name: no such queue"
done < <(words 'queue=[a-z_]+' | sed 's/queue=//')

if [ -x "$weir" ]; then
	while read -r yaml; do
		"$weir" --check -c "$yaml" >/dev/null 2>&1 || found "$("$weir" --check -c "$yaml" 2>&1)"
	done < <(tree_files 'app/manual/*.yaml')
	reference=$("$weir" --help-config)
	while read -r setting; do
		grep -qxE "${setting//[\[\].]/.}(\[\])?" <<<"$reference" || found "$setting: no such setting"
	done < <(words '\b(services|pools|ports|routes)\[\]\.[a-z_.]*[a-z_0-9]|\b(runtime|pressure|access|limits|log)\.[a-z_.]*[a-z_0-9]' | grep -vE '^log\.[a-z]+\.|^limits\.client')
fi
if [ -x "$weirctl" ]; then
	help=$("$weirctl" --help)
	while read -r command; do
		grep -qE "^  $command( |$)" <<<"$help" || found "weirctl $command: no such command"
	done < <(words 'weirctl (-n [A-Z]+ )?[a-z]+' | sed 's/.* //' | grep -vxE 'finds|prints|commands|person')
fi
finish
