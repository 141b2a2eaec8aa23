# SPDX-License-Identifier: LGPL-2.1-or-later
"""redis: its own idea of its clients, many clients at once, and a replica that connects."""

import hashlib
import signal

from stage import needs, wait_until

LOCAL = r"127\.0\.0\.1:[1-9]\d*"


def start(stage, port=6379, *options):
    directory = stage.directory(f"data-{port}")
    return stage.start("redis-server", "--port", port, "--bind", "127.0.0.1", "--dir", directory,
                       "--save", "", *options, port=port)


def ask(stage, *command, port=6379, **options):
    return stage.run("redis-cli", "-h", "127.0.0.1", "-p", port, *command, **options).strip()


@needs("redis-server", "redis-cli")
def scenario_redis_and_its_client(stage):
    server = start(stage)
    stage.equal("PING", ask(stage, "ping"), "PONG")
    before = stage.descriptors()
    value = stage.noise("value", 20_000_000)
    with open(value, "rb") as content:
        stage.equal("SET", ask(stage, "-x", "set", "value", stdin=content), "OK")
    got = stage.run("redis-cli", "-h", "127.0.0.1", "--raw", "get", "value", text=False)
    stage.equal("checksum", hashlib.sha256(got[:-1]).digest(),
                hashlib.sha256(value.read_bytes()).digest())
    told = rf"addr=({LOCAL}) laddr=127\.0\.0\.1:6379 "
    peers = {stage.matches(ask(stage, "client", "info"), told)[1] for _ in range(10)}
    stage.equal("different peers", len(peers), 10)
    if stage.rules:
        answer = stage.run("redis-cli", "-s", stage.socket(6379), "client", "info", rules=False)
        stage.matches(answer, told)
    stage.keeps_descriptors(before)
    server.end(signal.SIGTERM)
    stage.closed(6379)


@needs("redis-server", "redis-cli", "socat")
def scenario_redis_kills_by_address(stage):
    """What CLIENT LIST tells is good enough to close that client, and no other."""
    server = start(stage)
    waiting = [stage.start("redis-cli", "-h", "127.0.0.1", "subscribe", "news", name=f"waits-{n}")
               for n in range(3)]
    for client in waiting:
        client.says("subscribe")
    listed = ask(stage, "client", "list", "type", "pubsub")
    addresses = [line.split("addr=")[1].split()[0] for line in listed.splitlines()]
    stage.equal("different addresses", len(set(addresses)), 3)
    stage.equal("killed", ask(stage, "client", "kill", "addr", addresses[1]), "1")
    wait_until(lambda: any(client.process.poll() for client in waiting), "a client ends")
    left = ask(stage, "client", "list", "type", "pubsub")
    stage.check(addresses[0] in left and addresses[2] in left, left)
    stage.equal("heard by", ask(stage, "publish", "news", "hello"), "2")
    left = [client for client in waiting if client.process.poll() is None]
    stage.equal("clients that are left", len(left), 2)
    for client in left:
        client.says("hello")
        client.end(signal.SIGKILL)
    server.end()
    stage.closed(6379)


@needs("redis-server", "redis-benchmark")
def scenario_redis_benchmark(stage):
    server = start(stage)
    ask(stage, "ping")
    before = stage.descriptors()
    for options in (["-c", "50", "-n", "5000"], ["-c", "50", "-n", "20000", "-P", "16"],
                    ["-c", "20", "-n", "1000", "-k", "0"], ["-c", "400", "-n", "2000"]):
        result = stage.run("redis-benchmark", "-h", "127.0.0.1", "-q", "-t", "set,get", *options)
        stage.matches(result, r"SET: [\d.]+ requests per second")
        stage.matches(result, r"GET: [\d.]+ requests per second")
        stage.check("rror" not in result, result)
    stage.keeps_descriptors(before)
    server.end()
    stage.closed(6379)


@needs("redis-server", "redis-benchmark")
def scenario_redis_threads(stage):
    """Threads read and write what the main one accepts. They spin: a few requests are enough."""
    server = start(stage, 6379, "--io-threads", "2", "--io-threads-do-reads", "yes")
    result = stage.run("redis-benchmark", "-h", "127.0.0.1", "-q", "-t", "set,get", "-c", "20",
                       "-n", "500", "-d", "10000")
    stage.matches(result, r"GET: [\d.]+ requests per second")
    stage.check("rror" not in result, result)
    server.end()
    stage.closed(6379)


@needs("redis-server", "redis-cli")
def scenario_redis_replica(stage):
    """The replica is a non-blocking client, and survives the primary's end and return."""
    primary = start(stage, 6379, "--repl-diskless-sync-delay", "0")
    replica = start(stage, 6380, "--replicaof", "127.0.0.1 6379")
    ask(stage, "set", "key", "one")
    wait_until(lambda: ask(stage, "get", "key", port=6380) == "one", "the replica follows")
    info = ask(stage, "info", "replication")
    stage.matches(info, r"slave0:ip=127\.0\.0\.1,port=6380,state=online")
    stage.matches(ask(stage, "role", port=6380), "127.0.0.1")
    primary.end()
    stage.closed(6379)
    wait_until(lambda: "master_link_status:down" in ask(stage, "info", "replication", port=6380),
               "the replica notices")
    primary = stage.start("redis-server", "--port", "6379", "--bind", "127.0.0.1", "--save", "",
                          "--repl-diskless-sync-delay", "0", "--dir", stage.home, port=6379)
    ask(stage, "set", "key", "two")
    wait_until(lambda: ask(stage, "get", "key", port=6380) == "two", "the replica comes back")
    replica.end()
    primary.end()
    stage.closed(6379, 6380)
