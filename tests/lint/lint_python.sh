#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# Every Python file parses, and imports nothing but the standard library, scapy, python3-cryptography and what lies beside it.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

mapfile -t files < <(python_files)
"$PYTHON" - "${files[@]}" <<'PY'
import ast
import pathlib
import sys

bad = 0
for name in sys.argv[1:]:
    path = pathlib.Path(name)
    try:
        tree = ast.parse(path.read_text(), name)
    except SyntaxError as error:
        print(f"{name}:{error.lineno}: {error.msg}")
        bad += 1
        continue
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for module in (n.split(".")[0] for n in names):
            beside = any((path.parent / at / f"{module}.py").exists() for at in ("", "../support"))
            if module not in sys.stdlib_module_names and module not in ("scapy", "cryptography", "yaml") and not beside:
                print(f"{name}:{node.lineno}: imports {module}")
                bad += 1
sys.exit(1 if bad else 0)
PY
