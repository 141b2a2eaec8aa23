# SPDX-License-Identifier: LGPL-2.1-or-later
"""nginx: serving files, as a proxy (server and client in one), reloads, and its binary upgrade."""

import os
import signal
import time

from kernel import children, command_line, processes
from stage import PATIENCE, needs, wait_until

CONFIGURATION = """
user root;
worker_processes 2;
pid {home}/nginx.pid;
error_log {home}/logs/nginx-error.log notice;
events {{ worker_connections 512; }}
http {{
        access_log {home}/logs/nginx-access.log;
        client_max_body_size 200m;
        client_body_temp_path {home}/body;
        proxy_temp_path {home}/proxy;
        fastcgi_temp_path {home}/fastcgi;
        uwsgi_temp_path {home}/uwsgi;
        scgi_temp_path {home}/scgi;
        sendfile on;
        {servers}
}}
"""

# Both families on one port, as Debian's default site has it: the second is a blackhole.
SERVE = """
        server {{
                listen 0.0.0.0:80 so_keepalive=on backlog=64 deferred;
                listen [::]:80 ipv6only=on;
                root {home}/www;
                location /who {{
                        return 200 "$remote_addr $remote_port $server_addr $server_port\\n";
                }}
                location /local {{ allow 127.0.0.0/8; deny all; return 200 "let in\\n"; }}
        }}
"""

PROXY = """
        upstream backend {{ server 127.0.0.1:8082; keepalive 4; }}
        server {{
                listen 127.0.0.1:80;
                location / {{
                        proxy_http_version 1.1;
                        proxy_set_header Connection "";
                        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
                        proxy_pass http://backend;
                }}
        }}
        server {{
                listen 127.0.0.1:8082;
                root {home}/www;
                location /who {{ return 200 "$remote_addr $http_x_forwarded_for $server_port\\n"; }}
                location /up/ {{ dav_methods PUT; create_full_put_path on; }}
        }}
"""


def command(stage, servers):
    stage.directory("www", mode=0o777)
    path = stage.file("nginx.conf", CONFIGURATION.format(
        home=stage.home, servers=servers.format(home=stage.home)))
    # It executes itself by the name that it was called by.
    return ["/usr/sbin/nginx", "-e", stage.logs / "nginx-error.log", "-c", path]


def start(stage, servers):
    return stage.start(*command(stage, servers), "-g", "daemon off;", port=80)


@needs("/usr/sbin/nginx", "curl")
def scenario_nginx_and_curl(stage):
    server = start(stage, SERVE)
    big = stage.noise("www/big", 30_000_000)
    stage.file("www/small", "small\n")
    # Many answers over one connection, which nginx must take for one.
    peers = stage.run("curl", "-sS", *["http://127.0.0.1/who"] * 20).splitlines()
    stage.equal("requests on one connection", (len(peers), len(set(peers))), (20, 1))
    stage.matches(peers[0], r"^127\.0\.0\.1 [1-9]\d+ 127\.0\.0\.1 80$")
    before = stage.descriptors()
    others = {stage.run("curl", "-sS", "http://127.0.0.1/who") for _ in range(5)}
    stage.equal("different peers", len(others), 5)
    stage.equal("/local", stage.run("curl", "-sS", "http://127.0.0.1/local"), "let in\n")
    copy = stage.home / "copy"
    stage.run("curl", "-sSf", "-o", copy, "http://127.0.0.1/big")
    stage.same_file(big, copy)
    # Ten at once, in one curl.
    stage.run("curl", "-sSf", "--parallel", "--parallel-max", "10", "-o", f"{stage.home}/part-#1",
              "http://127.0.0.1/big?[1-10]")
    for number in range(1, 11):
        stage.same_file(big, stage.home / f"part-{number}")
    names = stage.run("curl", "-sS", "-o", "/dev/null", "-w",
                      "%{remote_ip} %{remote_port} %{local_ip} %{local_port}",
                      "http://127.0.0.1/small")
    stage.matches(names, r"^127\.0\.0\.1 80 127\.0\.0\.1 [1-9]\d+$")
    if stage.rules:
        answer = stage.run("curl", "-sS", "--unix-socket", stage.socket(80), "http://x/who",
                           rules=False)
        stage.matches(answer, r"^127\.0\.0\.1 [1-9]\d+ 127\.0\.0\.1 80$")
    stage.keeps_descriptors(before)
    server.end(signal.SIGQUIT, [0])
    stage.closed(80)
    log = (stage.logs / "nginx-access.log").read_text()
    stage.equal("peers in the log", {line.split()[0] for line in log.splitlines()}, {"127.0.0.1"})


