# SPDX-License-Identifier: LGPL-2.1-or-later
"""Dovecot: listeners and clients wander between processes, some of them in another root."""

import signal

from stage import needs

CONFIGURATION = """
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
    path = stage.file("dovecot.conf", CONFIGURATION.format(home=stage.home, count=count))
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
