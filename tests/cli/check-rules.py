#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What ip2unix says about rules, of the command line and of files."""

import grp
import os
import pwd
import sys

from harness import contains, equal, main


def carets(cli):
    """Carets stand under the word that is wrong."""
    cli.expect_rules('''\
ip2unix: rule 1: unknown flag 'tpc', did you mean 'tcp'?
  in,tpc,port=80,reject
     ^^^
''', '-r', 'in,tpc,port=80,reject')
    cli.expect_rules('''\
ip2unix: rule 1: unknown key 'prot', did you mean 'port='?
  in,prot=80,reject
     ^^^^
''', '-r', 'in,prot=80,reject')


def whole(cli):
    """Where the rule as a whole is wrong, all of it is marked."""
    result = cli.run('-c', '-r', 'in,tcp')
    equal(result.returncode, 78)
    contains(result.stderr, 'ip2unix: rule 1: the rule has no action', '\n  in,tcp\n  ^^^^^^\n')


def empty(cli):
    """Of an empty rule there is nothing to show."""
    cli.expect_rules('ip2unix: rule 1: the rule is empty\n', '-r', '')


def all_errors(cli):
    """All errors of all rules are printed, and numbers count the wrong ones."""
    cli.expect_rules('''\
ip2unix: rule 1: unknown flag 'x'
  x
  ^
ip2unix: rule 3: 'port' needs a value
  port,reject
  ^^^^
''', '-r', 'x', '-r', 'reject', '-r', 'port,reject')


def wide(cli):
    """Carets know of characters of two columns, of none, and of ones that can't be shown."""
    cli.expect_rules('''\
ip2unix: rule 1: unknown key 'x'
  path=/run/東京,x=1
                 ^
''', '-r', 'path=/run/東京,x=1')
    cli.expect_rules('''\
ip2unix: rule 1: unknown key 'x'
  path=/run/e\u0301,x=1
              ^
''', '-r', 'path=/run/e\u0301,x=1')
    cli.expect_rules('''\
ip2unix: rule 1: unknown key 'x'
  path=/run/\\xff,x=1
                 ^
''', '-r', b'path=/run/\xff,x=1')
    cli.expect_rules('''\
ip2unix: rule 1: unknown flag 'täp'
  täp,reject
  ^^^
''', '-r', 'täp,reject')


def control(cli):
    """Control characters don't reach the terminal."""
    cli.expect_rules('''\
ip2unix: rule 1: control character '\\x1b' in a rule
  reject,\\x1b[31m
         ^^^^
''', '-r', 'reject,\x1b[31m')
    cli.expect_rules("ip2unix: can't read the rules of a\\x0ab: No such file or directory\n",
                     '-f', 'a\nb')


def window(cli):
    """Of a long rule, what stands around the wrong word is shown."""
    long = ','.join(['in'] + ['addr=10.0.0.1'] + ['path=/' + 'a' * 90] + ['tpc', 'port=80'])
    result = cli.run('-c', '-r', long)
    first, rule, marks = result.stderr.splitlines()
    equal(first, "ip2unix: rule 1: unknown flag 'tpc', did you mean 'tcp'?")
    equal(len(rule), 100)
    equal(rule[:5], '  ...')
    equal(rule[marks.index('^'):marks.index('^') + marks.count('^')], 'tpc')
    equal(rule.endswith('a,tpc,port=80'), True)

    front = 'tpc,path=/' + 'b' * 200
    first, rule, marks = cli.run('-c', '-r', front).stderr.splitlines()
    equal((rule[:8], rule[-4:], len(rule), marks), ('  tpc,pa', 'b...', 100, '  ^^^'))

    middle = 'path=/' + 'c' * 300 + ',tpc,' + 'd' * 300
    first, rule, marks = cli.run('-c', '-r', middle).stderr.splitlines()
    equal((rule[:6], rule[-4:], len(rule)), ('  ...c', 'd...', 100))
    equal(rule[marks.index('^'):marks.index('^') + marks.count('^')], 'tpc')

    word = 'x' * 500
    first, rule, marks = cli.run('-c', '-r', f'in,{word}').stderr.splitlines()
    equal((len(rule), rule[:7], rule[-4:], marks[:6], len(marks)),
          (100, '  in,xx', 'x...', '     ^', 97))


