#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The command line of ip2unix, and what it hands on to the program in the environment."""

import json
import os
import re
import sys

from harness import HERE, Failure, commands, contains, equal, main

RULE = ['-r', 'ignore']


def usage(cli, line, *arguments):
    cli.expect(2, '', f"ip2unix: {line}\nTry 'ip2unix --help'.\n", *arguments)


def wrong_usage(cli):
    """2: the command line is wrong."""
    usage(cli, 'no program to run')
    usage(cli, 'no program to run', *RULE)
    usage(cli, 'no program to run', '-v', '--')
    usage(cli, "unknown option '-x'", '-x')
    usage(cli, "unknown option '-x'", '-cx')
    usage(cli, "unknown option '--rul3', did you mean '--rule'?", '--rul3', 'x')
    usage(cli, "unknown option '--nonsense'", '--nonsense')
    usage(cli, "option '--ver' is the beginning of several", '--ver')
    usage(cli, "option '-r' needs an argument", '-r')
    usage(cli, "option '--file' needs an argument", '--file')
    usage(cli, "option '--check' takes no argument", '--check=x')


def help_and_version(cli):
    """--help and --version."""
    version = re.search(r"version: '(.*)'", (HERE.parents[1] / 'meson.build').read_text())[1]
    cli.expect(0, f'ip2unix {version}\n', '', '--version')
    result = cli.run('--help')
    equal((result.returncode, result.stderr), (0, ''))
    equal(cli.run('-h').stdout, result.stdout)
    for line in result.stdout.splitlines():
        if len(line) > 80:
            raise Failure(f'wider than 80 columns: {line}')


def manual(cli):
    """The manual and --help have the same options."""
    page = (HERE.parents[1] / 'man/ip2unix.1.scd').read_text()
    section = page.split('# OPTIONS')[1].split('\n# ')[0]

    def options(text, pattern):
        return sorted(tuple(re.findall(r'--?[a-z][a-z-]*', line))
                      for line in re.findall(pattern, text, re.M))
    equal(options(section, r'^\*-.*$'), options(cli.run('--help').stdout, r'^ +--?\w[^ ]*,? .*?  '))


def help_examples(cli):
    """The examples of --help work."""
    cli.needs_library()
    server, client = re.findall(r'^  (ip2unix .*)$', cli.run('--help').stdout, re.M)
    status, output = commands.run(f'{server} &\n{client}\n', ['/tmp/web.sock'], cli.directory,
                                  cli.ip2unix)
    equal(status, 0)
    contains(output, 'Directory listing for /')


def full_disk(cli):
    """Output that can't be written is an error."""
    for arguments in [['--help'], ['--version'], ['-p', *RULE]]:
        result = cli.run('-c', 'exec "$@" >/dev/full', 'sh', cli.ip2unix, *arguments, command='sh')
        equal((result.returncode, result.stderr),
              (1, "ip2unix: can't write to standard output: No space left on device\n"))


def environment(cli, *arguments, **more):
    """What the program gets."""
    cli.needs_library()
    result = cli.run(*arguments, sys.executable, '-c',
                     'import json, os; print(json.dumps(dict(os.environ)))', **more)
    equal(result.stderr, '')
    seen = json.loads(result.stdout)
    # Python's own doing.
    seen.pop('LC_CTYPE', None)
    return seen


def nothing_else(cli):
    """Nothing but what the library needs is added to the environment."""
    seen = environment(cli, '-r', 'in,port=1,reject', '-r', 'ignore', env={'X': 'y', 'EMPTY': ''})
    equal(seen, {**cli.environment, 'X': 'y', 'EMPTY': '', 'LD_PRELOAD': cli.library,
                 'IP2UNIX_RULES': 'in,port=1,reject\nignore'})


