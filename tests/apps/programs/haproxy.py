# SPDX-License-Identifier: LGPL-2.1-or-later
"""HAProxy: threads, health checks, SO_REUSEPORT, and reloads that hand the listeners on."""

import signal
import time

from kernel import command_line, processes
from stage import PATIENCE, needs, wait_until

CONFIGURATION = """
global
        maxconn 500
        nbthread 4
        stats socket {home}/admin.sock mode 600 level admin expose-fd listeners
defaults
        mode http
        option forwardfor
        timeout connect 60s
        timeout client 60s
        timeout server 60s
        option redispatch
frontend front
        bind 127.0.0.1:80 shards 4
        default_backend back
        http-response set-header X-Source "%[src] %[src_port] %[dst] %[dst_port]"
backend back
        balance roundrobin
        server one 127.0.0.1:8001 check inter 200ms
        server two 127.0.0.1:8002 check inter 200ms
        server dead 127.0.0.1:8003 check inter 200ms
"""

BACKEND = """
import http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        if self.path == "/who":
            text = f"{sys.argv[1]} {self.client_address[0]} {self.headers['X-Forwarded-For']}\\n"
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            return self.wfile.write(text.encode())
        super().do_GET()
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def start(stage):
    stage.noise("big", 20_000_000)
    script = stage.file("backend.py", BACKEND)
    backends = [stage.start("python3", script, port, port=port) for port in (8001, 8002)]
    path = stage.file("haproxy.cfg", CONFIGURATION.format(home=stage.home))
    server = stage.start("haproxy", "-W", "-S", stage.home / "master.sock", "-f", path, port=80)
    server.says("back/dead is DOWN")
    return server, backends


def end(stage, server, backends):
    # SIGTERM ends the worker by that signal.
    server.end(signal.SIGUSR1, [0])
    for backend in backends:
        backend.end()
    # python3 is ended by the signal, and its socket files stay.
    for port in (8001, 8002):
        stage.stale(port)
    stage.closed(80)


@needs("haproxy", "curl", "python3")
def scenario_haproxy_balances(stage):
    server, backends = start(stage)
    answers = [stage.run("curl", "-sS", "http://127.0.0.1/who") for _ in range(8)]
    stage.equal("answers", sorted(set(answers)),
                ["8001 127.0.0.1 127.0.0.1\n", "8002 127.0.0.1 127.0.0.1\n"])
    headers = stage.run("curl", "-sS", "-o", "/dev/null", "-D", "-", "http://127.0.0.1/who")
    stage.matches(headers.lower(), r"^x-source: 127\.0\.0\.1 [1-9]\d{3,4} 127\.0\.0\.1 80\r?$")
    for _ in range(2):
        stage.run("curl", "-sSf", "-o", stage.home / "copy", "http://127.0.0.1/big")
        stage.same_file(stage.home / "big", stage.home / "copy")
    backends[0].end()
    server.says("back/one is DOWN")
    stage.stale(8001)
    stage.equal("afterwards", stage.run("curl", "-sS", "http://127.0.0.1/who"),
                "8002 127.0.0.1 127.0.0.1\n")
    end(stage, server, backends[1:])


@needs("haproxy", "ab", "python3")
def scenario_haproxy_reload(stage):
    """The new worker takes the listeners over from the old one, by descriptor passing."""
    server, backends = start(stage)

    def workers():
        return {process for process in processes() if process != server.pid
                and command_line(process).startswith("haproxy")}

    client = stage.start("ab", "-q", "-t", "4", "-s", str(PATIENCE), "-n", "1000000", "-c", "4",
                         "http://127.0.0.1/who")
    for _ in range(2):
        time.sleep(0.5)
        old = workers()
        server.tell(signal.SIGUSR2)
        wait_until(lambda old=old: workers() and not old & workers(), "a new worker")
    stage.equal(f"ab's exit status:\n{client.output()}", client.wait(), 0)
    stage.matches(client.output(), r"^Failed requests: +0$")
    stage.check("Non-2xx" not in client.output(), client.output())
    stage.matches(stage.run("curl", "-sS", "http://127.0.0.1/who"), "127.0.0.1 127.0.0.1")
    end(stage, server, backends)
