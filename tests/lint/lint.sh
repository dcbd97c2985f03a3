# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
# What the lints of tests/lint share. Each lint prints one line a finding and exits 1 when there is any.

# shellcheck source=scripts/common.sh
. "$(dirname -- "${BASH_SOURCE[0]}")/../../scripts/common.sh"

# tree_files PATTERN...: files of the tree, committed or not yet, that are not ignored.
tree_files() { git -c safe.directory="*" ls-files -co --exclude-standard -- "$@" | while read -r f; do [ ! -f "$f" ] || printf '%s\n' "$f"; done; }

c_files() { tree_files 'lib/*.c' 'lib/*.h' 'app/*.c' 'app/*.h' 'tests/*.c' 'tests/*.h'; }
shell_files() {
	tree_files scripts .ci tests | while read -r f; do
		case $f in
		*.sh) printf '%s\n' "$f" ;;
		*) if head -c 64 -- "$f" | head -n 1 | grep -q '^#!.*bash'; then printf '%s\n' "$f"; fi ;;
		esac
	done
}
python_files() { tree_files '*.py'; }

findings=0
found() {
	printf '%s\n' "$*"
	findings=$((findings + 1))
}

finish() {
	[ "$findings" -eq 0 ] || {
		printf '%d findings\n' "$findings"
		exit 1
	}
	exit 0
}

# lib_deps NAME: libraries that lib/NAME declares.
lib_deps() { sed -n "s/^deps = \[\(.*\)\]$/\1/p" "lib/$1/meson.build" | tr -d "' " | tr ',' ' '; }
