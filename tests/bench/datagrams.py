# SPDX-License-Identifier: LGPL-2.1-or-later
"""Datagrams: the same programs with Unix sockets of their own and with UDP sockets under rules.

Server and client are one program each, which takes a path or a port: only the addresses differ.
They share a processor, and neither takes it from the other before he has to wait (SCHED_BATCH of
sched(7)). Otherwise what is measured is who waits for whom: on two processors, the same native pair
answers 200,000 or 450,000 a second, from one second to the next; and on one, the scheduler lets the
one with less to do interrupt the other after each datagram, or after each eighth.
"""

import os
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from pathlib import Path

from figures import Figure, median_ratio, pin, quotient, stop, wait_for

PORT = 8053
# A turn takes a tenth of a second. The ratio is good enough with this standard error.
FEWEST_ROUNDS, MOST_ROUNDS = 20, 60
GOOD_ENOUGH = 0.01
# What a queue holds by default is 10: more under way, and the server waits for the client.
WINDOW = 8
BOUND = 65536


def together():
    """On the first processor, and not interrupted by one that was woken."""
    first = pin(0)

    def run():
        first()
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    return run


class Side:
    """A server and its clients, of which one may be under rules."""

    def __init__(self, bench, cleanup, *, server='native', client='native', how='one',
                 clients=1, window=1, files=False):
        directory = Path(tempfile.mkdtemp(dir=bench.directory))
        path = directory / 'sock'
        rules = f'udp,port={PORT},path={path}'
        words = [bench.program('answer'), path if server == 'native' else PORT, how]
        self.server = bench.activated({}, words, preexec_fn=together(),
                                      rules=None if server == 'native' else f'in,{rules}')
        cleanup.callback(stop, self.server)
        wait_for(path.is_socket, self.server, path)
        words = [bench.program('ask'), path if client == 'native' else PORT, clients, window]
        if files:
            words.append(directory)
        self.client = bench.activated({}, words, preexec_fn=together(), text=True,
                                      rules=None if client == 'native' else f'out,{rules}',
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        cleanup.callback(stop, self.client)

    def rate(self, milliseconds):
        print(milliseconds, file=self.client.stdin, flush=True)
        line = self.client.stdout.readline()
        if not line:
            raise RuntimeError(f'the clients exit {self.client.wait()}')
        return float(line)


def compare(bench, sides):
    """Rates of both, in rounds of changing order, until their ratio is known well enough."""
    rates = []
    for side in sides:
        side.rate(bench.rounds(200, 10))
    for done in range(bench.rounds(MOST_ROUNDS, 2)):
        if done >= FEWEST_ROUNDS and median_ratio(rates)[1] < GOOD_ENOUGH:
            break
        if done % 2:
            mine = sides[0].rate(bench.rounds(100, 10))
            native = sides[1].rate(bench.rounds(100, 10))
        else:
            native = sides[1].rate(bench.rounds(100, 10))
            mine = sides[0].rate(bench.rounds(100, 10))
        rates.append((mine, native))
    return rates


def ratio(bench, what, *, server='native', client='native', **how):
    with ExitStack() as cleanup:
        sides = [Side(bench, cleanup, server=server, client=client, **how),
                 Side(bench, cleanup, **how)]
        rates = compare(bench, sides)
    mine, native = (statistics.median(column) for column in zip(*rates))
    value, error = median_ratio(rates)
    return Figure(what, f'{mine:.0f}/s', f'{native:.0f}/s', value, error=error, at_least=0.9)


def datagrams(bench):
    """A UDP server and UDP clients under rules against native Unix ones, by the number of peers."""
    many = bench.rounds(10000, 200)
    server = {'server': 'rule'}
    return [
        ratio(bench, 'datagrams, 1 client, one by one', **server),
        ratio(bench, 'datagrams, 1 client', window=WINDOW, **server),
        ratio(bench, f'datagrams, {many} clients', window=WINDOW, clients=many, **server),
        ratio(bench, f'datagrams, {many} clients with files', window=WINDOW, clients=many,
              files=True, **server),
        ratio(bench, 'datagrams, 1 client, recvmmsg', window=WINDOW, how='many', **server),
        ratio(bench, f'datagrams, {many} clients, recvmmsg', window=WINDOW, clients=many,
              how='many', **server),
        ratio(bench, 'datagrams, 1 client, IP_PKTINFO', window=WINDOW, how='control', **server),
        ratio(bench, f'datagrams, {many} clients, IP_PKTINFO', window=WINDOW, clients=many,
              how='control', **server),
        ratio(bench, 'datagrams, UDP client, one by one', client='rule'),
        ratio(bench, 'datagrams, UDP client', window=WINDOW, client='rule'),
        ratio(bench, f'datagrams, {many} UDP clients', window=WINDOW, clients=many, client='rule'),
    ]


def own_memory(process):
    """Kilobytes of its own: all but the pages of files, which processes share."""
    with open(f'/proc/{process.pid}/smaps_rollup', encoding='ascii') as rollup:
        return sum(int(line.split()[1]) for line in rollup
                   if line.startswith(('Pss_Anon:', 'Pss_Shmem:')))


def strangers(bench):
    """Clients that are seen once: what all of them take of a server's memory, and of its time."""
    filling = bench.rounds(200_000, 2000)
    more = bench.rounds(800_000, 2000)
    memory, times = {}, {}
    for name, where, rules in (('rule', PORT, f'in,udp,path={bench.directory}/rule.sock'),
                               ('native', bench.directory / 'native.sock', None)):
        with ExitStack() as cleanup:
            path = bench.directory / f'{name}.sock'
            server = bench.activated({}, [bench.program('answer'), where, 'one'], rules=rules,
                                     preexec_fn=together())
            cleanup.callback(stop, server)
            wait_for(path.is_socket, server, path)
            client = subprocess.Popen([bench.program('strangers'), path], text=True,
                                      stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      preexec_fn=together())
            cleanup.callback(stop, client)
            memory[name], times[name] = [own_memory(server)], []
            for count in filling, more:
                print(count, file=client.stdin, flush=True)
                times[name].append(float(client.stdout.readline()))
                memory[name].append(own_memory(server))
    start, full, end = memory['rule']
    return [
        Figure(f'memory, {filling + more} clients, after {filling}', f'{end} KiB', f'{full} KiB',
               end - full, ' KiB', at_most=64),
        Figure('memory, each peer remembered', f'{full - start} KiB', '',
               (full - start) * 1024 / min(filling, BOUND), ' B'),
        Figure('client seen once, later ones', f'{times["rule"][1]:.0f} ns',
               f'{times["rule"][0]:.0f} ns', quotient(times['rule'][1], times['rule'][0])),
        Figure('client seen once', f'{times["rule"][1]:.0f} ns', f'{times["native"][1]:.0f} ns',
               quotient(times['native'][1], times['rule'][1])),
    ]
