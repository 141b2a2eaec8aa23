#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Count what ran: tally.py DIRECTORY

Reads the logs that meson test writes (*.json) and plain TAP (*.tap). Prints the points that failed
and, at last, one line "N passed, N failed, N skipped". A program that crashed, took too long or
printed fewer points than it planned counts as failed even if all that it printed is ok. Building is
no test: of build-*.tap failures alone are counted. Ends with 1 when anything failed or nothing ran.
"""

import glob
import json
import os
import re
import sys

POINT = re.compile(r"(not )?ok\b\s*\d*\s*(.*)")
DIRECTIVE = re.compile(r"#\s*(skip|todo)", re.IGNORECASE)
PLAN = re.compile(r"1\.\.(\d+)\s*(#\s*skip.*)?", re.IGNORECASE)
DIAGNOSTICS_MAX = 80


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def fail(self, what, diagnostics=()):
        self.failed += 1
        print(f"not ok - {what}")
        for line in diagnostics[:DIAGNOSTICS_MAX]:
            print(f"  {line}")

    def tap(self, where, text):
        """Count the points of one program. Returns whether it is TAP, and whether any failed."""
        before, seen, planned, failing = self.failed, 0, None, None
        for line in [*text.splitlines(), ""]:
            if failing and not line.startswith("#"):
                self.fail(*failing)
                failing = None
            elif failing:
                failing[1].append(line)
            if plan := PLAN.fullmatch(line):
                planned = (planned or 0) + int(plan[1])
                self.skipped += bool(plan[2])
            elif point := POINT.fullmatch(line):
                seen += 1
                if DIRECTIVE.search(point[2]):
                    self.skipped += 1
                elif point[1]:
                    failing = (f"{where}: {point[2].removeprefix('- ')}", [])
                else:
                    self.passed += 1
        for missing in range(seen, planned or 0):
            self.fail(f"{where}: point {missing + 1} never came", text.splitlines()[-10:])
        return planned is not None or seen > 0, self.failed > before

    def test(self, where, test):
        """Count one test of a log of meson's."""
        output = test.get("stdout", "")
        is_tap, any_failed = self.tap(where, output)
        bad = test["result"] in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS")
        tail = (output + test.get("stderr", "")).splitlines()[-DIAGNOSTICS_MAX:]
        if bad and not any_failed:
            self.fail(f"{where}: {test['result']}, exit status {test['returncode']}", tail)
        elif not is_tap and not bad:
            self.skipped += test["result"] == "SKIP"
            self.passed += test["result"] != "SKIP"


def main():
    tally = Tally()
    print()
    for path in sorted(glob.glob(f"{sys.argv[1]}/*")):
        name, suffix = os.path.splitext(os.path.basename(path))
        with open(path, encoding="utf-8", errors="replace") as log:
            if suffix == ".json":
                for line in log:
                    test = json.loads(line)
                    tally.test(f"{name}: {test['name']}", test)
            elif suffix == ".tap":
                passed = tally.passed
                tally.tap(name, log.read())
                if name.startswith("build-"):
                    tally.passed = passed
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
