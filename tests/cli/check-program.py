#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""How ip2unix finds the program, runs it, and refuses what no library can be preloaded into."""

import os
import resource
import shutil
import subprocess
import sys

from harness import MAKE_ELF, Failure, Skip, contains, equal, main

RULE = ['-r', 'ignore']


def as_env(cli, *arguments, **more):
    """Run as env(1) runs it: same status, same output."""
    cli.needs_library()
    bare = cli.run(*arguments, command='/usr/bin/env', **more)
    ours = cli.run(*RULE, *arguments, **more)
    equal((ours.returncode, ours.stdout), (bare.returncode, bare.stdout))
    return ours


def statuses(cli):
    """The exit status is the program's."""
    for status in [0, 1, 2, 77, 78, 126, 127, 255]:
        equal(as_env(cli, 'sh', '-c', f'exit {status}').returncode, status)
    equal(as_env(cli, 'sh', '-c', 'kill -TERM $$').returncode, -15)


def same_process(cli):
    """The program runs in the very same process."""
    cli.needs_library()
    result = cli.run('-c', f'echo $$; exec {cli.ip2unix} -r ignore sh -c \'echo $$\'', command='sh')
    first, second = result.stdout.split()
    equal(first, second)


def arguments(cli):
    """Options behind the program are its own, and arguments arrive as they are."""
    cli.needs_library()
    show = ['python3', '-c', 'import sys; print(sys.argv[1:])']
    for words in [['-r', 'x'], ['--', '-c'], ['', 'a b', '--help'], ['\udcff']]:
        cli.expect(0, f'{words!r}\n', '', *RULE, *show, *words)
        cli.expect(0, f'{words!r}\n', '', *RULE, '--', *show, *words)


def not_found(cli):
    """127: there is no such program."""
    cli.expect(127, '', "ip2unix: can't run nothing: there is no such program in PATH\n", *RULE,
               'nothing')
    cli.expect(127, '', "ip2unix: can't run ./nothing: No such file or directory\n", *RULE,
               './nothing')
    cli.expect(127, '', "ip2unix: can't run : there is no such program in PATH\n", *RULE,
               '')


def not_runnable(cli):
    """126: there is one that can't be run."""
    cli.write('data', 'x')
    cli.expect(126, '', "ip2unix: can't run ./data: Permission denied\n", *RULE, './data')
    cli.expect(126, '', "ip2unix: can't run /: Permission denied\n", *RULE, '/')
    cli.expect(126, '', "ip2unix: can't run ./data/x: Not a directory\n", *RULE, './data/x')
    cli.expect(126, '', f"ip2unix: can't run {'x' * 5000}: File name too long\n", *RULE, 'x' * 5000)


def search_path(cli):
    """PATH is searched as execvp(3) does it."""
    cli.write('one/tool', 'not for execution')
    (cli.directory / 'dir/tool').mkdir(parents=True)
    cli.write('two/tool', '#!/bin/sh\necho two "$0"\n', 0o755)
    cli.write('bad/tool', '#!/nowhere/sh\n', 0o755)
    cli.write('tool', '#!/bin/sh\necho here "$0"\n', 0o755)
    base = cli.directory
    for path in ['one:two', 'two', 'dir:two', 'bad:two', 'missing:two', 'one/tool:two', 'one',
                 'bad', 'bad:one', 'one:bad', '', ':two', 'two:', 'one::two', 'dir']:
        path = ':'.join(f'{base}/{part}' if part else '' for part in path.split(':'))
        for name in ['tool', './tool', 'two/tool', 'one/tool', 'bad/tool']:
            as_env(cli, name, env={'PATH': path})


def long_path(cli):
    """A directory in PATH that is too long is passed over, and is not the current one."""
    cli.needs_library()
    cli.write('two/tool', '#!/bin/sh\necho two\n', 0o755)
    cli.write('tool', '#!/bin/sh\necho here\n', 0o755)
    # glibc's own execvp(3) takes the current directory after such a one.
    path = f'/{"x" * 5000}:{cli.directory}/two'
    cli.expect(0, 'two\n', '', *RULE, 'tool', env={'PATH': path})


def without_path(cli):
    """Without PATH the usual directories are searched."""
    cli.needs_library()
    result = cli.run('-u', 'PATH', cli.ip2unix, *RULE, 'sh', '-c', 'echo found',
                     command='/usr/bin/env')
    equal((result.stdout, result.stderr), ('found\n', ''))


