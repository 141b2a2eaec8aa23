#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Whatever can't be written for want of space, no service starts without its rules.

    check-no-space.py GENERATOR

The limit of a process for the size of its files stands for the full file system: every file that
is larger can't be written.
"""

import os
import pathlib
import resource
import subprocess
import sys
import tempfile

RULE_FILES = {
    'short.conf': '[Rules]\nRule=in,blackhole\n',
    'socket.conf': '[Rules]\nRule=in,tcp,port=80,systemd=http\n[Socket http]\nListenStream=/run/s\n'
                   'SocketUser=somebody\n',
    'long.conf': '[Rules]\n' + 'Rule=in,tcp,port=80,reject=ECONNREFUSED\n' * 20,
    'broken.conf': '[Rules]\nRule=in,rejekt\n',
}
LARGEST = 2000


def generate(generator, root, out, limit):
    """Returns the exit status."""
    def restrict():
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    for name in ('normal', 'early', 'late'):
        (out / name).mkdir(parents=True)
    env = dict(os.environ, IP2UNIX_ROOT=str(root), SYSTEMD_SCOPE='system')
    # Python ignores SIGXFSZ, and so does what it starts this way: write(2) fails instead.
    return subprocess.run([generator, *(out / name for name in ('normal', 'early', 'late'))],
                          env=env, stderr=subprocess.PIPE, preexec_fn=restrict,
                          restore_signals=False, check=False).returncode


def files(directory):
    return {str(p.relative_to(directory)): p.read_text() for p in directory.rglob('*')
            if p.is_file() and not p.is_symlink()}


def check(generator, root, scratch, limit, whole):
    """Returns what is wrong, or nothing."""
    out = scratch / str(limit)
    status = generate(generator, root, out, limit)
    written = {name: text.replace(str(out), '@OUT@') for name, text in files(out / 'normal').items()}
    if status != 1:
        return f'exit status {status}'
    for name, text in written.items():
        if text != whole[name]:
            return f'{name} is not whole'
    for name in RULE_FILES:
        unit = name.replace('.conf', '.service')
        masked = (out / 'early' / unit).is_symlink()
        if masked == (f'{unit}.d/zz-ip2unix.conf' in written):
            return f'{unit} is {"" if masked else "not "}masked'
    return ''


def unheard(generator, root, out):
    """Returns what is written where standard error is a pipe without a reader."""
    (out / 'normal').mkdir(parents=True)
    reader, writer = os.pipe()
    os.close(reader)
    env = dict(os.environ, IP2UNIX_ROOT=str(root), SYSTEMD_SCOPE='system')
    subprocess.run([generator, out / 'normal'], env=env, stderr=writer, check=False)
    os.close(writer)
    return files(out / 'normal')


def main(generator):
    with tempfile.TemporaryDirectory(prefix='ip2unix-') as directory:
        scratch = pathlib.Path(directory)
        rules = scratch / 'root/etc/ip2unix.d'
        rules.mkdir(parents=True)
        for name, text in RULE_FILES.items():
            (rules / name).write_text(text)
        out = scratch / 'whole'
        status = generate(generator, scratch / 'root', out, resource.RLIM_INFINITY)
        whole = {n: t.replace(str(out), '@OUT@') for n, t in files(out / 'normal').items()}
        sizes = sorted(len(text) for text in files(out / 'normal').values())
        print('1..3')
        good = status == 1 and sizes[-1] < LARGEST and not any((out / 'early').iterdir())
        print(f'{"" if good else "not "}ok 1 - all is written where there is room')
        wrong = [(limit, check(generator, scratch / 'root', scratch, limit, whole))
                 for limit in sorted({0, 1, *sizes, *(size - 1 for size in sizes), LARGEST})]
        wrong = [f'{limit} bytes: {text}' for limit, text in wrong if text]
        print(f'{"not " if wrong else ""}ok 2 - each unit has its drop-in whole or is masked')
        for line in wrong:
            print(f'# {line}')
        heard = {n: t.replace(str(scratch / 'unheard'), '@OUT@')
                 for n, t in unheard(generator, scratch / 'root', scratch / 'unheard').items()}
        print(f'{"" if heard == whole else "not "}ok 3 - all is written when nobody reads the log')
    return 0 if good and not wrong and heard == whole else 1


sys.exit(main(os.path.abspath(sys.argv[1])))
