# SPDX-License-Identifier: LGPL-2.1-or-later
"""Apache: processes and threads that wait at one listener, keep-alive, and graceful restarts."""

import signal
import time
from pathlib import Path

from stage import PATIENCE, needs

MODULES = Path("/usr/lib/apache2/modules")
CONFIGURATION = """
ServerRoot {home}
ServerName localhost
DefaultRuntimeDir {home}
PidFile {home}/apache.pid
Mutex file:{home}
ErrorLog {home}/logs/apache-error.log
LogLevel notice
LoadModule mpm_{mpm}_module {modules}/mod_mpm_{mpm}.so
LoadModule authz_core_module {modules}/mod_authz_core.so
LoadModule authz_host_module {modules}/mod_authz_host.so
LoadModule headers_module {modules}/mod_headers.so
LoadModule proxy_module {modules}/mod_proxy.so
LoadModule proxy_http_module {modules}/mod_proxy_http.so
User www-data
Group www-data
{mpm_options}
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 2
LogFormat "%a %A %{{remote}}p %k %s %U" peers
CustomLog {home}/logs/apache-access.log peers
DocumentRoot {home}/www
<Directory {home}/www>
Require local
</Directory>
Header always set X-Peer "expr=%{{REMOTE_ADDR}} %{{REMOTE_PORT}} %{{SERVER_PORT}}"
Listen 127.0.0.1:80
Listen 127.0.0.1:81
<VirtualHost *:81>
ProxyPass / http://127.0.0.1:80/
</VirtualHost>
"""
# So many that none is started or ended, with a connection that it keeps, in the middle of a test.
MPM = {
    "prefork": "StartServers 20\nMinSpareServers 1\nMaxSpareServers 32\nMaxRequestWorkers 32",
    "event": "StartServers 4\nThreadsPerChild 16\nMaxSpareThreads 64\nMaxRequestWorkers 64",
}


def start(stage, mpm):
    """mpm: the multi-processing module, which accepts in its own way."""
    stage.noise("www/big", 20_000_000)
    stage.file("www/small", "small\n")
    text = CONFIGURATION.format(home=stage.home, modules=MODULES, mpm=mpm, mpm_options=MPM[mpm])
    path = stage.file("apache.conf", text)
    # Its first process listens as root, its others connect to it as www-data.
    stage.rule += ",mode=0666"
    return stage.start("apache2", "-D", "FOREGROUND", "-f", path, port=81)


def serve(stage, mpm):
    server = start(stage, mpm)
    quiet = ["-o", "/dev/null"]
    headers = stage.run("curl", "-sSf", "-D", "-", *[*quiet, "http://127.0.0.1/small"] * 2)
    peers = [line for line in headers.splitlines() if line.startswith("X-Peer")]
    stage.matches(peers[0], r"^X-Peer: 127\.0\.0\.1 [1-9]\d{3,4} 80$")
    stage.equal("two requests on one connection", peers, peers[:1] * 2)
    for port in (80, 81):
        stage.run("curl", "-sSf", "-o", stage.home / "copy", f"http://127.0.0.1:{port}/big")
        stage.same_file(stage.home / "www/big", stage.home / "copy")
    for options in (["-k", "-n", "4000"], ["-n", "2000"]):
        result = stage.run("ab", "-q", "-c", "16", *options, "http://127.0.0.1/small")
        stage.matches(result, r"^Failed requests: +0$")
        stage.check("Non-2xx" not in result, result)
    if stage.rules:
        answer = stage.run("curl", "-sS", "--unix-socket", stage.socket(80), "http://x/small",
                           rules=False)
        stage.equal("on the Unix socket", answer, "small\n")
    server.end(signal.SIGTERM, [0])
    stage.closed(80, 81)
    log = (stage.logs / "apache-access.log").read_text().splitlines()
    stage.equal("peers and own addresses", {tuple(line.split()[:2]) for line in log},
                {("127.0.0.1", "127.0.0.1")})
    stage.check(any(int(line.split()[3]) > 10 for line in log), "connections are not kept")


def restart(stage, mpm):
    """Graceful restarts while clients ask on: all are answered. A child that ends may close what it
    has accepted at that very moment, which was seen once in dozens of runs."""
    server = start(stage, mpm)
    client = stage.start("ab", "-q", "-r", "-t", "3", "-s", str(PATIENCE), "-n", "1000000", "-c",
                         "4", "http://127.0.0.1/small")
    for _ in range(3):
        time.sleep(0.7)
        server.tell(signal.SIGUSR1)
    stage.equal(f"ab's exit status:\n{client.output()}", client.wait(), 0)
    stage.matches(client.output(), r"^Failed requests: +[0-3]$")
    stage.check("Non-2xx" not in client.output(), client.output())
    answer = stage.run("curl", "-sSf", "http://127.0.0.1:81/small")
    stage.equal("afterwards", answer, "small\n")
    server.end(signal.SIGTERM, [0])
    stage.closed(80, 81)


@needs("apache2", "curl", "ab")
def scenario_apache_prefork(stage):
    serve(stage, "prefork")


@needs("apache2", "curl", "ab")
def scenario_apache_event(stage):
    serve(stage, "event")


@needs("apache2", "curl", "ab")
def scenario_apache_restart_prefork(stage):
    restart(stage, "prefork")


@needs("apache2", "curl", "ab")
def scenario_apache_restart_event(stage):
    restart(stage, "event")
