#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Let systemd read what the generator makes, and compare what it understood with what was meant.

    check-systemd.py GENERATOR LIBRARY REFUSE

Nothing is started: "systemd-analyze verify" must be silent, and "systemd --test", which loads units
and prints them, must print the values. The user manager is asked, since it needs no boot.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

SYSTEMD = '/lib/systemd/systemd'
RULE = 'Rule=in,tcp,port=80,systemd=http'
SOCKET = '[Socket http]\nListenStream=/run/web.sock\n'
PLAIN = f'[Rules]\nUnit=UNIT\n{RULE}\n{SOCKET}'

# name: (file, its text, unit, the lines that must be in its dump, the same for its socket unit)
CASES = {
    'plain': (
        'web.conf', PLAIN, 'web.service',
        ['Requires: web-http.socket', 'After: web-http.socket', 'TriggeredBy: web-http.socket',
         'Environment: IP2UNIX_RULES=in,tcp,port=80,systemd=http',
         'EnvironmentFile: @OUT@/web.service.d/ip2unix.env'],
        ['Triggers: web.service', 'FileDescriptorName: http', 'WantedBy: sockets.target',
         'Source Path: /etc/ip2unix.d/web.conf']),
    'several rules': (
        'web.conf', PLAIN.replace(RULE, f'{RULE}\nRule=out,reject\nLogLevel=debug'), 'web.service',
        ['Environment: IP2UNIX_RULES=in,tcp,port=80,systemd=http', 'out,reject',
         'Environment: IP2UNIX_LOG_LEVEL=debug'], []),
    'unit with escapes in its name': (
        'web.conf', PLAIN, 'dev-disk\\x2dby:id.service',
        ['Requires: dev-disk\\x2dby:id-http.socket',
         'TriggeredBy: dev-disk\\x2dby:id-http.socket (origin-file destination-implicit)'],
        ['Triggers: dev-disk\\x2dby:id.service']),
    'file with a name hard to quote': (
        'a "b" %n $HOME \\x\'.conf', PLAIN, 'web.service', ['Requires: web-http.socket'],
        ['Source Path: /etc/ip2unix.d/a "b" %n $HOME \\x\'.conf']),
    'template': (
        'app.conf', PLAIN.replace('port=80', 'port=80%i'), 'app@.service',
        ['Requires: app-http@7.socket', 'Environment: IP2UNIX_RULES=in,tcp,port=807,systemd=http'],
        ['Triggers: app@7.service', 'FileDescriptorName: http']),
    'instance': (
        'app.conf', PLAIN, 'app@7.service',
        ['Requires: app-http@7.socket', 'Environment: IP2UNIX_RULES=in,tcp,port=80,systemd=http'],
        ['Triggers: app@7.service', 'WantedBy: sockets.target']),
    'refusal': (
        'web.conf', PLAIN.replace('tcp', 'tpc'), 'web.service',
        ['Command Line: @REFUSE@ "/etc/ip2unix.d/web.conf:3: unknown flag \'tpc\', did you mean '
         '\'tcp\'?"'], []),
    'refusal that is hard to quote': (
        'a "b" %n $HOME \\x\'.conf', PLAIN.replace('tcp', '%h"${HOME}"$$\\x'), 'web.service',
        # Variables are expanded at the start, so the dump has them doubled still.
        ['Command Line: @REFUSE@ "/etc/ip2unix.d/a \\"b\\" %n \\$\\$HOME \\\\x\'.conf:3: unknown flag '
         '\'%h\\"\\$\\${HOME}\\"\\$\\$\\$\\$\\\\x\'"'], []),
}


def user_options():
    """systemd refuses to be a user manager of root's here; nobody's it will be."""
    return {'user': 'nobody', 'group': 'nogroup', 'extra_groups': []} if os.geteuid() == 0 else {}


class Scratch:
    def __init__(self, directory, generator, library, refuse):
        self.directory = pathlib.Path(directory)
        self.generator, self.library, self.refuse = generator, library, refuse
        self.root, self.units = self.directory / 'root', self.directory / 'units'

    def generate(self, name, text, unit):
        rules = self.root / 'etc/ip2unix.d'
        rules.mkdir(parents=True)
        self.units.mkdir()
        (rules / name).write_text(text.replace('UNIT', unit))
        env = {'IP2UNIX_ROOT': str(self.root), 'SYSTEMD_SCOPE': 'system'}
        subprocess.run([self.generator, self.units], env=env, stderr=subprocess.DEVNULL,
                       check=False)
        # It must be there for systemd-analyze, installed or not.
        for path in self.units.glob('*.d/*.conf'):
            path.write_text(path.read_text().replace(self.refuse, '/bin/echo'))

    def add_stub(self, unit):
        fragment = re.sub('@.*[.]', '@.', unit)
        (self.units / fragment).write_text('[Service]\nExecStart=/bin/true\n')
        instance = unit.replace('@.', '@7.')
        (self.units / 'default.target').write_text(f'[Unit]\nWants={instance}\n')
        return instance

    def run(self, manager, *command, **options):
        env = {'SYSTEMD_UNIT_PATH': f'{self.units}:/usr/lib/systemd/{manager}', 'PATH': '/usr/bin:/bin',
               'HOME': '/', 'XDG_RUNTIME_DIR': str(self.directory / 'runtime')}
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              text=True, check=False, timeout=60, **options)
        return done.stdout

    def dump(self):
        """What systemd understood: {unit: its lines}."""
        (self.directory / 'runtime').mkdir()
        for path in (self.directory, self.directory / 'runtime'):
            path.chmod(0o777)
        text = self.run('user', SYSTEMD, '--test', '--user', '--unit=default.target', '--no-pager',
                        **user_options())
        blocks = re.split(r'^\s*-> Unit (.*):$', text, flags=re.M)
        return {name: [line.strip() for line in body.splitlines()]
                for name, body in zip(blocks[1::2], blocks[2::2])}


