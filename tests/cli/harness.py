# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the tests of ip2unix(1) share: running it, in a directory that goes away."""

import argparse
import fcntl
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / 'man'))
# pylint: disable=wrong-import-position,unused-import
import commands  # noqa: E402
from tap import Failure, Skip, Tap  # noqa: E402

MAKE_ELF = HERE.parent / 'common' / 'make-elf.py'


def equal(seen, wanted):
    if seen != wanted:
        raise Failure(f'wanted:\n{wanted}\nseen:\n{seen}')


def contains(seen, *wanted):
    for part in wanted:
        if part not in seen:
            raise Failure(f'wanted somewhere:\n{part}\nseen:\n{seen}')


class Cli:
    """A test: a scratch directory, and ip2unix run in it."""

    def __init__(self, options, directory):
        self.ip2unix = options.ip2unix
        self.library = options.library
        self.directory = Path(directory)
        self.environment = {'PATH': '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
                            'HOME': directory, 'LC_ALL': 'C.UTF-8'}

    def needs_library(self):
        if self.library is None:
            raise Skip('the library of a sanitizer build cannot be preloaded')

    def needs_root(self):
        if os.geteuid() != 0:
            raise Skip('needs root')

    def write(self, name, text, mode=0o644):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def run(self, *arguments, command=None, env=None, cwd=None, **more):
        more.setdefault('stdin', None if 'input' in more else subprocess.DEVNULL)
        return subprocess.run([command or self.ip2unix, *arguments], capture_output=True,
                              timeout=60, check=False, cwd=cwd or self.directory,
                              env={**self.environment, **(env or {})},
                              **({'text': True, 'errors': 'surrogateescape'} | more))

    def expect(self, status, stdout, stderr, *arguments, **more):
        """Run ip2unix: exit status and both outputs to the byte."""
        result = self.run(*arguments, **more)
        equal((result.returncode, result.stdout, result.stderr), (status, stdout, stderr))

    def expect_rules(self, stderr, *arguments, **more):
        """Check wrong rules: what is printed about them, to the byte."""
        self.expect(78, '', stderr, '-c', *arguments, **more)

    def on_terminal(self, columns, *arguments, env=None):
        """Run ip2unix on a terminal. Returns what it shows."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
        with subprocess.Popen([self.ip2unix, *arguments], stdin=theirs, stdout=theirs,
                              stderr=theirs, cwd=self.directory,
                              env={**self.environment, 'TERM': 'xterm', **(env or {})}) as process:
            os.close(theirs)
            seen = b''
            try:
                while chunk := os.read(ours, 65536):
                    seen += chunk
            except OSError:
                # The last process that had it open is gone.
                pass
            os.close(ours)
            process.wait(60)
        return seen.decode().replace('\r\n', '\n')


def main(tests):
    """Run test functions, which take a Cli and say in the first line of their text what holds."""
    parser = argparse.ArgumentParser()
    parser.add_argument('--ip2unix', type=os.path.abspath, required=True)
    parser.add_argument('--library', type=os.path.abspath,
                        help='the built library, left out when it cannot be preloaded')
    options = parser.parse_args()
    tap = Tap()
    for test in tests:
        with tempfile.TemporaryDirectory(prefix='ip2unix-cli-') as directory:
            tap.point(test.__doc__.split('\n')[0].rstrip('.'), test, Cli(options, directory))
    return tap.finish()