def window_of_terminal(cli):
    """On a terminal the window is as wide as that."""
    seen = cli.on_terminal(40, '-c', '-r', 'in,path=/' + 'a' * 60 + ',tpc').splitlines()
    equal((len(seen[1]), seen[1][-4:], seen[2][-3:], len(seen[2])), (40, ',tpc', '^^^', 40))
    seen = cli.on_terminal(7, '-c', '-r', 'in,path=/' + 'a' * 60 + ',tpc').splitlines()
    equal(len(seen[1]), 30)


def warnings(cli):
    """A warning is printed like an error and ends nothing."""
    warning = '''\
ip2unix: rule 1: warning: 'udp' overrides the earlier 'tcp'
  in,tcp,udp,reject
         ^^^
'''
    cli.expect(0, '', warning, '-c', '-r', 'in,tcp,udp,reject')
    warning = '''\
ip2unix: rule 1: warning: 'peer=' has no effect with 'udp'
  in,udp,abstract=x,peer=credentials
                    ^^^^^^^^^^^^^^^^
'''
    cli.expect(0, '', warning, '-c', '-r', 'in,udp,abstract=x,peer=credentials')


def unreached(cli):
    """Rules that are never reached are warned of by --check."""
    warning = '''\
ip2unix: rule 2: warning: rule is never reached: rule 1 matches all that it does
  in,udp,port=9000,systemd=b
  ^^^^^^^^^^^^^^^^^^^^^^^^^^
'''
    rules = ['-r', 'in,udp,systemd=a', '-r', 'in,udp,port=9000,systemd=b', '-r', 'in,reject']
    cli.expect(0, '', warning, '-c', *rules)
    cli.write('web.rules', 'in,reject\n# more\nin,tcp,port=80,path=/x\nout,ignore\n')
    cli.expect(0, '', '''\
ip2unix: web.rules:3: warning: rule is never reached: web.rules:1 matches all that it does
  in,tcp,port=80,path=/x
  ^^^^^^^^^^^^^^^^^^^^^^
ip2unix: rule 4: warning: rule is never reached: web.rules:4 matches all that it does
  out,reject
  ^^^^^^^^^^
''', '-c', '-f', 'web.rules', '-r', 'out,reject')
    many = [word for port in range(1, 31) for word in ('-r', f'port={port},ignore')]
    equal(cli.run('-c', '-r', 'reject', *many).stderr.count('never reached'), 20)


def unreached_unsaid(cli):
    """No word of them where a program runs, nor of those that ip2unix itself runs under."""
    cli.needs_library()
    cli.expect(0, '', '', '-r', 'reject', '-r', 'in,reject', 'true')
    cli.expect(0, '', '', '-r', 'in,reject', cli.ip2unix, '-c', '-r', 'reject')


def no_rules(cli):
    """Without a rule nothing is run."""
    message = 'ip2unix: no rules: give some with -r or -f\n'
    cli.expect(78, '', message, 'true')
    cli.expect(78, '', message, '-c')
    cli.write('none', '# nothing\n\n')
    cli.expect(78, '', message, '-c', '-f', 'none')


def wrong_runs_nothing(cli):
    """With a wrong rule nothing is run."""
    result = cli.run('-r', 'nonsense', 'touch', 'ran')
    equal((result.returncode, (cli.directory / 'ran').exists()), (78, False))


def files(cli):
    """Files: blanks in front, comments and empty lines; messages tell the line."""
    cli.write('web.rules', '''\
# the web

  in,tcp,port=80,reject
\t# indented
\tout,tcp,prot=80,reject
ignore
 nonsense''')
    cli.expect_rules('''\
ip2unix: web.rules:5: unknown key 'prot', did you mean 'port='?
  out,tcp,prot=80,reject
          ^^^^
ip2unix: web.rules:7: unknown flag 'nonsense'
  nonsense
  ^^^^^^^^
''', '-f', 'web.rules')


def file_bytes(cli):
    """Bytes that are no text are errors of their line."""
    cli.write('nul', b'ignore\nig\0nore\n')
    cli.expect_rules('''\
ip2unix: nul:2: control character '\\x00' in a rule
  ig\\x00nore
    ^^^^
''', '-f', 'nul')
    cli.write('crlf', b'ignore\r\n')
    cli.expect_rules('''\
ip2unix: crlf:1: control character '\\x0d' in a rule
  ignore\\x0d
        ^^^^
''', '-f', 'crlf')