def log_level(cli):
    """Each -v is one level more."""
    for options, level in [([], None), (['-v'], 'notice'), (['-vv'], 'info'),
                           (['-v', '--verbose', '-v'], 'debug'), (['-vvvvv'], 'debug')]:
        equal(environment(cli, *options, *RULE).get('IP2UNIX_LOG_LEVEL'), level)
    equal(environment(cli, *RULE, env={'IP2UNIX_LOG_LEVEL': 'err'})['IP2UNIX_LOG_LEVEL'], 'err')
    equal(environment(cli, '-v', *RULE, env={'IP2UNIX_LOG_LEVEL': 'err'})['IP2UNIX_LOG_LEVEL'],
          'notice')


def preloaded(cli):
    """The library comes first, what else was preloaded stays, and none comes twice."""
    cli.needs_library()
    other = '/lib/x86_64-linux-gnu/libc.so.6' if os.path.exists('/lib/x86_64-linux-gnu/libc.so.6') \
        else 'libc.so.6'
    for before, after in [('', ''), (other, f':{other}'), (f' {other}: ', f':{other}'),
                          (f'{other}:{cli.library}', f':{other}'), (cli.library, ''),
                          (f'{cli.library} {other}', f':{other}')]:
        seen = environment(cli, *RULE, env={'LD_PRELOAD': before,
                                            'IP2UNIX_RULES': 'ignore'})
        equal(seen['LD_PRELOAD'], cli.library + after)


def listen(cli):
    """What systemd passes goes on to the library."""
    cli.needs_library()
    # It takes LISTEN_PID at its word, and hides all of them from the program.
    program = ('import socket; s = socket.socket(); s.bind(("127.0.0.1", 80)); s.listen();'
               's.accept()[0].send(b"hello")')
    script = f'''
import os, socket, subprocess, sys
s = socket.socket(socket.AF_UNIX)
s.bind('web.sock')
s.listen()
child = os.fork()
if child == 0:
    os.dup2(s.fileno(), 3)
    os.set_inheritable(3, True)
    os.environ.update(LISTEN_FDS='1', LISTEN_FDNAMES='web', LISTEN_PID=str(os.getpid()))
    os.execv({cli.ip2unix!r}, ['ip2unix', '-r', 'in,port=80,systemd=web', sys.executable, '-c',
                               {program!r}])
c = socket.socket(socket.AF_UNIX)
c.connect('web.sock')
print(c.recv(9))
sys.exit(os.waitpid(child, 0)[1])
'''
    result = cli.run('-c', script, command=sys.executable)
    equal((result.returncode, result.stdout, result.stderr), (0, "b'hello'\n", ''))


def nested(cli):
    """Under other rules, these come first and the others hold as well."""
    seen = environment(cli, '-r', 'in,port=1,reject', cli.ip2unix, '-r', 'in,port=2,reject')
    equal(seen['IP2UNIX_RULES'], 'in,port=2,reject\nin,port=1,reject')
    equal(seen['LD_PRELOAD'], cli.library)
    seen = environment(cli, '-r', 'in,port=1,reject', cli.ip2unix)
    equal(seen['IP2UNIX_RULES'], 'in,port=1,reject')
    result = cli.run('-r', 'in,port=1,reject=EPERM', cli.ip2unix, '-p', '-r', 'in,port=2,reject')
    equal([line.split()[:2] for line in result.stdout.splitlines()],
          [['#', 'FROM'], ['1', '-r'], ['2', 'inherited']])
    bind = ('import socket\nfor port in 1, 2:\n  try: socket.socket().bind(("127.0.0.1", port))\n'
            '  except OSError as error: print(error.errno)')
    cli.expect(0, '1\n100\n', '', '-r', 'in,reject=EPERM', cli.ip2unix, '-r',
               'in,port=2,reject=ENETDOWN', sys.executable, '-c', bind)


