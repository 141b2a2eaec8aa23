# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecot and Postfix: listeners and clients wander between processes that start others."""

import signal
import subprocess
from pathlib import Path

from stage import needs, wait_until

DOVECOT = """
protocols = imap
listen = 127.0.0.1
base_dir = {home}/dovecot
state_dir = {home}/dovecot
log_path = {home}/logs/dovecot.log
auth_verbose = yes
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{home}/mail
first_valid_uid = 1
default_login_user = nobody
default_internal_user = www-data
default_internal_group = www-data
passdb {{
  driver = static
  args = password=x
}}
userdb {{
  driver = static
  args = uid=www-data gid=www-data home={home}/mail
}}
service imap-login {{
  inet_listener imap {{
    port = 143
  }}
  inet_listener imaps {{
    port = 0
  }}
  service_count = {count}
}}
service anvil {{
  chroot =
}}
"""


def converse(stage, count):
    """count: how many clients a process lets in before it ends; 0 for any number."""
    stage.directory("mail", "www-data")
    path = stage.file("dovecot.conf", DOVECOT.format(home=stage.home, count=count))
    server = stage.start("dovecot", "-F", "-c", path, port=143)
    # A line break of the mail's own may not be changed on its way.
    mail = stage.file("mail.txt", "Subject: hello\r\n\r\n" + "".join(
        f"line {n} {'x' * 60}\r\n" for n in range(20_000)))
    curl = ["curl", "-sSf", "--user", "user:x"]
    for number in (1, 2, 3):
        stage.run(*curl, "-T", mail, "imap://127.0.0.1/INBOX")
        stage.run(*curl, "-o", stage.home / "copy", f"imap://127.0.0.1/INBOX;MAILINDEX={number}")
        stage.same_file(mail, stage.home / "copy")
    log = (stage.logs / "dovecot.log").read_text()
    stage.matches(log, r"imap-login: (Info: )?Login: .* rip=127\.0\.0\.1, lip=127\.0\.0\.1")
    if stage.rules:
        stage.check("UNIX" not in log and "unix" not in log, log)
    server.end(signal.SIGTERM, [0])
    stage.closed(143)


@needs("dovecot", "curl")
def scenario_dovecot_imap(stage):
    converse(stage, 0)


@needs("dovecot", "curl")
def scenario_dovecot_process_for_each_client(stage):
    converse(stage, 1)


POSTFIX = """
compatibility_level = 3.6
queue_directory = {home}/spool
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
data_directory = {home}/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = host.example
mydestination =
alias_maps =
virtual_mailbox_domains = box.example
virtual_mailbox_base = {home}/boxes
virtual_mailbox_maps = static:box
virtual_minimum_uid = 1
virtual_uid_maps = static:33
virtual_gid_maps = static:33
maillog_file = {home}/logs/postfix.log
maillog_file_prefixes = {home}/logs
"""


@needs("/usr/lib/postfix/sbin/master", "curl")
def scenario_postfix(stage):
    """The master listens, and executes what accepts, as another user, with a clean environment."""
    stage.directory("postfix")
    stage.directory("spool")
    stage.directory("data", "postfix")
    stage.directory("boxes", "www-data")
    stage.file("postfix/main.cf", POSTFIX.format(home=stage.home))
    services = Path("/usr/share/postfix/master.cf.dist").read_text()
    # Its own root would be the queue, where the system's files would have to be copied to.
    stage.file("postfix/master.cf", services.replace(" y       - ", " n       - "))
    stage.rule += ",mode=0666"
    command = ["postfix", "-c", stage.home / "postfix"]
    server = stage.start(*command, "start-fg", port=25)
    # A box file has lines without carriage returns.
    lines = "".join(f"line {n} {'x' * 60}\n" for n in range(5_000))
    mail = stage.file("mail.txt", ("Subject: hello\n\n" + lines).replace("\n", "\r\n"))
    box = stage.home / "boxes/box"
    for number in (1, 2, 3):
        stage.run("curl", "-sSf", "smtp://127.0.0.1/client.example", "--mail-from",
                  "a@client.example", "--mail-rcpt", "b@box.example", "-T", mail)
        wait_until(lambda number=number: box.exists() and box.read_text().count(lines) == number,
                   "the mail is delivered")
    log = (stage.logs / "postfix.log").read_text()
    stage.equal("clients", log.count("]: connect from localhost[127.0.0.1]"), 3)
    stage.matches(box.read_text(), r"^Received: from client\.example .*\[127\.0\.0\.1\]\)")
    subprocess.run([*command, "stop"], check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.DEVNULL)
    # The master ends by the signal, and with it its group and the shell that it was started from.
    stage.check(server.wait() in (0, 143), server.process.returncode)
    stage.stale(25)
