#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Run every example of the manuals and of README.md: what is printed there must be true.

Kinds of examples (see pages.py for how they are marked):

  rules                 one rule a line
  rules wrong           not rules
  rule-file N.conf      a whole rule file that the generator takes; "user" after it: of the user manager
  rule-file-wrong N.conf  one that the generator refuses
  generated PATH        what the generator made of the rule file above, to the byte
  message               what the generator prints about the rule file above
  status                what systemctl shows of the rule file above: the reason must be in it
  shim RULE...          what the library prints when it is given these rules
  bind PORT RULE...     what it writes into the journal when a program binds that port
  unit NAME             a unit of the administrator's, used by the next rule file
  file NAME             a file for the commands below it
  commands WORD...      shell commands, run with ip2unix in PATH and a directory instead of /tmp;
                        they succeed or exit with the status among the words. What ends in "&" goes
                        on until all are done; the others wait until it listens on the sockets
                        among the words ("@": abstract). "root" among them: they need root;
                        "needs=PROGRAM,...": they are skipped where these are not installed
  prints                what the commands above have printed
  shell                 shell commands, checked for syntax
  shell run             shell commands, run (in a directory instead of /tmp)
  text                  a picture, nothing to run
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import commands
from pages import examples
from tap import Failure, Skip, Tap

# Paths as the pages print them; the build may be configured to others.
PRINTED = {
    'generator': '/usr/lib/systemd/system-generators/ip2unix-generator',
    'library': '/usr/lib/x86_64-linux-gnu/ip2unix/libip2unix.so',
    'refuse': '/usr/lib/ip2unix/ip2unix-refuse',
    'output': '/run/systemd/generator',
}


def run(command, **more):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, **more)


def expect_equal(seen, printed):
    if seen != printed:
        raise Failure(f'printed in the page:\n{printed}\nseen:\n{seen}')


