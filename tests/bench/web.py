# SPDX-License-Identifier: LGPL-2.1-or-later
"""nginx on its own Unix socket, under the shim, and behind systemd-socket-proxyd.

All three are asked by the same client over the same kind of socket, in short turns.
"""

import shutil
import socket
import statistics
import subprocess
from contextlib import ExitStack
from pathlib import Path

from figures import Figure, median_ratio, pin, quotient, stop, wait_for

PROXY = Path('/lib/systemd/systemd-socket-proxyd')
CONNECTIONS = 32
# A round of a mode takes a fifth of a second. The ratio is good enough with this standard error.
FEWEST_ROUNDS, MOST_ROUNDS = 40, 400
GOOD_ENOUGH = 0.004
CONFIGURATION = '''
daemon off;
user root;
worker_processes 1;
pid {directory}/pid;
error_log {directory}/error.log;
events {{ worker_connections 4096; }}
http {{
        access_log off;
        keepalive_requests 1000000000;
        keepalive_timeout 1h;
        client_body_temp_path {directory}/body;
        proxy_temp_path {directory}/proxy;
        fastcgi_temp_path {directory}/fastcgi;
        uwsgi_temp_path {directory}/uwsgi;
        scgi_temp_path {directory}/scgi;
        server {{
                listen {listen};
                location / {{ return 200 "A small answer, so that the sockets are what counts.\\n"; }}
        }}
}}
'''


def nginx_command(bench, name, listen):
    directory = bench.directory / name
    directory.mkdir()
    path = directory / 'nginx.conf'
    path.write_text(CONFIGURATION.format(directory=directory, listen=listen))
    return ['nginx', '-e', directory / 'error.log', '-c', path]


def answers(path):
    with socket.socket(socket.AF_UNIX) as client:
        return client.connect_ex(str(path)) == 0


def start_servers(bench, cleanup):
    """Returns what is measured: a name and the path of its socket for each."""
    paths = {name: bench.directory / f'{name}.sock' for name in ['native', 'shim', 'proxy']}

    def add(process, path):
        cleanup.callback(stop, process)
        wait_for(lambda: answers(path), process, path)

    add(subprocess.Popen(nginx_command(bench, 'nginx-native', f'unix:{paths["native"]}'),
                         preexec_fn=pin(0)), paths['native'])
    add(bench.activated({'http': paths['shim']}, nginx_command(bench, 'nginx-shim', '8080'),
                        rules='in,tcp,port=8080,systemd=http\nin,reject', preexec_fn=pin(0)),
        paths['shim'])
    if PROXY.exists():
        add(bench.activated({'http': paths['proxy']}, [PROXY, paths['native']]), paths['proxy'])
    else:
        del paths['proxy']
    return paths


def rate(bench, path, mode, milliseconds):
    result = subprocess.run([bench.program('load'), path, str(CONNECTIONS), str(milliseconds), mode],
                            check=True, text=True, stdout=subprocess.PIPE, timeout=300,
                            preexec_fn=pin(1))
    return float(result.stdout)


def compare(bench, paths, mode):
    """Rates of all servers, in rounds, until the ratio of shim and native is known well enough.

    Both have their turn in each round, in changing order. The proxy is there for comparison alone.
    """
    rates = {name: [] for name in paths}
    order = ['native', 'shim']
    for done in range(bench.rounds(MOST_ROUNDS, 2)):
        if done >= FEWEST_ROUNDS and median_ratio(pairs(rates))[1] < GOOD_ENOUGH:
            break
        for name in order + ['proxy'] * ('proxy' in paths and done % 8 == 0):
            rates[name].append(rate(bench, paths[name], mode, bench.rounds(80, 30)))
        order.reverse()
    return rates


def pairs(rates):
    return list(zip(rates['shim'], rates['native']))


def figures_of(rates, what):
    mine, native = (statistics.median(rates[name]) for name in ['shim', 'native'])
    ratio, error = median_ratio(pairs(rates))
    yield Figure(f'nginx {what}, under the shim', f'{mine:.0f}/s', f'{native:.0f}/s', ratio,
                 error=error, at_least=0.98)
    if 'proxy' in rates:
        proxy = statistics.median(rates['proxy'])
        yield Figure(f'nginx {what}, socket-proxyd', f'{proxy:.0f}/s', f'{native:.0f}/s',
                     quotient(proxy, native))


def nginx(bench):
    if shutil.which('nginx') is None:
        raise RuntimeError('nginx is not installed')
    with ExitStack() as cleanup:
        paths = start_servers(bench, cleanup)
        for path in paths.values():
            rate(bench, path, 'keep', bench.rounds(200, 20))
        return [*figures_of(compare(bench, paths, 'keep'), 'keep-alive'),
                *figures_of(compare(bench, paths, 'close'), 'one request each')]
