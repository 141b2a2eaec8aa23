#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run the generator over folders, and compare what it makes with what it should make.

A case is a folder below cases/:

    in/      the root that the generator looks at (IP2UNIX_ROOT)
    setup    a script that adds to a copy of it what git can't hold; it runs in that copy, and finds
             the tools of ../common in $TOOLS, the library in $LIBRARY, the output directory in $OUT
    args     the arguments, "@OUT@" when there is no such file
    env      more environment, NAME=VALUE a line
    out/     all that must be in the output directory afterwards
    stderr   all that must have been printed there
    stdout   the same
    status   the exit status, 0 when there is no such file

In args, env, out/ and stderr @OUT@ stands for the output directory, @ROOT@ for the copy of in/,
@LIBRARY@ and @REFUSE@ for the files that the build knows. Folders that would be empty are left out.

    run-cases.py [--update] GENERATOR LIBRARY REFUSE [CASE...]

--update writes out/, stderr, stdout and status from what happens. Read the difference before committing it.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent


def tree(directory):
    """Everything below a directory: {path: text of a file or 'link: TARGET'}."""
    found = {}
    for path in sorted(directory.rglob('*')):
        name = str(path.relative_to(directory))
        if path.is_symlink():
            found[name] = f'link: {os.readlink(path)}\n'
        elif path.is_file():
            found[name] = path.read_bytes().decode('utf-8', 'surrogateescape')
    return found


def write_tree(directory, files):
    shutil.rmtree(directory, ignore_errors=True)
    for name, text in files.items():
        path = directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if text.startswith('link: '):
            path.symlink_to(text.removeprefix('link: ').rstrip('\n'))
        else:
            path.write_bytes(text.encode('utf-8', 'surrogateescape'))


def write_text(path, text):
    path.unlink(missing_ok=True)
    if text:
        path.write_text(text)


class Case:
    def __init__(self, directory, generator, library, refuse):
        self.directory = directory
        self.generator = generator
        self.names = {'@LIBRARY@': library, '@REFUSE@': refuse}

    def read(self, name, default=''):
        path = self.directory / name
        return path.read_text() if path.exists() else default

    def fill(self, text):
        for name, value in self.names.items():
            text = text.replace(name, value)
        return text

    def blank(self, text):
        for name, value in self.names.items():
            text = text.replace(value, name)
        return text

    def run(self, scratch):
        """Returns (files, printed, status) as the case has them."""
        root, out = scratch / 'root', scratch / 'out'
        self.names.update({'@ROOT@': str(root), '@OUT@': str(out)})
        out.mkdir()
        if (self.directory / 'in').exists():
            shutil.copytree(self.directory / 'in', root, symlinks=True)
        else:
            root.mkdir()
        env = {'PATH': os.environ['PATH'], 'IP2UNIX_ROOT': str(root), 'SYSTEMD_SCOPE': 'system',
               'TOOLS': str(HERE.parent / 'common'), 'OUT': str(out),
               'LIBRARY': self.names['@LIBRARY@']}
        if (self.directory / 'setup').exists():
            subprocess.run(['sh', '-eu', str(self.directory / 'setup')], cwd=root, check=True,
                           env=env)
        # What the sanitizers want to know must come through.
        env |= {name: value for name, value in os.environ.items() if name.endswith('SAN_OPTIONS')}
        env |= dict(line.split('=', 1) for line in self.fill(self.read('env')).splitlines())
        arguments = self.fill(self.read('args', '@OUT@')).split()
        for argument in arguments:
            (scratch / argument).mkdir(exist_ok=True)
        done = subprocess.run([self.generator, *arguments], env=env, cwd=scratch,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                              timeout=60)
        files = {name: self.blank(text) for name, text in tree(out).items()}
        printed = {'stderr': self.blank(done.stderr.decode('utf-8', 'replace')),
                   'stdout': self.blank(done.stdout.decode('utf-8', 'replace'))}
        return files, printed, done.returncode

    def check(self, result):
        """Returns what differs, a list of lines."""
        files, printed, status = result
        expected = tree(self.directory / 'out') if (self.directory / 'out').exists() else {}
        wrong = []
        for name in sorted(files.keys() | expected.keys()):
            if files.get(name) != expected.get(name):
                wrong += [f'{name} should be', *str(expected.get(name)).splitlines(), 'but is',
                          *str(files.get(name)).splitlines()]
        for name, text in printed.items():
            if text != self.read(name):
                wrong += [f'{name} should be', *self.read(name).splitlines(), 'but is',
                          *text.splitlines()]
        if status != int(self.read('status', '0')):
            wrong += [f'exit status is {status}']
        return wrong

    def update(self, result):
        files, printed, status = result
        write_tree(self.directory / 'out', files)
        for name, text in printed.items():
            write_text(self.directory / name, text)
        write_text(self.directory / 'status', f'{status}\n' if status else '')


def main(arguments):
    update = '--update' in arguments
    generator, library, refuse, *names = [a for a in arguments if a != '--update']
    cases = sorted(p for p in (HERE / 'cases').iterdir() if not names or p.name in names)
    failed = 0
    print(f'1..{len(cases)}')
    for number, directory in enumerate(cases, 1):
        case = Case(directory, os.path.abspath(generator), library, refuse)
        with tempfile.TemporaryDirectory(prefix='ip2unix-') as scratch:
            result = case.run(pathlib.Path(scratch))
            if update:
                case.update(result)
            wrong = case.check(result)
        failed += bool(wrong)
        print(f'{"not " if wrong else ""}ok {number} - {directory.name}')
        for line in wrong:
            print(f'# {line}')
    return 1 if failed else 0


sys.exit(main(sys.argv[1:]))
