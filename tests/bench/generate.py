# SPDX-License-Identifier: LGPL-2.1-or-later
"""The generator against a plain loop that writes the same files."""

import os
import shutil
import statistics
import time
from pathlib import Path

from figures import Figure, median_ratio

RULE_FILE = '''[Rules]
Rule=in,tcp,port=8080,systemd=http
Rule=in,reject

[Socket http]
ListenStream=/run/{name}.sock
SocketMode=0660

[Service]
PrivateNetwork=yes
'''
UNIT = '''[Unit]
Description=Service {name}

[Service]
ExecStart=/usr/bin/server --name={name}
'''


def make_root(directory, count):
    """A root with so many services, each with a unit and a rule file."""
    root = directory / f'root-{count}'
    rules, units = root / 'etc/ip2unix.d', root / 'etc/systemd/system'
    programs = root / 'usr/bin'
    for folder in [rules, units, programs]:
        folder.mkdir(parents=True)
    shutil.copy('/bin/true', programs / 'server')
    for i in range(count):
        name = f'service-{i:05}'
        (rules / f'{name}.conf').write_text(RULE_FILE.format(name=name))
        (units / f'{name}.service').write_text(UNIT.format(name=name))
    if count == 0:
        rules.rmdir()
    return root


def write_list(tree, path):
    """Describe a tree for bench-write. Returns the number of files."""
    count = 0
    with open(path, 'wb') as output:
        for folder, folders, files in os.walk(tree):
            folders.sort()
            relative = Path(folder).relative_to(tree)
            if folder != str(tree):
                output.write(f'd {relative}\n'.encode())
            for name in sorted(files):
                count += 1
                entry = Path(folder) / name
                if entry.is_symlink():
                    output.write(f'l {relative / name} {os.readlink(entry)}\n'.encode())
                else:
                    text = entry.read_bytes()
                    output.write(f'f {relative / name} {len(text)}\n'.encode() + text)
    return count


def seconds(command, environment):
    start = time.perf_counter()
    child = os.posix_spawn(command[0], command, environment)
    _, status = os.waitpid(child, 0)
    took = time.perf_counter() - start
    if status != 0:
        raise RuntimeError(f'{command[0]}: wait status {status}')
    return took


def time_fresh(directory, command, environment):
    """Time a command that writes into a directory, its last argument, which is made for it."""
    output = directory / 'output'
    output.mkdir()
    took = seconds([*map(str, command), str(output)], environment)
    shutil.rmtree(output)
    return took


def compare(bench, directory, count):
    root = make_root(directory, count)
    environment = {'IP2UNIX_ROOT': str(root), 'SYSTEMD_SCOPE': 'system'}
    sample, listing = directory / 'sample', directory / 'list'
    sample.mkdir()
    seconds([str(bench.generator), str(sample)], environment)
    files = write_list(sample, listing)
    if files < 3 * count:
        raise RuntimeError(f'{files} files for {count} services')
    # Both run on paths of the same length: the generator's output holds the directory's name.
    pairs = []
    for _ in range(bench.rounds({100: 60, 1000: 20, 10000: 6}[count], 2)):
        mine = time_fresh(directory, [bench.generator], environment)
        pairs.append((mine, time_fresh(directory, [bench.program('write'), listing], {})))
    shutil.rmtree(root)
    shutil.rmtree(sample)
    mine, plain = (statistics.median(column) for column in zip(*pairs))
    ratio, error = median_ratio(pairs)
    return Figure(f'generator, {count:,} rule files', f'{mine * 1e3:.1f} ms', f'{plain * 1e3:.1f} ms',
                  ratio, error=error, at_most=2)


def idle(bench, directory):
    """With no rule files: against a program that does nothing."""
    root = make_root(directory, 0)
    environment = {'IP2UNIX_ROOT': str(root), 'SYSTEMD_SCOPE': 'system'}
    mine, true = [], []
    for _ in range(bench.rounds(500, 10)):
        true.append(seconds(['/bin/true'], environment))
        mine.append(time_fresh(directory, [bench.generator], environment))
    shutil.rmtree(root)
    mine, true = statistics.median(mine) * 1e3, statistics.median(true) * 1e3
    return Figure('generator, no rule files', f'{mine:.2f} ms', f'/bin/true {true:.2f} ms',
                  mine - true, ' ms', at_most=1)


def generator(bench):
    """In memory, as /run/systemd/generator is."""
    memory = Path('/dev/shm')
    base = memory if os.access(memory, os.W_OK) else bench.directory
    directory = base / f'ip2unix-bench-{os.getpid()}'
    directory.mkdir()
    try:
        counts = [100] if bench.smoke else [100, 1000, 10000]
        return [idle(bench, directory), *(compare(bench, directory, count) for count in counts)]
    finally:
        shutil.rmtree(directory)