class Runner:
    """Runs the examples of one page, which build on each other, in a directory of its own."""

    def __init__(self, options, directory):
        self.options = options
        self.directory = directory
        self.units = {}
        self.output = None
        self.stderr = None
        self.printed = None

    def as_printed(self, text, *more):
        for seen, printed in [*more,
                              (self.options.library_path, PRINTED['library']),
                              (self.options.refuse_path, PRINTED['refuse'])]:
            text = text.replace(seen, printed)
        return text

    def rules(self, example):
        wanted = example.arguments[0] if example.arguments else 'right'
        result = run([self.options.rule_check], input=example.text)
        for rule, verdict in zip(example.text.splitlines(), result.stdout.splitlines(), strict=True):
            if verdict.split()[0] != wanted:
                raise Failure(f'{rule}: {verdict}')

    def write_unit(self, root, name, text):
        path = root / 'etc/systemd/system' / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')

    def generate(self, example):
        """Make a root with the rule file and the unit that it is about; run the generator on it."""
        name, *scope = example.arguments
        is_user = scope == ['user']
        root = Path(tempfile.mkdtemp(dir=self.directory))
        self.output = Path(tempfile.mkdtemp(dir=self.directory))
        rule_file = root / ('root/.config/ip2unix.d' if is_user else 'etc/ip2unix.d') / name
        rule_file.parent.mkdir(parents=True)
        rule_file.write_text(example.text, encoding='utf-8')

        unit = re.search(r'^Unit=(.*)$', example.text, re.M)
        unit = unit.group(1) if unit else name.removesuffix('.conf') + '.service'
        self.write_unit(root, unit, '[Service]\nExecStart=/bin/true\n')
        for name, text in self.units.items():
            self.write_unit(root, name, text)
        self.units = {}

        environment = {'PATH': os.environ['PATH'], 'IP2UNIX_ROOT': str(root), 'HOME': '/root',
                       'SYSTEMD_SCOPE': 'user' if is_user else 'system'}
        result = run([self.options.generator, str(self.output)], env=environment)
        self.stderr = result.stderr.replace(str(root), '')
        return root, result.returncode

    def rule_file(self, example):
        root, status = self.generate(example)
        if status != 0 or self.stderr:
            raise Failure(f'the generator exits {status}:\n{self.stderr}')
        if not list(self.output.glob('*.d/zz-ip2unix.conf')):
            raise Failure('the generator made no drop-in')
        self.verify(root, 'user' in example.arguments)

    def rule_file_wrong(self, example):
        _, status = self.generate(example)
        if status != 1 or not self.stderr:
            raise Failure(f'the generator exits {status}')

    def verify(self, root, is_user):
        """systemd must find nothing to say about the units, nor about those of the page."""
        if shutil.which('systemd-analyze') is None:
            raise Skip('no systemd-analyze to verify the units')
        units = root / 'etc/systemd/system'
        names = {path.name for path in [*units.iterdir(), *self.output.glob('*.socket')]}
        # The programs need not be on this machine.
        made = Path(tempfile.mkdtemp(dir=self.directory)) / 'units'
        shutil.copytree(self.output, made, symlinks=True)
        for path in [*units.iterdir(), *made.glob('*.d/*.conf')]:
            text = re.sub(r'^(ExecStart|ExecStartPre)=\S+', r'\1=/bin/true', path.read_text(),
                          flags=re.M)
            path.write_text(text)
        names = [name.replace('@.', '@one.') for name in sorted(names)]
        result = run(['systemd-analyze', '--user' if is_user else '--system', '--man=no', 'verify',
                      *names],
                     env={'SYSTEMD_UNIT_PATH': f'{made}:{units}:', 'HOME': '/root',
                          'PATH': os.environ['PATH'], 'XDG_RUNTIME_DIR': str(self.directory)})
        # It reads other units of this machine on the way, and has something to say of some.
        said = [line for line in result.stderr.splitlines()
                if not line.startswith(('/lib/systemd/', '/usr/lib/systemd/'))]
        if result.returncode != 0 or result.stdout or said:
            raise Failure(f'systemd-analyze verify {" ".join(names)}:\n{result.stderr}')

    def unit(self, example):
        self.units[example.arguments[0]] = example.text

    def generated(self, example):
        text = (self.output / example.arguments[0]).read_text(encoding='utf-8')
        expect_equal(self.as_printed(text, (str(self.output), PRINTED['output'])), example.text)

    def message(self, example):
        expect_equal(self.stderr, example.text)

    def status(self, example):
        reason = self.stderr.removeprefix('ip2unix: ').strip()
        for wanted in [reason, PRINTED['refuse'], 'status=78']:
            if wanted not in example.text:
                raise Failure(f'the status does not show: {wanted}')

    def check(self, example):
        """What a service would be told that the library can't get into. The loader speaks first."""
        library = f'{self.directory}/missing/libip2unix.so'
        result = run([self.options.refuse, '--unless-preloaded'], env={'LD_PRELOAD': library})
        own = ''.join(line for line in result.stderr.splitlines(True) if 'ld.so:' not in line)
        expect_equal((result.returncode, self.as_printed(own, (library, PRINTED['library']))),
                     (78, example.text))

    def shim(self, example):
        if self.options.library is None:
            raise Skip('the library of a sanitizer build cannot be preloaded')
        result = run(['/bin/true'], env={'LD_PRELOAD': self.options.library,
                                         'IP2UNIX_RULES': '\n'.join(example.arguments)})
        expect_equal((result.returncode, result.stderr), (78, example.text))

    def bind(self, example):
        """What stands in the journal has a name and a number before our line."""
        if self.options.library is None:
            raise Skip('the library of a sanitizer build cannot be preloaded')
        port, *rules = example.arguments
        result = run([sys.executable, '-c',
                      f'import socket; socket.socket().bind(("", {int(port)}))'],
                     env={'LD_PRELOAD': self.options.library, 'IP2UNIX_RULES': '\n'.join(rules)})
        expect_equal(result.stderr.splitlines()[:1],
                     [line.partition(']: ')[2] for line in example.text.splitlines()])

    def shell(self, example):
        result = run(['sh', '-n'], input=example.text)
        if result.returncode != 0 or result.stderr:
            raise Failure(result.stderr)
        if example.arguments != ['run']:
            return
        text = example.text.replace('/tmp/', f'{self.directory}/')
        text = text.replace(PRINTED['generator'], self.options.generator)
        result = run(['sh', '-eu'], input=text, cwd=self.directory)
        if result.returncode != 0 or result.stderr:
            raise Failure(f'exit status {result.returncode}:\n{result.stderr}')

    def file(self, example):
        (self.directory / example.arguments[0]).write_text(example.text, encoding='utf-8')

    def commands(self, example):
        if self.options.library is None:
            raise Skip('the library of a sanitizer build cannot be preloaded')
        if 'root' in example.arguments and os.geteuid() != 0:
            raise Skip('needs root')
        needed = [word.removeprefix('needs=').split(',') for word in example.arguments
                  if word.startswith('needs=')]
        for program in sum(needed, []):
            if shutil.which(program) is None:
                raise Skip(f'{program} is not installed')
        wanted = [int(word) for word in example.arguments if word.isdigit()] or [0]
        sockets = [word for word in example.arguments if word[0] == '@' or '.sock' in word]
        status, self.printed = commands.run(example.text, sockets, self.directory,
                                            self.options.ip2unix)
        if [status] != wanted:
            raise Failure(f'exit status {status}:\n{self.printed}')

    def prints(self, example):
        if self.printed is None:
            raise Skip('the commands were not run')
        expect_equal(self.printed, example.text)

    def text(self, example):
        """Nothing to run."""

    def run(self, example):
        getattr(self, example.kind.replace('-', '_'))(example)


