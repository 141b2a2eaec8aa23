# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a measurement is, and what all of them need."""

import math
import os
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path


# Seconds until a server is up, or has ended.
PATIENCE = 60


@dataclass
class Figure:
    """One line of the table. Without a limit, it is there for comparison."""
    what: str
    measured: str
    reference: str
    value: float
    unit: str = ''
    error: float = 0.0
    at_most: float | None = None
    at_least: float | None = None

    @property
    def misses(self):
        """Also when it is no number."""
        return ((self.at_most is not None and not self.value <= self.at_most) or
                (self.at_least is not None and not self.value >= self.at_least))

    @property
    def columns(self):
        def show(number):
            digits = 0 if abs(number) >= 100 else 1 if abs(number) >= 10 or self.unit else 3
            return f'{number:.{digits}f}{self.unit}'
        budget = (f'at most {show(self.at_most)}' if self.at_most is not None else
                  f'at least {show(self.at_least)}' if self.at_least is not None else '')
        verdict = 'MISSED' if self.misses else 'kept' if budget else ''
        value = show(self.value) + (f' ±{self.error:.3f}' if self.error else '')
        return [self.what, self.measured, self.reference, value, budget, verdict]


class Bench:
    """Where the programs are, and how much is to be measured."""

    def __init__(self, build, directory, smoke):
        self.build = Path(build).resolve()
        self.directory = Path(directory)
        self.smoke = smoke
        self.shim = self.installed(self.build / 'preload/libip2unix.so')
        self.generator = self.build / 'generator/ip2unix-generator'

    def program(self, name):
        return str(self.build / 'tests/bench' / f'bench-{name}')

    def installed(self, library):
        """A copy, as an installation has it. A file as the linker leaves it, written here and there,
        costs every process that maps it 5 µs more."""
        copy = self.directory / library.name
        if not copy.exists():
            shutil.copy(library, copy)
        return copy

    def preload(self, name):
        return str(self.installed(self.build / 'tests/bench' / f'bench-{name}.so'))

    def rounds(self, full, smoke):
        return smoke if self.smoke else full

    def lines(self, *command, **environment):
        """Run a program to its end. Returns its output's lines, split into words."""
        result = subprocess.run([str(word) for word in command], check=True, text=True, timeout=300,
                                stdout=subprocess.PIPE, env={'PATH': os.environ['PATH'],
                                                             **environment})
        return [line.split() for line in result.stdout.splitlines()]

    def activated(self, sockets, command, rules=None, **more):
        """Start a program on passed sockets (name to path), under the shim if there are rules."""
        environment = {'PATH': os.environ['PATH']}
        if rules is not None:
            environment |= {'TEST_PRELOAD': str(self.shim), 'IP2UNIX_RULES': rules}
        options = [word for name, path in sockets.items() for word in ('-l', f'{name}={path}')]
        return subprocess.Popen([str(self.build / 'tests/preload/activate'), '-x', '-n', '0',
                                 *options, '--', *(str(word) for word in command)],
                                env=environment, **more)


def quotient(measured, reference):
    """Not a number when there is nothing to compare with.

    A busy machine may have no time for it in the moment that a smoke run measures for.
    """
    return measured / reference if reference else math.nan


def wait_for(is_up, process, path):
    """Wait until a server is up that was started to serve that path. is_up: says whether it is."""
    deadline = time.monotonic() + PATIENCE
    while not is_up():
        if process.poll() is not None:
            raise RuntimeError(f'the server of {path} exits {process.returncode}')
        if time.monotonic() > deadline:
            raise RuntimeError(f'{path} does not come up')
        time.sleep(0.01)


def pin(processor):
    """Keep server and client apart where there are two processors, as far as others let us."""
    allowed = sorted(os.sched_getaffinity(0))
    return lambda: os.sched_setaffinity(0, {allowed[processor % len(allowed)]})


def stop(process):
    process.terminate()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def median_ratio(pairs):
    """Of what was measured one right after the other: slow times of the machine hit both.

    Returns the median, and its standard error as the median of the deviations tells it.
    """
    ratios = [quotient(measured, reference) for measured, reference in pairs]
    median = statistics.median(ratios)
    deviation = 1.4826 * statistics.median(abs(ratio - median) for ratio in ratios)
    return median, 1.2533 * deviation / len(ratios) ** 0.5
