#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Count what ran: tally.py DIRECTORY

Reads the logs that meson test writes (*.json) and plain TAP (*.tap). Prints the points that failed
and, at last, one line "N passed, N failed, N skipped". A program that crashed, took too long or
printed fewer points than it planned counts as failed even if all that it printed is ok. Building is
no test: of build-*.tap failures alone are counted. Ends with 1 when anything failed or nothing ran.

What has failed may have been run once more, alone: NAME-again.json has the results that count then.
What passes at the second turn alone is listed as unsteady, with what it said at first.

    tally.py --failed LOG

prints the names of the tests that failed in a log of meson's, a line each.
"""

import glob
import json
import os
import re
import sys
from itertools import takewhile

BAD = ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS")
UNSTEADY = re.compile(r"# UNSTEADY (.*)")
POINT = re.compile(r"(not )?ok\b\s*\d*\s*(.*)")
DIRECTIVE = re.compile(r"#\s*(skip|todo)", re.IGNORECASE)
PLAN = re.compile(r"1\.\.(\d+)\s*(#\s*skip.*)?", re.IGNORECASE)
DIAGNOSTICS_MAX = 80


class Tally:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.unsteady = 0

    def passed_later(self, what, diagnostics):
        """What failed and then passed: for people to read, since there is a fault somewhere."""
        self.unsteady += 1
        print(f"unsteady - {what}: failed at first")
        for line in diagnostics[:DIAGNOSTICS_MAX]:
            print(f"  {line}")

    def fail(self, what, diagnostics=()):
        self.failed += 1
        print(f"not ok - {what}")
        for line in diagnostics[:DIAGNOSTICS_MAX]:
            print(f"  {line}")

    def tap(self, where, text):
        """Count the points of one program. Returns whether it is TAP, and whether any failed."""
        before, seen, planned, failing = self.failed, 0, None, None
        lines = text.splitlines()
        for number, line in enumerate(lines):
            if unsteady := UNSTEADY.fullmatch(line):
                first = takewhile(lambda line: line.startswith("#   "), lines[number + 1 :])
                self.passed_later(f"{where}: {unsteady[1]}", list(first))
        for line in [*lines, ""]:
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
            self.fail(f"{where}: point {missing + 1} never came", lines[-10:])
        return planned is not None or seen > 0, self.failed > before

    def test(self, where, test):
        """Count one test of a log of meson's."""
        output = test.get("stdout", "")
        is_tap, any_failed = self.tap(where, output)
        bad = test["result"] in BAD
        tail = tail_of(test)
        if bad and not any_failed:
            self.fail(f"{where}: {test['result']}, exit status {test['returncode']}", tail)
        elif not is_tap and not bad:
            self.skipped += test["result"] == "SKIP"
            self.passed += test["result"] != "SKIP"


def tail_of(test):
    return (test.get("stdout", "") + test.get("stderr", "")).splitlines()[-DIAGNOSTICS_MAX:]


def tests_of(path):
    """The tests of a log of meson's; none where there is no such log."""
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8", errors="replace") as log:
        return [json.loads(line) for line in log]


def count_log(tally, path, name):
    again = {test["name"]: test for test in tests_of(path.removesuffix(".json") + "-again.json")}
    for test in tests_of(path):
        second = again.get(test["name"], test)
        if second is not test and second["result"] not in BAD:
            tally.passed_later(f"{name}: {test['name']}", tail_of(test))
        tally.test(f"{name}: {test['name']}", second)


def main():
    if sys.argv[1] == "--failed":
        print("\n".join(test["name"] for test in tests_of(sys.argv[2]) if test["result"] in BAD))
        return 0
    tally = Tally()
    print()
    for path in sorted(glob.glob(f"{sys.argv[1]}/*")):
        name, suffix = os.path.splitext(os.path.basename(path))
        if suffix == ".json" and not name.endswith("-again"):
            count_log(tally, path, name)
        elif suffix == ".tap":
            passed = tally.passed
            with open(path, encoding="utf-8", errors="replace") as log:
                tally.tap(name, log.read())
            if name.startswith("build-"):
                tally.passed = passed
    if tally.unsteady:
        print(f"{tally.unsteady} of those that passed failed at first: see 'unsteady' above")
    print(f"{tally.passed} passed, {tally.failed} failed, {tally.skipped} skipped")
    return 1 if tally.failed or not tally.passed else 0


if __name__ == "__main__":
    sys.exit(main())
