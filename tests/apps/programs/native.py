# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers that listen on Unix sockets of their own accord, and clients that only know TCP."""

import glob
import signal

import postgresql
from stage import needs

NGINX = """
user root;
pid {home}/nginx.pid;
daemon off;
error_log {home}/logs/nginx-error.log notice;
events {{ }}
http {{
        access_log off;
        client_body_temp_path {home}/body;
        proxy_temp_path {home}/proxy;
        fastcgi_temp_path {home}/fastcgi;
        uwsgi_temp_path {home}/uwsgi;
        scgi_temp_path {home}/scgi;
        server {{ listen {listen}; root {home}/www; }}
}}
"""

JAVA = """
import java.net.URI;
import java.net.http.*;
public class Get {
    public static void main(String[] arguments) throws Exception {
        System.out.print(HttpClient.newHttpClient().send(
            HttpRequest.newBuilder(URI.create(arguments[0])).build(),
            HttpResponse.BodyHandlers.ofString()).body());
    }
}
"""


def nginx(stage):
    """nginx on the socket for port 80, or bare on port 80."""
    listen = f"unix:{stage.socket(80)}" if stage.rules else "127.0.0.1:80"
    path = stage.file("nginx.conf", NGINX.format(home=stage.home, listen=listen))
    stage.file("www/small", "small\n")
    return stage.start("/usr/sbin/nginx", "-e", stage.logs / "nginx-error.log", "-c", path, port=80,
                       rules=False)


@needs("/usr/sbin/nginx", "curl", "wget", "python3", "node", "php", "ruby", "perl")
def scenario_web_clients(stage):
    """A name that nobody can resolve is as good as any: who goes there is known by the rule."""
    server = nginx(stage)
    big = stage.noise("www/big", 10_000_000)
    url = "http://web.example/small" if stage.rules else "http://127.0.0.1/small"
    only_out = [f"out,path={stage.socket(80)}"]
    clients = (
        ("curl", "-sSf", url),
        ("wget", "-q", "-O", "-", url),
        ("python3", "-c", f"import urllib.request as r; print(r.urlopen({url!r}).read().decode())"),
        ("node", "-e", f"fetch({url!r}).then(a => a.text()).then(console.log)"),
        ("php", "-r", f"echo file_get_contents({url!r});"),
        ("ruby", "-rnet/http", "-e", f"puts Net::HTTP.get(URI({url!r}))"),
        ("perl", "-MHTTP::Tiny", "-e", f"print HTTP::Tiny->new->get({url!r})->{{content}}"),
    )
    for client in clients:
        stage.equal(client[0], stage.run(*client, rules=only_out).strip(), "small")
    copy = stage.home / "copy"
    stage.run("curl", "-sSf", "-o", copy, url.replace("small", "big"), rules=only_out)
    stage.same_file(big, copy)
    server.end(signal.SIGQUIT, [0])


@needs("/usr/sbin/nginx", "java")
def scenario_web_client_java(stage):
    """It looks up names without a port, so that only a rule for all ports can be about them."""
    server = nginx(stage)
    url = "http://web.example/small" if stage.rules else "http://127.0.0.1/small"
    output = stage.run("java", "-XX:-UsePerfData", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
                       stage.file("Get.java", JAVA), url,
                       rules=[f"out,path={stage.socket(80)}"])
    stage.equal("java", output.strip(), "small")
    server.end(signal.SIGQUIT, [0])


@needs("psql")
def scenario_psql_to_native(stage):
    """The server takes the client for a local one, and asks it for no password."""
    server = postgresql.start(stage, rules=False)
    path = stage.home / "own/.s.PGSQL.5432"
    host = "db.example" if stage.rules else "127.0.0.1"
    rules = [f"out,tcp,port=5432,path={path}"]
    answer = postgresql.ask(stage, "select inet_client_addr() is null", host, rules=rules)
    stage.equal("a local client", answer, "t" if stage.rules else "f")
    pgbench = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))[-1]
    common = [pgbench, "-h", host, "-U", "postgres"]
    stage.run(*common, "-i", "-q", "postgres", rules=rules)
    result = stage.run(*common, "-n", "-c", "4", "-j", "2", "-t", "50", "postgres", rules=rules)
    stage.matches(result, r"number of failed transactions: 0 ")
    server.end(signal.SIGINT, [0])


@needs("redis-server", "redis-cli")
def scenario_redis_cli_to_native(stage):
    options = ["--port", "0", "--unixsocket", stage.socket(6379)] if stage.rules else []
    server = stage.start("redis-server", "--save", "", "--dir", stage.home, *options, port=6379,
                         rules=False)
    rules = [f"out,tcp,addr=192.0.2.0/24,port=6000-7000,path={stage.sockets}/%p.sock"]
    address = "192.0.2.7" if stage.rules else "127.0.0.1"
    common = ["redis-cli", "-h", address]
    stage.equal("PING", stage.run(*common, "ping", rules=rules).strip(), "PONG")
    stage.matches(stage.run(*common, "client", "info", rules=rules),
                  r"addr=\S+6379.sock:0 " if stage.rules else r"addr=127\.0\.0\.1:")
    server.end(signal.SIGTERM, [0])