def render(page, width):
    if shutil.which('man') is None:
        raise Skip('no man to render the page')
    return run(['man', '--local-file', '--warnings', str(page)],
               env={'PATH': os.environ['PATH'], 'MANWIDTH': str(width), 'LC_ALL': 'C.UTF-8',
                    'MANPAGER': 'cat'})


def check_rendering(page, all_examples):
    """The page renders without a warning, and readers see the examples as they were tested."""
    result = render(page, 80)
    if result.returncode != 0 or result.stderr:
        raise Failure(result.stderr)

    def squeeze(text):
        return [' '.join(line.split()) for line in text.split('\n') if line.strip()]
    shown = '\n'.join(squeeze(render(page, 400).stdout))
    for example in all_examples:
        if '\n'.join(squeeze(example.text)) not in shown:
            raise Failure(f'not on the page as it is in the source: {example}')


def check_see_also(source, sources):
    _, see_also = source.read_text(encoding='utf-8').split('# SEE ALSO')
    for other in sources:
        name, section = other.name.removesuffix('.scd').rsplit('.', 1)
        if other != source and f'*{name}*({section})' not in see_also:
            raise Failure(f'{source.name} does not mention {name}({section}) in SEE ALSO')


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('--generator', type=os.path.abspath, required=True)
    parser.add_argument('--ip2unix', type=os.path.abspath, required=True)
    parser.add_argument('--rule-check', type=os.path.abspath, required=True)
    parser.add_argument('--library', type=os.path.abspath,
                        help='the built library, left out when it cannot be preloaded')
    parser.add_argument('--library-path', required=True, help='where the library is installed')
    parser.add_argument('--refuse', type=os.path.abspath, required=True,
                        help='ip2unix-refuse of the build')
    parser.add_argument('--refuse-path', required=True, help='where ip2unix-refuse is installed')
    parser.add_argument('--sources', nargs='+', type=Path, required=True)
    parser.add_argument('--rendered', nargs='+', type=Path, required=True)
    options = parser.parse_args()

    tap = Tap()
    manuals = [source for source in options.sources if source.suffix == '.scd']
    for source in options.sources:
        found = []
        tap.point(f'{source.name}: each block is marked', lambda s=source: found.extend(examples(s)))
        with tempfile.TemporaryDirectory(prefix='ip2unix-man-') as directory:
            runner = Runner(options, Path(directory))
            for example in found:
                tap.point(str(example), runner.run, example)
        if source in manuals:
            page = next(p for p in options.rendered if p.name == source.stem)
            tap.point(f'{source.name}: renders as written', check_rendering, page, found)
            tap.point(f'{source.name}: refers to the others', check_see_also, source, manuals)
    return tap.finish()


if __name__ == '__main__':
    sys.exit(main())
