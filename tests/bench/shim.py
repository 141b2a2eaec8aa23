# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the shim costs by itself."""

import resource
import statistics
import subprocess

from figures import Figure, quotient, stop

RULE = 'in,tcp,port=8080,systemd=http'


def calls(bench):
    """A hooked call on an untracked descriptor: the worst of all hooks decides."""
    def run(library, batches):
        return bench.lines(bench.program('calls'), bench.preload(library), batches,
                           LD_PRELOAD=f'{bench.shim}:{bench.preload(library)}', IP2UNIX_RULES=RULE)

    # A server calls listen() once. To be sure that it opens no IP port, the kernel is asked what the
    # descriptor is: some system calls, and no business of this budget.
    once = {'listen'}
    counts = {name: float(count) for name, count in run('counting', 1)}
    figures = [Figure(f'{name}, untracked', f'{hooked} ns', f'{bare} ns',
                      float(hooked) - float(bare), ' ns', at_most=5)
               for name, hooked, bare in run('standin', bench.rounds(4000, 20)) if name not in once]
    # The stand-ins do nothing, where the kernel would take its time for each of these calls.
    figures += [Figure(f'{name}, untracked: calls made', f'{count:.1f}', '1', count, at_most=1)
                for name, count in counts.items() if count > 1 and name not in once]
    return sorted(figures, key=lambda figure: (not figure.misses, -figure.value))[:max(
        3, sum(figure.misses for figure in figures))]


def names(bench):
    """getsockname() and getpeername() on an activated Unix socket, against the kernel's own."""
    path = bench.directory / 'names.sock'
    process = bench.activated({'http': path},
                              [bench.program('names'), path, bench.rounds(2000, 20)],
                              rules=RULE, stdout=subprocess.PIPE, text=True)
    output, _ = process.communicate(timeout=300)
    if process.returncode != 0:
        raise RuntimeError(f'bench-names exits {process.returncode}')
    *lines, [_, system_calls] = [line.split() for line in output.splitlines()]
    kernel = next(ns for _, whose, ns in lines if whose == 'kernel')
    figures = [Figure(f'{name}, {whose}', f'{ns} ns', f'{kernel} ns', float(ns), ' ns', at_most=15)
               for name, whose, ns in lines if whose != 'kernel']
    figures.append(Figure('both: system calls made', system_calls, 'none',
                          0 if system_calls == 'none' else 1, '', at_most=0))
    return figures


def start(bench):
    """What the shim adds to the start of a process, against what an empty object adds."""
    bare, empty, shim = [float(decile) for [decile] in bench.lines(
        bench.program('start'), bench.rounds(4000, 50),
        '', f'LD_PRELOAD={bench.preload("empty")}',
        f'LD_PRELOAD={bench.shim} IP2UNIX_RULES={RULE}',
        '--', bench.program('nothing'))]
    return [Figure('process start, added', f'{shim - bare:.1f} µs', f'{empty - bare:.1f} µs',
                   quotient(shim - bare, empty - bare), at_most=1.5)]


def command(bench):
    """What the command adds to the start of a program: its own work, and then the shim's."""
    def decile(*words):
        [[microseconds]] = bench.lines(bench.program('start'), bench.rounds(200, 10), '', '--',
                                       *words, bench.program('nothing'))
        return float(microseconds)

    ip2unix = (bench.build / 'cli/ip2unix', '-r', RULE)
    pairs = [(decile(*ip2unix), decile('/usr/bin/env'), decile())
             for _ in range(bench.rounds(10, 1))]
    with_ip2unix, with_env, bare = (statistics.median(column) for column in zip(*pairs))
    return [Figure('ip2unix PROGRAM, added', f'{with_ip2unix - bare:.0f} µs',
                   f'{with_env - bare:.0f} µs (env PROGRAM)', with_ip2unix - bare, ' µs')]


def clients(bench):
    """Clients and servers that a rule joins by a Unix socket, against the same over one natively."""
    rule = f'tcp,port=8080,path={bench.directory}/rule.sock'
    lines = bench.lines(bench.program('clients'), bench.directory / 'unix.sock',
                        bench.rounds(1000, 10), LD_PRELOAD=str(bench.shim), IP2UNIX_RULES=rule)
    times = {(what, whose): float(ns) for what, whose, ns in lines}
    figures = []
    for what, name in (('connect', 'connect, accept, close'), ('talk', 'request and answer')):
        for whose in 'unix', 'tcp':
            figures.append(Figure(f'{name}, to {whose}', f'{times[what, "rule"]:.0f} ns',
                                  f'{times[what, whose]:.0f} ns',
                                  quotient(times[what, 'rule'], times[what, whose])))
    return figures


def match(bench):
    """A rule passed over, of the kind that takes longest."""
    lines = bench.lines(bench.program('match'), bench.rounds(2000, 20))
    ns, rule = max(lines, key=lambda line: float(line[0]))
    return [Figure(f'rule passed over: {rule}', f'{ns} ns', '', float(ns), ' ns', at_most=10)]


def held_memory(bench, connections, rules):
    """Kilobytes of a server's own at its start, and with that many connections open."""
    path = bench.directory / 'hold.sock'
    path.unlink(missing_ok=True)
    server = bench.activated({'http': path}, [bench.program('hold')], rules=rules, text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    client = None
    try:
        server.stdout.readline()
        at_start = int(server.stdout.readline())
        client = bench.activated({}, [bench.program('connect'), path, connections],
                                 stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        print(connections, file=server.stdin, flush=True)
        client.stdout.readline()
        return at_start, int(server.stdout.readline())
    finally:
        stop(server)
        if client is not None:
            stop(client)


def memory(bench):
    """Memory of a process's own: fixed, and for each accepted connection."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    connections = min(bench.rounds(20000, 500), limit - 50)
    fixed, each, bare_each = [], [], []
    for _ in range(bench.rounds(5, 1)):
        bare_start, bare_end = held_memory(bench, connections, None)
        shim_start, shim_end = held_memory(bench, connections, RULE)
        fixed.append((bare_start, shim_start))
        each.append((shim_end - shim_start) * 1024 / connections)
        bare_each.append((bare_end - bare_start) * 1024 / connections)
    bare, shim = (statistics.median(column) for column in zip(*fixed))
    with_shim, without = statistics.median(each), statistics.median(bare_each)
    return [Figure('memory, fixed', f'{shim:.0f} KiB', f'{bare:.0f} KiB', shim - bare, ' KiB',
                   at_most=64),
            Figure(f'memory, each of {connections} connections', f'{with_shim:.1f} B',
                   f'{without:.1f} B', with_shim - without, ' B', at_most=32)]
