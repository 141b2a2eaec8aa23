# SPDX-License-Identifier: LGPL-2.1-or-later
"""MariaDB: a thread for each client, and what it knows of them."""

import hashlib
import signal

from stage import needs

USER = "mysql"


def ask(stage, query, *options, **keywords):
    return stage.run("mariadb", "--no-defaults", "-N", "-B", "-h", "127.0.0.1", "-P", "3306",
                     "-u", "guest", *options, "-e", query, **keywords).strip()


@needs("mariadbd", "mariadb", "mariadb-install-db")
def scenario_mariadb(stage):
    data = stage.directory("data", USER, 0o700)
    stage.directory("mysqld", USER)
    setup = stage.file("setup.sql", """
create user 'guest'@'127.0.0.1';
grant all on *.* to 'guest'@'127.0.0.1';
create database test;
""")
    stage.run("mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",
              "--auth-root-authentication-method=normal", "--innodb-log-file-size=4M",
              user=USER, rules=False)
    server = stage.start("mariadbd", "--no-defaults", f"--datadir={data}",
                         f"--socket={stage.home}/mysqld/own.sock", "--bind-address=127.0.0.1",
                         "--skip-name-resolve", "--innodb-log-file-size=4M",
                         "--innodb-flush-log-at-trx-commit=0",
                         f"--pid-file={stage.home}/mysqld/pid", port=3306, user=USER)
    server.says("ready for connections")
    with open(setup, "rb") as script:
        stage.run("mariadb", "--no-defaults", "-u", "root",
                  f"--socket={stage.home}/mysqld/own.sock", stdin=script)
    stage.equal("user()", ask(stage, "select user(), @@port"), "guest@127.0.0.1\t3306")
    ports = {stage.matches(ask(stage, "show processlist"), r"127\.0\.0\.1:([1-9]\d+)")[1]
             for _ in range(5)}
    stage.equal("different peers", len(ports), 5)
    rows = stage.file("rows.tsv", "".join(
        f"{n}\t{hashlib.sha256(str(n).encode()).hexdigest()}\n" for n in range(50_000)))
    ask(stage, "create table rows_ (n int, sum text) engine=myisam", "test")
    ask(stage, f"load data local infile '{rows}' into table rows_", "--local-infile=1", "test")
    back = ask(stage, "select * from rows_ order by n", "test") + "\n"
    stage.check(back == rows.read_text(), "what comes back differs")
    # The table is open by now, and stays so.
    before = stage.descriptors()
    for _ in range(10):
        ask(stage, "select count(*) from rows_", "test")
    stage.keeps_descriptors(before)
    server.end(signal.SIGTERM, [0])
    stage.closed(3306)