def scripts(cli):
    """Scripts run, those without a first line by the shell."""
    cli.write('script', '#!/bin/sh -u\necho "$0 $*"\n', 0o755)
    cli.write('plain', 'echo "$0 $*"\n', 0o755)
    cli.write('empty', '', 0o755)
    cli.write('env', '#!/usr/bin/env python3\nimport sys\nprint(sys.argv)\n', 0o755)
    cli.write('env-split', '#!/usr/bin/env -S python3 -u\nimport sys\nprint(sys.argv)\n', 0o755)
    cli.write('env-missing', '#!/usr/bin/env nothing-here\n', 0o755)
    cli.write('chain', '#!./script\n', 0o755)
    cli.write('no-name', '#!\necho no name\n', 0o755)
    for name in ['script', 'plain', 'empty', 'env', 'env-split', 'env-missing', 'chain', 'no-name']:
        as_env(cli, f'./{name}', 'a b', 'c')


def unreadable(cli):
    """A program that can be executed and not read is run."""
    cli.needs_root()
    cli.needs_library()
    shutil.copy('/bin/echo', cli.directory / 'echo')
    (cli.directory / 'echo').chmod(0o711)
    cli.directory.chmod(0o755)
    result = cli.run('--reuid=65534', '--regid=65534', '--clear-groups', cli.ip2unix, *RULE,
                     './echo', 'hello', command='setpriv')
    if 'denied' in result.stderr or "can't preload" in result.stderr:
        raise Skip('the build cannot be reached by nobody')
    equal((result.returncode, result.stdout, result.stderr), (0, 'hello\n', ''))


def bad_interpreter(cli):
    """A missing interpreter is named."""
    cli.write('bad', '#!/nowhere/sh -e\n', 0o755)
    cli.expect(127, '', "ip2unix: can't run ./bad: its interpreter /nowhere/sh: "
               'No such file or directory\n', *RULE, './bad')
    cli.expect(127, '', "ip2unix: can't run ./bad: its interpreter /nowhere/sh: "
               'No such file or directory\n', '-c', *RULE, './bad')


def refused(cli, path, *because):
    for check in [[], ['-c']]:
        result = cli.run(*RULE, *check, path)
        equal((result.returncode, result.stdout), (126, ''))
        contains(result.stderr, f"ip2unix: can't run {path}: ", *because,
                 ', so that no library can be preloaded; ')
        equal(result.stderr.count('\n'), 1)


def make_elf(cli, name, *words):
    subprocess.run([MAKE_ELF, cli.directory / name, *words], check=True)
    (cli.directory / name).chmod(0o755)


def static(cli):
    """Statically linked programs are refused."""
    make_elf(cli, 'static')
    refused(cli, './static', 'it is statically linked')
    if not os.path.exists('/sbin/ldconfig'):
        raise Skip('no ldconfig')
    refused(cli, '/sbin/ldconfig', 'it is statically linked')


def go(cli):
    """Programs in Go are refused, statically linked or not."""
    make_elf(cli, 'dynamic', 'interpreter', 'note', 'go')
    refused(cli, './dynamic', 'it is a Go program')
    found = shutil.which('go')
    if found is None:
        raise Skip('no Go compiler')
    (cli.directory / 'server.go').write_text('package main\n\nfunc main() {}\n')
    build = cli.run('build', '-o', 'server', 'server.go', command=found,
                    env={'GOCACHE': os.environ.get('GOCACHE', str(cli.directory / 'cache')),
                         'GOFLAGS': '-mod=mod'})
    if build.returncode != 0:
        raise Failure(build.stderr)
    refused(cli, './server', 'it is a Go program')


def foreign(cli):
    """Programs for another processor are refused."""
    make_elf(cli, 'foreign', 'interpreter', 'foreign')
    refused(cli, './foreign', 'it is built for another architecture')


def other_libc(cli):
    """Programs of another C library are refused."""
    make_elf(cli, 'musl', 'musl')
    refused(cli, './musl', 'it is linked against another C library than glibc')


def set_id(cli):
    """Set-user-ID and set-group-ID programs are refused."""
    for mode in [0o4755, 0o2755]:
        shutil.copy('/bin/true', cli.directory / 'true')
        (cli.directory / 'true').chmod(mode)
        refused(cli, './true', 'it is set-user-ID or set-group-ID')


