#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run one file of CPython's test suite and write down how each test ends.

    cpython_file.py NAME REPORT [RESOURCE]...

REPORT gets one JSON object a line, as things happen, so that a crash loses nothing of what came
before:

    {"start": ID}                                      a test begins
    {"end": ID, "outcome": …, "reason": …, "subtests": N, "seconds": S}
    {"uncaught": TEXT}                                 an exception that a thread ended with
    {"traffic": {KIND: N, …}}                          the last line: TCP connections and UDP
                                                       datagrams in this network namespace, as the
                                                       kernel counted

It knows nothing of ip2unix, and is the same program bare and under rules. RESOURCE is one of those
that test.support knows; without "network", tests that need the Internet are skipped.
"""

import faulthandler
import importlib
import json
import sys
import threading
import time
import traceback
import unittest

from test import support

from kernel import counters, udp_datagrams

# A hanging test ends its file with a traceback of every thread.
FILE_TIMEOUT = 300
# Seconds that tests give what takes a moment on an idle machine. (LOOPBACK_TIMEOUT stays: tests of
# time-outs wait for its end.)
PATIENCE = 60


class Report(unittest.TestResult):
    """Results as lines of JSON. The worst thing that happens to a test is its outcome."""

    def __init__(self, stream):
        super().__init__()
        self.stream = stream
        self.lock = threading.Lock()
        self.current = None

    def write(self, **fields):
        with self.lock:
            print(json.dumps(fields), file=self.stream, flush=True)

    def begin(self, test):
        self.current = {
            "end": test.id(),
            "outcome": "pass",
            "reason": "",
            "subtests": 0,
            "seconds": 0,
        }
        self.started = time.monotonic()
        self.write(start=test.id())

    def finish(self):
        self.current["seconds"] = round(time.monotonic() - self.started, 4)
        self.write(**self.current)
        self.current = None

    def startTest(self, test):
        super().startTest(test)
        self.begin(test)

    def stopTest(self, test):
        super().stopTest(test)
        self.finish()

    def note(self, test, outcome, reason):
        # What fails in setUpClass() or setUpModule() is no test that has been started.
        outside = self.current is None
        if outside:
            self.begin(test)
        if self.current["outcome"] != "fail":
            self.current.update(outcome=outcome, reason=reason)
        if outside:
            self.finish()

    def addError(self, test, err):
        self.note(test, "fail", "".join(traceback.format_exception(*err)))

    addFailure = addError

    def addSkip(self, test, reason):
        self.note(test, "skip", reason)

    def addExpectedFailure(self, test, err):
        self.note(test, "expected failure", "")

    def addUnexpectedSuccess(self, test):
        self.note(test, "unexpected success", "")

    def addSubTest(self, test, subtest, err):
        if err is None:
            self.current["subtests"] += 1
        else:
            self.addError(subtest, err)

    def uncaught(self, args):
        self.write(
            uncaught="".join(
                traceback.format_exception(args.exc_type, args.exc_value, args.exc_traceback)
            )
        )


def traffic():
    counted = counters()
    return {
        "TCP connections": counted["TcpActiveOpens"] + counted["TcpPassiveOpens"],
        "UDP datagrams": udp_datagrams(),
    }


def run(name, report):
    try:
        module = importlib.import_module("test." + name)
    except unittest.SkipTest as skip:
        report.write(end=name, outcome="skip", reason=str(skip), subtests=0, seconds=0)
        return
    unittest.defaultTestLoader.loadTestsFromModule(module).run(report)
    support.reap_children()


def main():
    name, path, *resources = sys.argv[1:]
    faulthandler.dump_traceback_later(FILE_TIMEOUT, exit=True)
    faulthandler.enable()
    support.verbose = 0
    support.use_resources = resources
    support.SHORT_TIMEOUT = PATIENCE
    with open(path, "w", encoding="utf-8", buffering=1) as stream:
        report = Report(stream)
        threading.excepthook = report.uncaught
        run(name, report)
        report.write(traffic=traffic())


if __name__ == "__main__":
    main()
