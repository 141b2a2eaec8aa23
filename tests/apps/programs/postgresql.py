# SPDX-License-Identifier: LGPL-2.1-or-later
"""PostgreSQL: what it knows of its clients, bulk data, cancelling, and Unix sockets of its own."""

import glob
import hashlib
import signal
import time

from stage import Skip, needs, wait_until

USER = "postgres"
CONFIGURATION = """
listen_addresses = '{addresses}'
unix_socket_directories = '{own}'
fsync = off
log_connections = on
max_connections = 40
shared_buffers = 16MB
dynamic_shared_memory_type = mmap
"""
ACCESS = """
local all all trust
host all all 127.0.0.1/32 trust
host all all ::1/128 trust
host all all 0.0.0.0/0 reject
"""


def start(stage, rules=True):
    programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
    if not programs:
        raise Skip("postgresql is not installed")
    data = stage.directory("data", USER, 0o700)
    own = stage.directory("own", USER)
    stage.run(f"{programs[-1]}/initdb", "-N", "-D", data, "--no-locale", "-E", "UTF8",
              "--no-instructions", user=USER, rules=False)
    stage.file("data/postgresql.conf", CONFIGURATION.format(
        own=own, addresses="127.0.0.1,::1" if rules or not stage.rules else ""))
    stage.file("data/pg_hba.conf", ACCESS)
    server = stage.start(f"{programs[-1]}/postgres", "-D", data, user=USER, rules=rules,
                         port=5432 if rules or not stage.rules else None)
    server.says("ready to accept connections")
    return server


def ask(stage, query, host="127.0.0.1", **options):
    return stage.run("psql", "-X", "-A", "-t", "-h", host, "-U", USER, "-c", query, USER,
                     **options).strip()


@needs("psql")
def scenario_postgresql_and_psql(stage):
    server = start(stage)
    names = "inet_client_addr(), inet_client_port() > 0, inet_server_addr(), inet_server_port()"
    stage.equal("addresses", ask(stage, f"select {names}"), "127.0.0.1|t|127.0.0.1|5432")
    before = stage.descriptors()
    activity = "select client_addr, client_port > 0 from pg_stat_activity where query ~ 'activity'"
    stage.equal("pg_stat_activity", ask(stage, activity), "127.0.0.1|t")
    server.says(r"connection received: host=127\.0\.0\.1 port=[1-9]\d+")
    # Its own Unix socket is left alone.
    stage.equal("own socket", ask(stage, f"select {names}", stage.home / "own"), "|||")
    if stage.rules:
        stage.socket(5432).with_name(".s.PGSQL.5432").symlink_to(stage.socket(5432))
        native = ask(stage, f"select {names}", stage.sockets, rules=False)
        stage.equal("native client", native, "127.0.0.1|t|127.0.0.1|5432")
        stage.socket(5432).with_name(".s.PGSQL.5432").unlink()
    stage.keeps_descriptors(before)
    server.end(signal.SIGINT, [0])
    stage.closed(5432)


@needs("psql")
def scenario_postgresql_both_families(stage):
    """One socket for each address."""
    stage.rule = f"tcp,path={stage.sockets}/%a-%p.sock"
    server = start(stage)
    names = "inet_client_addr(), inet_client_port() > 0, inet_server_addr(), inet_server_port()"
    for address in ("127.0.0.1", "::1"):
        stage.equal("addresses", ask(stage, f"select {names}", address),
                    f"{address}|t|{address}|5432")
    server.end(signal.SIGINT, [0])


@needs("psql")
def scenario_postgresql_bulk_data(stage):
    server = start(stage)
    lines = "".join(f"{n}\t{hashlib.sha256(str(n).encode()).hexdigest()}\n" for n in range(200_000))
    rows = stage.file("rows", lines)
    ask(stage, "create table rows (n int, sum text)")
    with open(rows, "rb") as content:
        stage.equal("COPY", ask(stage, "copy rows from stdin", stdin=content), "COPY 200000")
    back = ask(stage, "copy (select * from rows order by n) to stdout") + "\n"
    stage.check(back == lines, "what comes back differs")
    server.end(signal.SIGINT, [0])
    stage.closed(5432)


@needs("psql")
def scenario_postgresql_cancel(stage):
    """psql's handler of SIGINT connects to the server."""
    server = start(stage)
    client = stage.start("psql", "-X", "-h", "127.0.0.1", "-U", USER, "-c", "select pg_sleep(60)",
                         USER)
    sleeping = "select count(*) from pg_stat_activity where query = 'select pg_sleep(60)'"
    wait_until(lambda: ask(stage, sleeping) == "1", "the query runs")
    time.sleep(0.1)
    client.tell(signal.SIGINT)
    stage.equal("psql's exit status", client.wait(), 1)
    stage.matches(client.output(), "canceling statement due to user request")
    server.end(signal.SIGINT, [0])
    stage.closed(5432)


@needs("psql")
def scenario_postgresql_pgbench(stage):
    """Threads with several connections each, and one connection a transaction."""
    server = start(stage)
    pgbench = sorted(glob.glob("/usr/lib/postgresql/*/bin/pgbench"))[-1]
    common = [pgbench, "-h", "127.0.0.1", "-U", USER]
    stage.run(*common, "-i", "-q", USER)
    for options in (["-c", "8", "-j", "4", "-t", "100"], ["-C", "-c", "2", "-t", "20"]):
        result = stage.run(*common, "-n", *options, USER)
        stage.matches(result, r"number of failed transactions: 0 ")
    server.end(signal.SIGINT, [0])
    stage.closed(5432)