def capabilities(cli):
    """Programs with file capabilities are refused."""
    cli.needs_root()
    shutil.copy('/bin/true', cli.directory / 'true')
    setcap = shutil.which('setcap', path=cli.environment['PATH'])
    if setcap is None or cli.run('cap_net_bind_service+ep', 'true', command=setcap).returncode != 0:
        raise Skip('no file capabilities here')
    refused(cli, './true', 'it has file capabilities')


def interpreters(cli):
    """Scripts are followed to what runs them, and the message names it."""
    make_elf(cli, 'static')
    base = cli.directory
    cli.write('direct', f'#!{base}/static -x\n', 0o755)
    cli.write('second', f'#!{base}/direct\n', 0o755)
    cli.write('env', '#!/usr/bin/env static\n', 0o755)
    cli.write('env-split', '#!/usr/bin/env -S X=y static -x\n', 0o755)
    cli.write('relative', '#!static\n', 0o755)
    cli.environment['PATH'] = f'{base}:{cli.environment["PATH"]}'
    refused(cli, './direct', f'its interpreter {base}/static is statically linked')
    refused(cli, './second', f'its interpreter {base}/static is statically linked')
    refused(cli, './env', 'its interpreter static is statically linked')
    refused(cli, './env-split', 'its interpreter static is statically linked')
    refused(cli, './relative', 'its interpreter static is statically linked')
    result = cli.run(*RULE, 'direct')
    equal(result.returncode, 126)


def check(cli):
    """With --check the program is looked at and not run."""
    cli.needs_library()
    cli.write('plain', 'touch ran\n', 0o755)
    cli.write('script', '#!/bin/sh\ntouch ran\n', 0o755)
    for name in ['./plain', './script', 'true']:
        cli.expect(0, '', '', '-c', *RULE, name)
    equal((cli.directory / 'ran').exists(), False)
    cli.expect(127, '', "ip2unix: can't run nothing: there is no such program in PATH\n", '-c',
               *RULE, 'nothing')


def libraries(cli):
    """A library that can't be loaded is an error, and nothing is run."""
    tree = cli.directory / 'tree'
    (tree / 'cli').mkdir(parents=True)
    (tree / 'preload').mkdir()
    copy, library = tree / 'cli/ip2unix', tree / 'preload/libip2unix.so'
    shutil.copy(cli.ip2unix, copy)
    for content, reason in [(b'', 'not a shared library for this machine'),
                            (b'\x7fELF', 'not a shared library for this machine')]:
        library.write_bytes(content)
        cli.expect(126, '', f"ip2unix: can't preload {library}: {reason}\n", *RULE, 'touch', 'ran',
                   command=copy)
    library.unlink()
    library.mkdir()
    result = cli.run(*RULE, 'touch', 'ran', command=copy)
    contains(result.stderr, f"ip2unix: can't preload {library}: ")
    equal((result.returncode, (cli.directory / 'ran').exists()), (126, False))


def library_path(cli):
    """LD_PRELOAD can't hold every path."""
    cli.needs_library()
    for name in ['with blank', 'with:colon']:
        tree = cli.directory / name
        (tree / 'cli').mkdir(parents=True)
        (tree / 'preload').mkdir()
        shutil.copy(cli.ip2unix, tree / 'cli/ip2unix')
        shutil.copy(cli.library, tree / 'preload/libip2unix.so')
        cli.expect(126, '', f"ip2unix: can't preload '{tree}/preload/libip2unix.so': LD_PRELOAD "
                   'takes no path with a blank or a colon\n', *RULE, 'true',
                   command=tree / 'cli/ip2unix')


def too_big(cli):
    """More than the kernel takes is an error that names the limit."""
    cli.write('many', 'in,tcp,addr=10.0.0.1,port=10000,reject\n' * 10000)

    def limit():
        resource.setrlimit(resource.RLIMIT_STACK, (1 << 20, 1 << 20))
    result = cli.run('-f', 'many', 'true', preexec_fn=limit)
    equal((result.returncode, result.stdout), (126, ''))
    contains(result.stderr, "ip2unix: can't run true: its arguments and environment, rules "
             'included, take 39', 'the kernel takes 262144 ')


if __name__ == '__main__':
    sys.exit(main([statuses, same_process, arguments, not_found, not_runnable, search_path,
                   long_path, without_path, scripts, unreadable, bad_interpreter, static, go,
                   foreign, other_libc, set_id, capabilities, interpreters, check, libraries,
                   library_path, too_big]))