@needs("/usr/sbin/nginx", "curl")
def scenario_nginx_as_proxy(stage):
    """nginx connects to itself: its client side is non-blocking and keeps connections."""
    server = start(stage, PROXY)
    big = stage.noise("www/big", 20_000_000)
    copy = stage.home / "copy"
    for _ in range(3):
        stage.run("curl", "-sSf", "-o", copy, "http://127.0.0.1/big")
        stage.same_file(big, copy)
    for _ in range(10):
        stage.equal("the peers of both", stage.run("curl", "-sS", "http://127.0.0.1/who"),
                    "127.0.0.1 127.0.0.1 8082\n")
    stage.run("curl", "-sSf", "-T", big, "http://127.0.0.1/up/there")
    stage.same_file(big, stage.home / "www/up/there")
    server.end(signal.SIGQUIT, [0])
    stage.closed(80, 8082)


@needs("/usr/sbin/nginx", "curl")
def scenario_nginx_proxy_to_nothing(stage):
    """A backend that is not there is refused, not missing."""
    servers = "server {{ listen 80; location / {{ proxy_pass http://127.0.0.1:99; }} }}"
    server = start(stage, servers)
    answer = stage.run("curl", "-sS", "-w", "%{http_code}", "-o", "/dev/null", "http://127.0.0.1")
    stage.equal("status", answer, "502")
    stage.matches((stage.logs / "nginx-error.log").read_text(), r"111: Connection refused")
    refused = stage.run("curl", "-sS", "http://127.0.0.1:98/", status=7)
    stage.matches(refused, "Connection refused|Couldn't connect")
    server.end(signal.SIGQUIT, [0])


def traffic(stage, seconds, *options, port=80, path="small"):
    """One request a connection, four at once, as fast as they go."""
    return stage.start("ab", "-q", "-t", str(seconds), "-s", str(PATIENCE), "-n", "1000000", "-c",
                       "4", *options,
                       f"http://127.0.0.1:{port}/{path}")


def all_answered(stage, client):
    status = client.wait()
    stage.equal(f"ab's exit status:\n{client.output()}", status, 0)
    stage.matches(client.output(), r"^Failed requests: +0$")
    stage.check("Non-2xx" not in client.output(), client.output())
    count = int(stage.matches(client.output(), r"^Complete requests: +(\d+)")[1])
    stage.check(count > 20, f"only {count} requests")


def workers(of):
    return {child for child in children(of) if "worker process" in command_line(child)}


@needs("/usr/sbin/nginx", "ab")
def scenario_nginx_reload(stage):
    server = start(stage, SERVE)
    stage.file("www/small", "small\n")
    client = traffic(stage, 3)
    for _ in range(3):
        time.sleep(0.5)
        old = workers(server.pid)
        server.tell(signal.SIGHUP)
        wait_until(lambda old=old: len(workers(server.pid)) == 2 and not old & workers(server.pid),
                   "new workers take over")
    all_answered(stage, client)
    server.end(signal.SIGQUIT, [0])
    stage.closed(80)


