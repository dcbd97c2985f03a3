#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# No file includes a private header of another library, nor a public one that its library does not declare.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

order=()
check_file() { # FILE OWN_DIR ALLOWED_LIBS
	local inc where
	while read -r inc; do
		[ "$inc" = wr_version.h ] && continue
		[ -e "$2/$inc" ] || [ -e "$(dirname -- "$1")/$inc" ] && continue
		# What the programs share.
		[[ $1 == app/* && -e app/start/$inc ]] && continue
		where=$(cd lib && printf '%s\n' */"$inc" | head -n 1)
		case $inc in
		wr_*) ;;
		*) found "$1: includes \"$inc\", private to ${where%%/*}" && continue ;;
		esac
		[[ " $3 " == *" ${where%%/*} "* ]] || found "$1: includes \"$inc\" of ${where%%/*}, which meson.build does not declare"
	done < <(sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]+"([^"]+)".*/\1/p' "$1")
}
for build in lib/*/meson.build; do
	lib=$(basename -- "$(dirname -- "$build")")
	order+=("$lib")
	while read -r f; do check_file "$f" "lib/$lib" "$lib $(lib_deps "$lib")"; done < <(tree_files "lib/$lib/*.[ch]")
done
while read -r f; do check_file "$f" "$(dirname -- "$f")" "${order[*]}"; done < <(tree_files 'app/*.[ch]')
finish