def unreadable(cli):
    """Files that can't be read are errors, and do not hide those of other rules."""
    cli.expect_rules('''\
ip2unix: can't read the rules of missing: No such file or directory
ip2unix: rule 1: unknown flag 'x'
  x
  ^
''', '-f', 'missing', '-r', 'x')
    cli.expect_rules("ip2unix: can't read the rules of .: Is a directory\n", '-f', '.')
    cli.expect_rules("ip2unix: can't read the rules of /dev/zero: File too large\n",
                     '-f', '/dev/zero')


def other_files(cli):
    """Files that are none of rules are not complained about line by line."""
    cli.write('web.conf', '# of a service\n[Rules]\nRule=in,ignore\n')
    cli.expect_rules('ip2unix: web.conf:2: a file of rules has one rule a line and no sections; '
                     'those of ip2unix.conf(5) are for services of systemd\n', '-f', 'web.conf')
    cli.write('letter', 'x\n' * 100)
    lines = [f"ip2unix: letter:{n}: unknown flag 'x'\n  x\n  ^\n" for n in range(1, 21)]
    cli.expect_rules(''.join(lines) + 'ip2unix: letter:20: too many errors, not read any further\n',
                     '-f', 'letter')


def standard_input(cli):
    """'-f -' is standard input."""
    cli.expect_rules('''\
ip2unix: standard input:2: unknown flag 'x'
  x
  ^
''', '-f', '-', input='ignore\nx\n')


def order(cli):
    """Rules of -r and -f count in the order of the command line."""
    cli.write('two', 'out,port=2,reject\n#\nout,port=3,reject\n')
    result = cli.run('-p', '-r', 'out,port=1,reject', '-f', 'two', '--rule=out,port=4,reject',
                     '--file', 'two')
    equal([line.split()[:6] for line in result.stdout.splitlines()[1:]], [
        ['1', '-r', 'out', 'IP', 'port', '1'],
        ['2', 'two:1', 'out', 'IP', 'port', '2'],
        ['3', 'two:3', 'out', 'IP', 'port', '3'],
        ['4', '-r', 'out', 'IP', 'port', '4'],
        ['5', 'two:1', 'out', 'IP', 'port', '2'],
        ['6', 'two:3', 'out', 'IP', 'port', '3'],
    ])


def handed_on(cli, *arguments, **more):
    """The rules that a program is given."""
    result = cli.run(*arguments, sys.executable, '-c',
                     'import os; print(os.environb[b"IP2UNIX_RULES"])', **more)
    equal(result.stderr, '')
    return eval(result.stdout)  # pylint: disable=eval-used


def relative(cli):
    """A relative path starts from the current directory."""
    cli.needs_library()
    base = os.fsencode(cli.directory)
    for given, wanted in [('web.sock', b'/web.sock'), ('./web.sock', b'/web.sock'),
                          ('.//./web.sock', b'/web.sock'), ('../web.sock', b'/../web.sock'),
                          ('.web', b'/.web'), ('%p.sock', b'/%p.sock')]:
        equal(handed_on(cli, '-r', 'in,path=' + given), b'in,path=' + base + wanted)
    equal(handed_on(cli, '-r', 'in,path=x', cwd='/'), b'in,path=/x')
    equal(handed_on(cli, '-r', 'in,path=/x/./y'), b'in,path=/x/./y')


def odd_directories(cli):
    """The current directory's name comes out as it is, whatever it holds."""
    cli.needs_library()
    for name, escaped in [(b'a,b', b'a\\,b'), (b'50%', b'50%%'), (b'b\\n', b'b\\\\n'),
                          (b'with blank', b'with blank'), ('東京'.encode(), '東京'.encode()),
                          (b'\xff', b'\xff'), (b'%p', b'%%p'), (b'#', b'#'), (b'x=y', b'x=y')]:
        directory = os.fsencode(cli.directory) + b'/' + name
        os.mkdir(directory)
        equal(handed_on(cli, '-r', 'in,path=s', cwd=directory),
              b'in,path=' + os.fsencode(cli.directory) + b'/' + escaped + b'/s')
    directory = os.fsencode(cli.directory) + b'/line\nbreak'
    os.mkdir(directory)
    result = cli.run('-c', '-r', 'in,path=s', cwd=directory)
    contains(result.stderr, "rule 1: control character '\\x0a' in a rule\n",
             '\n  in,path=s\n          ^\n')