def nested_parts(cli):
    """Rules that fill several variables are inherited whole."""
    cli.needs_library()
    cli.write('many', ''.join(f'in,addr=10.0.0.1,port={n},reject\n' for n in range(1, 9001)))
    result = cli.run('-f', 'many', cli.ip2unix, '-p', '-r', 'in,port=2,reject')
    lines = result.stdout.splitlines()
    equal((len(lines), lines[1].split()[:2], lines[-1].split()[:7]),
          (9002, ['1', '-r'], ['9001', 'inherited', 'in', 'IP', '10.0.0.1,', 'port', '9000']))
    seen = environment(cli, '-f', 'many', cli.ip2unix, '-r', 'in,port=2,reject')
    text = '\n'.join(seen[name].removesuffix('\n+') for name in
                     ['IP2UNIX_RULES', 'IP2UNIX_RULES_2', 'IP2UNIX_RULES_3'])
    equal((text.count('\n'), text[:42]), (9000, 'in,port=2,reject\nin,addr=10.0.0.1,port=1,r'))


def inherited_wrong(cli):
    """Rules in the environment that can't be used are errors of it."""
    cli.expect(78, '', '''\
ip2unix: IP2UNIX_RULES: unknown flag 'x'
  x
  ^
''', *RULE, 'true', env={'IP2UNIX_RULES': 'ignore\nx'})
    cli.expect(78, '', "ip2unix: IP2UNIX_RULES ends with '+', but IP2UNIX_RULES_2 is missing\n",
               *RULE, 'true', env={'IP2UNIX_RULES': 'ignore\n+', 'IP2UNIX_RULES_2': ''})
    cli.expect(78, '', 'ip2unix: no rules: give some with -r or -f\n', 'true',
               env={'IP2UNIX_RULES': ''})


def journal(cli):
    """In the journal, lines carry their level."""
    path = cli.directory / 'log'
    with open(path, 'w+', encoding='utf-8') as log:
        stat = os.fstat(log.fileno())
        cli.run('-c', f'exec {cli.ip2unix} -c -r tcp,udp,ignore -r x 2>log', command='sh',
                env={'JOURNAL_STREAM': f'{stat.st_dev}:{stat.st_ino}'})
        equal([line[:14] for line in log], ['<4>ip2unix: ru', '<4>  tcp,udp,i', '<4>      ^^^\n',
                                            '<3>ip2unix: ru', '<3>  x\n', '<3>  ^\n'])


def paths(cli):
    """A server on a relative path, and a client that asks for any name."""
    cli.needs_library()
    server = ('import os, socket; os.chdir("/"); s = socket.socket();'
              's.bind(("127.0.0.1", 8000)); s.listen();'
              'print(s.getsockname(), flush=True); s.accept()[0].send(b"hello")')
    client = ('import os, socket; os.chdir("/"); s = socket.create_connection(("web.example", 9));'
              'print(s.recv(9), s.getpeername())')
    script = f'''
{cli.ip2unix} -r in,port=8000,path=web.sock {sys.executable} -c '{server}' &
while ! test -S web.sock; do sleep 0.01; done
{cli.ip2unix} -r out,path=web.sock {sys.executable} -c '{client}'
wait $!
test ! -e web.sock
'''
    result = cli.run('-c', script, command='sh')
    equal((result.returncode, result.stderr), (0, ''))
    contains(result.stdout, "('127.0.0.1', 8000)\n", "b'hello' ('127.0.0.1', 9)\n")


def links(cli):
    """Called by a link from elsewhere, it finds its library."""
    cli.needs_library()
    (cli.directory / 'bin').mkdir()
    (cli.directory / 'bin/run').symlink_to(cli.ip2unix)
    cli.expect(0, 'found\n', '', *RULE, 'echo', 'found', command='run',
               env={'PATH': f'{cli.directory}/bin:/bin'})


if __name__ == '__main__':
    sys.exit(main([wrong_usage, help_and_version, manual, help_examples,
                   full_disk, nothing_else, log_level,
                   preloaded, listen, nested, nested_parts, inherited_wrong, journal, paths,
                   links]))
