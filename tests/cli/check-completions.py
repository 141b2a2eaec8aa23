#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""The completions for bash, zsh and fish: they know the language, and the shells use them."""

import os
import re
import shutil
import sys

from harness import HERE, Skip, equal, main
from shells import BASH, COMPLETIONS, ZSH, Shell

TREE = HERE.parents[1]


def source(name):
    return (TREE / name).read_text(encoding='utf-8')


def known_words():
    """The words of rules, keys with their '='."""
    words = set()
    known = re.findall(r'\{"([a-z-]+)", SLOT_\w+, VALUE_(\w+),', source('rules/parse.c'))
    for name, value in known:
        words |= {name} if value != 'NEEDED' else set()
        words |= {f'{name}='} if value != 'NONE' else set()
    return sorted(words)


def known_errnos():
    return sorted(re.findall(r'X\((E\w+)\)', source('rules/errno-name.c')))


def between(text, start, end):
    return text.split(start, 1)[1].split(end, 1)[0]


def language(_cli):
    """Words and errors are those that rules have."""
    bash, zsh, fish = (source(f'completions/{name}')
                       for name in ['ip2unix.bash', '_ip2unix', 'ip2unix.fish'])
    equal(sorted(between(bash, "_ip2unix_words='", "'").split()), known_words())
    equal(sorted(between(bash, "_ip2unix_errnos='", "'").split()), known_errnos())
    flags = re.findall(r"'([a-z-]+):", between(zsh, '_ip2unix_flags=(', '\n)'))
    keys = re.findall(r"'([a-z-]+):", between(zsh, '_ip2unix_keys=(', '\n)'))
    equal(sorted(flags + [f'{key}=' for key in keys]), known_words())
    equal(sorted(between(zsh, '_ip2unix_errnos=(', ')').split()), known_errnos())
    equal(sorted(re.findall(r"^    (\S+)\\t'", between(fish, '__ip2unix_words', '\n\n'), re.M)),
          known_words())
    equal(sorted(re.findall(r'\bE\w+', between(fish, '__ip2unix_errnos', '\n\n'))), known_errnos())


def options(cli):
    """Options are those of --help."""
    known = sorted(set(re.findall(r'(?<!\S)--?[a-z]+\b', cli.run('--help').stdout)) - {'-m'})
    bash, zsh, fish = (source(f'completions/{name}')
                       for name in ['ip2unix.bash', '_ip2unix', 'ip2unix.fish'])
    equal(sorted(between(bash, "_ip2unix_options='", "'").split()), known)
    arguments = between(zsh, '_arguments ', '\n        \'(-):program')
    equal(sorted(set(re.findall(r'[{,)](--?[a-z]+)', arguments))), known)
    fish = ''.join(re.findall(r'^complete .*\n', fish, re.M))
    equal(sorted([f'-{letter}' for letter in re.findall(r' -s (\w) ', fish)]
                 + [f'--{name}' for name in re.findall(r' -l (\w+) ', fish)]), known)


# What is typed, and what a TAB makes of it in bash and zsh, behind "ip2unix ".
TABS = [
    ('--ch', '--check '),
    ('-r bl', '-r blackhole'),
    ('-r in,bl', '-r in,blackhole'),
    ('-r in,tcp,pat', '-r in,tcp,path='),
    ('-pvr in,tc', '-pvr in,tcp'),
    ('--rule in,abst', '--rule in,abstract='),
    ('--rule=in,abst', '--rule=in,abstract='),
    ('-r in,path=/usr/loc', '-r in,path=/usr/local/'),
    ('-r in,tcp,path=/usr/loc', '-r in,tcp,path=/usr/local/'),
    ('-r in,path=some', '-r in,path=some\\ dir/'),
    ('-r reject=econnrefu', '-r reject=ECONNREFUSED'),
    ('-r reject=ECONNA', '-r reject=ECONNABORTED'),
    ('-r in,path=/x,user=nobod', '-r in,path=/x,user=nobody'),
    ('-r in,path=/x,group=daemo', '-r in,path=/x,group=daemon'),
    ('-r in,systemd,peer=', '-r in,systemd,peer=credentials'),
    ('-f web', '-f web.rules '),
    ('-r reject ls --autho', '-r reject ls --author '),
    ('-r in,port=80,reject -- ls --autho', '-r in,port=80,reject -- ls --author '),
    ('-f web.rules -c printen', '-f web.rules -c printenv '),
]


def complete_with(cli, name, command, setup, tabs):
    if shutil.which(name) is None:
        raise Skip(f'no {name}')
    (cli.directory / 'some dir').mkdir()
    cli.write('web.rules', '')
    shell = Shell(command, setup, cli.directory)
    try:
        for typed, wanted in tabs:
            equal(shell.complete(f'ip2unix {typed}'), f'ip2unix {wanted}')
    finally:
        shell.close()


def bash_tabs(cli):
    """bash completes options, rules, files and the program's own command line."""
    if not os.path.exists('/usr/share/bash-completion/bash_completion'):
        raise Skip('no bash-completion')
    complete_with(cli, 'bash', ['bash', '--norc', '-i'], BASH, TABS + [
        ("-r 'in,abst", "-r 'in,abstract='"),
        ("-r 'in,path=/usr/loc", "-r 'in,path=/usr/local/'"),
    ])


def zsh_tabs(cli):
    """zsh completes options, rules, files and the program's own command line."""
    complete_with(cli, 'zsh', ['zsh', '-f', '-i'], ZSH, TABS + [
        ("-r 'in,abst", "-r 'in,abstract="),
        ("-r 'path=/a\\,in,abst", "-r 'path=/a\\,in,abstract="),
    ])


def fish_candidates(cli):
    """fish completes options, rules, files and the program's own command line."""
    if shutil.which('fish') is None:
        raise Skip('no fish')
    (cli.directory / 'some dir').mkdir()
    cli.write('web.rules', '')
    script = 'source $argv[1]; for line in $argv[2..]; complete -C $line; echo end; end'
    tabs = [(typed, wanted) for typed, wanted in TABS if 'econn' not in typed]
    result = cli.run('-c', script, str(COMPLETIONS / 'ip2unix.fish'),
                     *[f'ip2unix {typed}' for typed, _ in tabs], command='fish')
    equal(result.stderr, '')
    for (typed, wanted), seen in zip(tabs, result.stdout.split('end\n')):
        token = wanted.rstrip() if wanted.endswith(' ') else wanted
        token = token.replace('\\ ', '_').rpartition(' ')[2].replace('_', ' ')
        if token not in [line.partition('\t')[0] for line in seen.splitlines()]:
            equal(f'{typed}: {seen}', token)


if __name__ == '__main__':
    sys.exit(main([language, options, bash_tabs, zsh_tabs, fish_candidates]))