def gone_directory(cli):
    """Without a current directory only absolute paths will do."""
    directory = cli.directory / 'gone'
    directory.mkdir()
    for rule, status in [('in,path=s', 78), ('in,path=/s', 0)]:
        result = cli.run('-c', f'rmdir {directory}; cd {directory} 2>/dev/null; '
                         f'{cli.ip2unix} -c -r {rule}; s=$?; mkdir {directory}; exit $s',
                         command='sh', cwd=directory)
        equal(result.returncode, status)
        if status:
            contains(result.stderr, 'the current directory can\'t be told', '          ^')


def too_long(cli):
    """A path that is too long once it is absolute is named."""
    directory = cli.directory / ('d' * 100)
    directory.mkdir()
    result = cli.run('-c', '-r', 'in,tcp,path=web.sock,noremove', cwd=directory)
    equal(result.returncode, 78)
    contains(result.stderr, "ip2unix: rule 1: path '/",
             "is too long for a socket: at most 107 bytes",
             '\n  in,tcp,path=web.sock,noremove\n              ^^^^^^^^\n')


def accounts(cli):
    """Names of users and groups become numbers; unknown ones are pointed at."""
    cli.needs_library()
    user, group = pwd.getpwnam('nobody'), grp.getgrnam('daemon')
    equal(handed_on(cli, '-r', 'in,path=/x,user=nobody,group=daemon'),
          f'in,path=/x,user={user.pw_uid},group={group.gr_gid}'.encode())
    equal(handed_on(cli, '-r', 'in,path=/x,user=1234,group=99'), b'in,path=/x,user=1234,group=99')
    cli.expect_rules('''\
ip2unix: rule 1: there is no user 'no-such-user'
  in,path=/x,user=no-such-user,group=daemon
                  ^^^^^^^^^^^^
''', '-r', 'in,path=/x,user=no-such-user,group=daemon')
    cli.expect_rules('''\
ip2unix: rule 1: there is no group 'no-such-group'
  in,path=/group=,group=no-such-group
                        ^^^^^^^^^^^^^
''', '-r', 'in,path=/group=,group=no-such-group')


def canonical(cli):
    """The library gets rules that mean the same."""
    cli.needs_library()
    for rule in [b'in,tcp,addr=10.0.0.0/8,port=80-90,path=/run/%t-%a-%p%%.sock,mode=0660',
                 b'out,addr=::1,inet=[::2]:80', b'from-unix=/run/\\*\\,x,reject=EPERM',
                 b'in,systemd=http,peer=credentials', b'abstract=x\\\\y', b'blackhole']:
        equal(handed_on(cli, '-r', rule), rule.replace(b'/\\*', b'/\\\\*'))


def many(cli):
    """Thousands of rules in a file hold, the last of them too."""
    cli.needs_library()
    bind = ('import socket\ntry: socket.socket().bind(("127.0.0.1", 7))\n'
            'except OSError as error: print(error.errno)')
    for number in [1000, 5000]:
        cli.write('many', ''.join(f'in,tcp,addr=10.0.0.1,port={n},reject\n'
                                  for n in range(10000, 10000 + number))
                  + 'in,tcp,port=7,reject=ENETDOWN\n')
        cli.expect(0, '100\n', '', '-f', 'many', sys.executable, '-c', bind)


def too_many(cli):
    """More rules than an environment holds are an error that names the limit."""
    cli.write('many', 'in,tcp,addr=10.0.0.1,port=10000,reject\n' * 60000)
    cli.expect(78, '', 'ip2unix: too many rules: they take 2340000 bytes, and the environment '
               'holds 2097136 of them in 16 variables\n', '-f', 'many', 'true')
    cli.write('long', 'from-unix=/' + 'x' * 131100 + ',ignore\n')
    result = cli.run('-c', '-f', 'long')
    equal(result.returncode, 78)
    contains(result.stderr, 'ip2unix: long:1: the rule is too long: 131052 bytes at most fit into '
             'the environment\n  from-unix=/xxx')


if __name__ == '__main__':
    sys.exit(main([carets, whole, empty, all_errors, wide, control, window, window_of_terminal,
                   warnings, unreached, unreached_unsaid, no_rules, wrong_runs_nothing, files,
                   file_bytes, unreadable, other_files, standard_input, order, relative,
                   odd_directories, gone_directory, too_long, accounts, canonical, many,
                   too_many]))