def missing(lines, expected):
    return [line for line in expected if not any(seen.startswith(line) for seen in lines)]


def check(scratch, name, text, unit, service_lines, socket_lines):
    """Returns what is wrong, a list of lines."""
    scratch.generate(name, text, unit)
    instance = scratch.add_stub(unit)
    names = sorted(p.name for p in scratch.units.glob('*.socket'))
    names = [n.replace('@.', '@7.') for n in names]
    said = scratch.run('system', 'systemd-analyze', 'verify', '--man=no', instance, *names)
    # It unescapes its arguments, and then finds no unit whose name has an escape in it.
    wrong = said.splitlines() if '\\' not in unit else []
    dump = scratch.dump()
    if instance not in dump:
        return wrong + ['the unit was not loaded', *dump]
    fill = {'@OUT@': str(scratch.units), '@REFUSE@': '/bin/echo'}
    for old, new in fill.items():
        service_lines = [line.replace(old, new) for line in service_lines]
    for line in missing(dump[instance], service_lines):
        wrong += [f'{instance} has no line "{line}", but', *dump[instance]]
    for line in missing(dump.get(names[0], []) if names else [], socket_lines):
        wrong += [f'the socket has no line "{line}", but', *dump.get(names[0] if names else '', [])]
    return wrong


def rules_in(lines):
    """The rules of a service, put together from the variables as the library does it; and how many
    variables there are. Each but the last must say that another follows."""
    rules, number = [], 0
    lines = iter(lines)
    for line in lines:
        name, equals, value = line.removeprefix('Environment: ').partition('=')
        wanted = 'IP2UNIX_RULES' + (f'_{number + 1}' if number else '')
        if not equals or name != wanted:
            continue
        number += 1
        part = []
        # A value goes on in lines of its own, which can't be told from those after the last.
        while value and value != '+' and re.match('(in|out),', value):
            part.append(value)
            value = next(lines, '')
        size = len('\n'.join([f'{name}={part[0]}', *part[1:], *'+' * (value == '+')]).encode())
        if size > 131071:
            return [f'{name} has {size} bytes'], number
        rules += part
        if value != '+':
            break
    return rules, number


def check_many(scratch, unit, n_rules, n_variables):
    """Long lists arrive whole, in order."""
    rules = [f'in,tcp,port={1 + i % 65535},path=/run/äöü "{i}" %%%t/{"%i" if "@" in unit else "x"}.sock'
             for i in range(n_rules)]
    text = '\n'.join(['[Rules]', 'Unit=UNIT', *(f'Rule={rule}' for rule in rules)])
    scratch.generate('web.conf', text, unit)
    instance = scratch.add_stub(unit)
    wrong = scratch.run('system', 'systemd-analyze', 'verify', '--man=no', instance).splitlines()
    seen, n = rules_in(scratch.dump().get(instance, []))
    if seen != [rule.replace('%i', '7') for rule in rules]:
        wrong += [f'{len(seen)} rules arrived, beginning with', *seen[:3]]
    if n != n_variables:
        wrong += [f'they are in {n} variables']
    return wrong


# title: (unit, how many rules, in how many variables)
MANY = {
    '1,000 rules': ('web.service', 1000, 1),
    '5,000 rules': ('web.service', 5000, 3),
    # With room for the longest name of an instance in each rule.
    '1,000 rules of a template': ('app@.service', 1000, 3),
}


def main(generator, library, refuse):
    if not os.path.exists(SYSTEMD) or not shutil.which('systemd-analyze'):
        print('1..0 # SKIP systemd is not installed')
        return 0
    points = {title: (check, case) for title, case in CASES.items()}
    points |= {title: (check_many, case) for title, case in MANY.items()}
    failed = 0
    print(f'1..{len(points)}')
    for number, (title, (function, case)) in enumerate(points.items(), 1):
        with tempfile.TemporaryDirectory(prefix='ip2unix-') as directory:
            wrong = function(Scratch(directory, generator, library, refuse), *case)
        failed += bool(wrong)
        print(f'{"not " if wrong else ""}ok {number} - {title}')
        for line in wrong:
            print(f'# {line}')
    return 1 if failed else 0


sys.exit(main(*sys.argv[1:]))
