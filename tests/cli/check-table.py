#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The table of rules that ip2unix --print makes."""

import sys

from harness import equal, main

RULES = ['-r', 'in,tcp,port=80,path=/run/web.sock,mode=0660', '-f', 'more.rules', '-r', 'reject']


def write_more(cli):
    cli.write('more.rules', '''\
# for the database
out,tcp,addr=10.0.0.0/8,port=5432-5433,path=/run/postgresql/.s.PGSQL.%p
from-unix=/run/*,ignore
systemd
''')


TABLE = '''\
#  FROM          DIRECTION  SOCKETS  ADDRESS                      WHAT BECOMES OF THEM
1  -r            in         TCP      port 80                      use the Unix socket \
'/run/web.sock' (mode 0660)
2  more.rules:2  out        TCP      10.0.0.0/8, ports 5432-5433  use the Unix socket \
'/run/postgresql/.s.PGSQL.%p'
3  more.rules:3  in, out    Unix     path '/run/*'                are left alone
4  more.rules:4  in         IP       any                          use a socket that systemd passed \
and no rule names
5  -r            in, out    IP       any                          fail with EACCES
'''


def table(cli):
    """The table, where it is not printed on a terminal."""
    write_more(cli)
    cli.expect(0, TABLE, '', '-p', *RULES)
    cli.expect(0, TABLE, '', '--print', '--check', *RULES, env={'COLUMNS': '40'})


def beside_program(cli):
    """Beside a program the table goes to standard error."""
    cli.needs_library()
    write_more(cli)
    cli.expect(3, 'out\n', TABLE, '-p', *RULES, 'sh', '-c', 'echo out; exit 3')


def wrong(cli):
    """When a rule is wrong, no table is printed."""
    equal(cli.run('-p', '-r', 'ignore', '-r', 'x').stdout, '')


def wide_characters(cli):
    """Characters of two columns and of none are counted, what can't be shown is written out."""
    cli.write('東京', 'in,port=1,ignore\n')
    cli.write('e\u0301', 'in,port=1,ignore\n')
    cli.write('line\nbreak', 'in,port=1,ignore\n')
    cli.expect(0, '''\
#  FROM             DIRECTION  SOCKETS  ADDRESS  WHAT BECOMES OF THEM
1  東京:1           in         IP       port 1   are left alone
2  e\u0301:1              in         IP       port 1   are left alone
3  line\\x0abreak:1  in         IP       port 1   are left alone
''', '', '-p', '-f', '東京', '-f', 'e\u0301', '-f', 'line\nbreak')


def numbers(cli):
    """Numbers stand under each other."""
    cli.write('ten', 'ignore\n' * 10)
    lines = cli.run('-p', '-f', 'ten').stdout.splitlines()
    equal([lines[0][:6], lines[9][:6], lines[10][:6]], [' #  FR', ' 9  te', '10  te'])


def narrow(cli):
    """On a terminal, the last column is wrapped; without colour where none is wanted."""
    write_more(cli)
    plain = '''\
#  FROM          DIRECTION  SOCKETS  ADDRESS                      WHAT BECOMES OF THEM
1  -r            in         TCP      port 80                      use the Unix socket
                                                                  '/run/web.sock' (mode 0660)
2  more.rules:2  out        TCP      10.0.0.0/8, ports 5432-5433  use the Unix socket
                                                                  '/run/postgresql/.s.PGSQL.%p'
3  more.rules:3  in, out    Unix     path '/run/*'                are left alone
4  more.rules:4  in         IP       any                          use a socket that systemd
                                                                  passed and no rule names
5  -r            in, out    IP       any                          fail with EACCES
'''
    equal(cli.on_terminal(96, '-p', *RULES, env={'NO_COLOR': '1'}), plain)
    equal(cli.on_terminal(96, '-p', *RULES, env={'TERM': 'dumb'}), plain)
    equal(cli.on_terminal(150, '-p', *RULES, env={'NO_COLOR': '1', 'COLUMNS': '96'}), plain)
    equal(cli.on_terminal(150, '-p', *RULES, env={'NO_COLOR': '1'}), TABLE)


def very_narrow(cli):
    """On a terminal that is narrower still, the last column goes below the others."""
    cli.write('a.rules', 'in,tcp,addr=fd00:1:2:3:4:5:6:7,port=80,path=/run/web.sock,mode=0660\n'
              'reject\n')
    equal(cli.on_terminal(60, '-p', '-f', 'a.rules', env={'NO_COLOR': '1'}), '''\
#  FROM       DIRECTION  SOCKETS  ADDRESS
   WHAT BECOMES OF THEM
1  a.rules:1  in         TCP      fd00:1:2:3:4:5:6:7, port 80
   use the Unix socket '/run/web.sock' (mode 0660)
2  a.rules:2  in, out    IP       any
   fail with EACCES
''')
    equal(cli.on_terminal(30, '-p', '-r', 'reject', env={'TERM': 'dumb'}), '''\
#  FROM  DIRECTION  SOCKETS  ADDRESS
   WHAT BECOMES OF THEM
1  -r    in, out    IP       any
   fail with EACCES
''')


def colour(cli):
    """On a terminal the headings are bold, and no line ends in blanks."""
    write_more(cli)
    heading, rest = TABLE.split('\n', 1)
    equal(cli.on_terminal(150, '-p', *RULES), f'\033[1m{heading}\033[0m\n{rest}')
    equal(cli.on_terminal(150, '-p', *RULES, env={'NO_COLOR': ''}),
          f'\033[1m{heading}\033[0m\n{rest}')


if __name__ == '__main__':
    sys.exit(main([table, beside_program, wrong, wide_characters, numbers, narrow, very_narrow,
                   colour]))