@needs("/usr/sbin/nginx", "ab", "curl")
def scenario_nginx_upgrade(stage):
    """A new nginx inherits the listening sockets from the old one, and hardly any environment."""
    # As a daemon: nginx does not upgrade when it was started in the foreground.
    stage.run(*command(stage, SERVE))
    stage.file("www/small", "small\n")
    old = stage.number_in("nginx.pid")
    client = traffic(stage, 4)
    time.sleep(0.5)
    os.kill(old, signal.SIGUSR2)
    wait_until(lambda: stage.number_in("nginx.pid") not in (0, old), "a new master")
    new = stage.number_in("nginx.pid")
    wait_until(lambda: len(workers(new)) == 2, "workers of the new master")
    os.kill(old, signal.SIGWINCH)
    wait_until(lambda: not workers(old), "the old workers end")
    os.kill(old, signal.SIGQUIT)
    wait_until(lambda: old not in processes(), "the old master ends")
    stage.check(stage.listens(80), "the old master has taken the socket along")
    all_answered(stage, client)
    answer = stage.run("curl", "-sS", "http://127.0.0.1/who")
    stage.matches(answer, r"^127\.0\.0\.1 [1-9]\d+ 127\.0\.0\.1 80$")
    if stage.rules:
        answer = stage.run("curl", "-sS", "--unix-socket", stage.socket(80), "http://x/small",
                           rules=False)
        stage.equal("answer on the Unix socket", answer, "small\n")
    os.kill(new, signal.SIGQUIT)
    wait_until(lambda: new not in processes(), "the new master ends")
    stage.closed(80)


@needs("/usr/sbin/nginx", "ab", "curl")
def scenario_nginx_reuseport(stage):
    """A socket for each worker. Under rules they are one, so that none waits in vain."""
    servers = """server {{ listen 80 reuseport; listen [::]:80 reuseport; root {home}/www;
                 location /who {{ return 200 "$pid $remote_addr\\n"; }} }}"""
    server = start(stage, servers)
    stage.file("www/small", "small\n")
    wait_until(lambda: len(workers(server.pid)) == 2, "two workers")
    answers = stage.ask_until_all_answer("http://127.0.0.1/who", lambda line: line.split()[0], 2)
    stage.equal("peers", {line.split()[1] for line in answers}, {"127.0.0.1"})
    client = traffic(stage, 2)
    time.sleep(0.7)
    server.tell(signal.SIGHUP)
    client.wait()
    if stage.rules:
        # Bare, connections are lost that wait in the queue of a worker that ends.
        all_answered(stage, client)
    server.end(signal.SIGQUIT, [0])
    stage.closed(80)


@needs("/usr/sbin/nginx", "ab")
def scenario_nginx_many_connections(stage):
    """More at once than nginx asks the kernel to queue."""
    server = start(stage, SERVE)
    stage.file("www/small", "small\n")
    result = stage.run("ab", "-q", "-n", "6000", "-c", "400", "-r", "http://127.0.0.1/small")
    stage.matches(result, r"^Complete requests: +6000$")
    stage.matches(result, r"^Failed requests: +0$")
    # Not gracefully: for connections that ab has given up.
    server.end(signal.SIGTERM, [0])
    stage.closed(80)


@needs("/usr/sbin/nginx", "wrk")
def scenario_nginx_and_wrk(stage):
    server = start(stage, SERVE)
    stage.file("www/small", "small\n")
    stage.run("wrk", "-c", "2", "-t", "1", "-d", "1", "http://127.0.0.1/small")
    before = stage.descriptors()
    for options in ([], ["-H", "Connection: close"]):
        result = stage.run("wrk", "-c", "64", "-t", "2", "-d", "1", "--timeout", "60s", *options,
                           "http://127.0.0.1/small")
        stage.check("Socket errors" not in result and "Non-2xx" not in result, result)
        stage.matches(result, r"[1-9]\d+ requests in")
    stage.keeps_descriptors(before)
    server.end(signal.SIGQUIT, [0])
    stage.closed(80)
