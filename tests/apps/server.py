# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program that was started by a scenario and goes on, and how things are waited for."""

import os
import re
import signal
import subprocess
import time

# Seconds that anything may take which will happen: that a server listens or ends, that a client has
# its answer. A busy machine takes ten times as long as an idle one, and is waited for.
PATIENCE = 60


class Failure(Exception):
    """An assertion does not hold."""


def wait_until(condition, what):
    """Wait until condition() is true; returns what it returned. what: is said to be missing."""
    deadline = time.monotonic() + PATIENCE
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise Failure(f"waited {PATIENCE} seconds in vain: {what}")
        time.sleep(0.02)
    return result


class Server:
    """A program that was started and goes on. Its output is in a file."""

    def __init__(self, process, log):
        self.process = process
        self.log = log

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        return self.log.read_text(errors="replace")

    def tell(self, number):
        os.kill(self.pid, number)

    def says(self, pattern):
        """Wait until the output has a match of the pattern; returns it."""
        return wait_until(lambda: re.search(pattern, self.output(), re.MULTILINE),
                          f"{pattern} in {self.log}")

    def wait(self):
        """Wait until it has ended by itself; returns its exit status."""
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.log.stem} goes on") from None

    def end(self, number=signal.SIGTERM, statuses=None, group=False):
        """Tell the server to end, and wait until it has. Any of the statuses is a clean end.

        group: tell its whole process group.
        """
        if self.process.poll() is not None:
            raise Failure(f"{self.log.stem} had ended before, with {self.process.returncode}")
        if group:
            os.killpg(self.pid, number)
        else:
            self.tell(number)
        status = self.wait()
        if status not in (statuses or (0, -number)):
            raise Failure(f"{self.log.stem} ends with {status} after signal {number}")
