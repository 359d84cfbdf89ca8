#!/usr/bin/env python3
# Verifies a root folder again and again, each time with one bit of one of its files flipped, or as it is. Reads one
# JSON object a line, {"file", "offset", "bit"} or {}, and answers each by one with what was found.
#
#   corruptions.py ROOT

from __future__ import annotations

import json
import sys
import threading
from pathlib import Path

sys.dont_write_bytecode = True

from reader import verify
from report import Report


def findings(root: Path) -> dict:
    report = Report()
    try:
        verify(root, [], [], report)
    except RecursionError:
        report.damaged("reader", "too deep")
    return {"damage": report.damage, "remarks": report.remarks}


def answer(root: Path, wanted: dict) -> dict:
    if "file" not in wanted:
        return findings(root)
    path = root / wanted["file"]
    with path.open("r+b") as file:
        file.seek(wanted["offset"])
        good = file.read(1)
        file.seek(wanted["offset"])
        file.write(bytes([good[0] ^ 1 << wanted["bit"]]))
    try:
        return findings(root)
    finally:
        with path.open("r+b") as file:
            file.seek(wanted["offset"])
            file.write(good)


def main() -> None:
    root = Path(sys.argv[1])
    for line in sys.stdin:
        print(json.dumps(answer(root, json.loads(line))), flush=True)


if __name__ == "__main__":
    sys.setrecursionlimit(200_000)
    threading.stack_size(512 * 1024 * 1024)
    thread = threading.Thread(target=main)
    thread.start()
    thread.join()
