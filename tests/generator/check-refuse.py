#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ip2unix-refuse prints, and how it exits.

    check-refuse.py REFUSE LIBRARY
"""

import os
import pathlib
import subprocess
import sys
import tempfile

REASON = '/etc/ip2unix.d/web.conf:3: unknown flag \'tpc\''
BARE = 'ip2unix: libip2unix.so is not preloaded here, so that the service would open its IP ports: '


def run(command, environment):
    """Returns exit status and what was printed, without the dynamic loader's own lines.

    In the environment {dev} and {ino} stand for the numbers of the file that stderr is.
    """
    with tempfile.TemporaryFile() as stderr:
        status = os.fstat(stderr.fileno())
        env = {name: value for name, value in os.environ.items()
               if name not in ('JOURNAL_STREAM', 'LD_PRELOAD')}
        for name, value in environment.items():
            env[name] = value.format(dev=status.st_dev, ino=status.st_ino)
        done = subprocess.run(command, env=env, stderr=stderr, stdout=subprocess.PIPE, check=False)
        stderr.seek(0)
        text = (done.stdout + stderr.read()).decode()
    lines = [line for line in text.splitlines(True) if 'ld.so: object' not in line]
    return done.returncode, ''.join(lines)


class Libraries:
    """Files that are no libraries, of the library's name: each in a directory of its own."""

    def __init__(self, directory, library):
        self.directory = pathlib.Path(directory)
        self.whole = pathlib.Path(library).read_bytes()

    def make(self, name, content=None):
        path = self.directory / name / 'libip2unix.so'
        path.parent.mkdir()
        if content is not None:
            path.write_bytes(content)
        return str(path)

    def foreign(self):
        """The library with another e_machine (elf(5))."""
        return self.whole[:18] + b'\xff\xff' + self.whole[20:]


def cases(refuse, library, libraries):
    """Yields name, command, environment, exit status, what is printed."""
    journal = '{dev}:{ino}'
    reason = [refuse, REASON]
    yield 'says why and exits with 78', reason, {}, 78, f'ip2unix: {REASON}\n'
    yield ('gives the journal a level', reason, {'JOURNAL_STREAM': journal}, 78,
           f'<3>ip2unix: {REASON}\n')
    yield ('knows when its stderr was redirected', reason, {'JOURNAL_STREAM': '{dev}:1'}, 78,
           f'ip2unix: {REASON}\n')
    yield ('is not misled by nonsense', reason, {'JOURNAL_STREAM': 'journal'}, 78,
           f'ip2unix: {REASON}\n')

    check = [refuse, '--unless-preloaded']
    rules = {'IP2UNIX_RULES': 'in,reject'}
    yield ('lets pass what the library is in', check, {'LD_PRELOAD': library, **rules}, 0, '')
    yield ('lets pass what other libraries are in too', check,
           {'LD_PRELOAD': f'{library}:/nonexistent.so', **rules}, 0, '')
    yield 'sees that nothing is preloaded', check, rules, 78, BARE + 'LD_PRELOAD was taken away\n'
    yield ('sees that something else is', check, {'LD_PRELOAD': '/other.so', **rules}, 78,
           BARE + "LD_PRELOAD was set to '/other.so'\n")
    yield ('gives the journal a level here too', check, {'JOURNAL_STREAM': journal}, 78,
           f'<3>{BARE}LD_PRELOAD was taken away\n')
    for status, seen in (('100', 100), ('255', 255), ('0', 78), ('256', 78), ('', 78), ('x', 78)):
        yield (f"exits as it is told, '{status}'", [refuse, f'--unless-preloaded={status}'], {},
               seen, BARE + 'LD_PRELOAD was taken away\n')

    broken = {
        'missing': (libraries.make('missing'), 'No such file or directory'),
        'empty': (libraries.make('empty', b''), 'not a shared library for this machine'),
        'text': (libraries.make('text', b'x' * 4096), 'not a shared library for this machine'),
        'foreign': (libraries.make('foreign', libraries.foreign()),
                    'not a shared library for this machine'),
    }
    for name, (path, why) in broken.items():
        yield (f'says of a library what it is: {name}', check,
               {'LD_PRELOAD': f'/other.so {path}', **rules}, 78, f'{BARE}{path}: {why}\n')

    yield 'tells its version', [refuse, '--version'], {}, 0, None
    yield 'tells what it is for', [refuse, '--help'], {}, 0, None


def main(refuse, library):
    failed = number = 0
    with tempfile.TemporaryDirectory(prefix='ip2unix-') as directory:
        for name, command, env, status, text in cases(refuse, library,
                                                      Libraries(directory, library)):
            seen = run(command, env)
            good = seen[0] == status and (seen[1] == text if text is not None else
                                          'ip2unix' in seen[1] and BARE not in seen[1])
            number += 1
            failed += not good
            print(f'{"" if good else "not "}ok {number} - {name}')
            if not good:
                print(f'# {seen}, not {(status, text)}')
    print(f'1..{number}')
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
