#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# The matrix of drivers-config/README.md says what the files say, and has a row for each.
set -euo pipefail
# shellcheck source=tests/lint/lint.sh
. "$(dirname -- "$0")/lint.sh"

while read -r finding; do found "$finding"; done < <("$PYTHON" - <<'PY'
import pathlib

import yaml

folder = pathlib.Path("drivers-config")
text = (folder / "README.md").read_text()


def word(value):
    return "yes" if value else "no"


rows = [line for line in text.splitlines() if line.startswith("| `net_")]
for path in sorted(folder.glob("*.yaml")):
    y = yaml.safe_load(path.read_text())
    cells = [f"`{y['driver']}`", y["summary"], y.get("kernel_driver") or "-", y["rx_queues_max"], word(y["rss"]), y["mtu_max"], word(y["tested"])]
    row = "| " + " | ".join(str(c) for c in cells) + " |"
    if row in rows:
        rows.remove(row)
    else:
        print(f"{folder}/README.md: this row is missing: {row}")
for row in rows:
    print(f"{folder}/README.md: no file says this: {row}")
PY
)
finish
