# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real programs under rules that do something else than one path= for everything."""

import signal

import nginx
import redis
from kernel import ip_listens
from stage import needs, wait_until


@needs("redis-server", "redis-cli")
def scenario_redis_killed_and_started_again(stage):
    """What a killed server leaves is replaced, what a living one has is not."""
    server = redis.start(stage)
    second = stage.run("redis-server", "--port", "6379", "--bind", "127.0.0.1", status=1)
    stage.matches(second, r"bind: Address already in use")
    stage.equal("PING", redis.ask(stage, "ping"), "PONG")
    server.end(signal.SIGKILL)
    if stage.rules:
        stage.check(stage.socket(6379).is_socket(), "who is killed can't remove anything")
        refused = stage.run("redis-cli", "-h", "127.0.0.1", "ping", status=1)
        stage.matches(refused, "Connection refused")
    server = stage.start("redis-server", "--port", "6379", "--bind", "127.0.0.1", "--save", "",
                         "--dir", stage.home, port=6379)
    stage.equal("PING", redis.ask(stage, "ping"), "PONG")
    server.end()
    stage.closed(6379)


@needs("redis-server", "redis-cli")
def scenario_redis_sees_users(stage):
    """With peer=credentials the address tells the user, and the port the process."""
    stage.rule += ",mode=0666,peer=credentials"
    # In protected mode, redis takes 127.0.0.1 alone for local.
    server = redis.start(stage, 6379, "--protected-mode", "no")
    for user, address in (("root", r"127\.0\.0\.0"), ("www-data", r"127\.0\.0\.33"),
                          ("nobody", r"127\.0\.255\.254")):
        told = address if stage.rules else r"127\.0\.0\.1"
        stage.matches(redis.ask(stage, "client", "info", user=user), rf"addr={told}:[1-9]\d* ")
    server.end()
    stage.closed(6379)


@needs("redis-server", "redis-cli")
def scenario_redis_own_socket_moved(stage):
    """A Unix socket of the server's own, put elsewhere for it and for its client."""
    stage.uses_tcp = False
    stage.directory("own")
    own, moved = stage.home / "own/redis.sock", stage.sockets / "moved.sock"
    stage.rule = f"from-unix={stage.home}/own/*,path={moved}"
    server = stage.start("redis-server", "--port", "0", "--save", "", "--unixsocket", own,
                         "--dir", stage.home)
    server.says("ready to accept connections|server is now ready")
    stage.equal("PING", stage.run("redis-cli", "-s", own, "ping").strip(), "PONG")
    stage.matches(stage.run("redis-cli", "-s", own, "client", "info"), rf"laddr={own}:0 ")
    if stage.rules:
        stage.check(moved.is_socket() and not own.exists(), "it is not where the rule says")
        stage.equal("PING", stage.run("redis-cli", "-s", moved, "ping", rules=False).strip(),
                    "PONG")
    server.end()
    stage.check(not moved.exists() and not own.exists(), "a socket file is left")


@needs("/usr/sbin/nginx", "curl")
def scenario_nginx_moved(stage):
    """Another user than root listens on port 80, which is port 8080 of the loopback alone."""
    stage.uses_tcp = True
    stage.rule = "tcp,port=80,inet=127.0.0.1:8080"
    servers = """server {{ listen 80; location / {{
                 return 200 "$remote_addr $server_addr $server_port\\n"; }} }}"""
    # The port that the kernel knows, another one, and where a client asks.
    real, other, asked = (8080, 80, "192.0.2.1") if stage.rules else (80, 8080, "127.0.0.1")
    server = stage.start(*nginx.command(stage, servers), "-g", "daemon off;",
                         user="www-data" if stage.rules else None)
    wait_until(lambda: ip_listens(real), "nginx listens")
    stage.check(not ip_listens(other), f"somebody listens on {other}")
    told = "127.0.0.1 127.0.0.1 80\n"
    stage.equal("asked directly", stage.run("curl", "-sSf", f"http://127.0.0.1:{real}/",
                                            rules=False), told)
    answer = stage.run("curl", "-sSf", "-w", "%{remote_ip} %{remote_port}", f"http://{asked}/")
    stage.equal("asked under rules", answer, f"{told}{asked} 80")
    server.end(signal.SIGQUIT, [0])
