# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Unmodified programs, from their packaged or a plain unit, plus one rule file that is there at
# boot: not running after it, started by the first connection, answering on the Unix socket, with
# nothing that listens on IP and no network but a private one.

python_unit() { # python_unit NAME
        file "/srv/$1/index.html" <<<"hello from $1"
        unit "$1.service" <<END
[Service]
ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory /srv/$1 8000
END
}

# unix_rules NAME PORT [SECTION-LINE]...: the rule file for a service with one Unix socket.
unix_rules() {
        rule_file "$1" <<END
[Rules]
Rule=in,tcp,port=$2,systemd=main

[Socket main]
ListenStream=/run/$1.sock

[Service]
PrivateNetwork=yes
END
}

prepare_python() {
        python_unit python-unix
        unix_rules python-unix 8000
}

scenario_python() {
        not_started_since_boot python-unix.service
        activates_on_unix python-unix.service /run/python-unix.sock "hello from python-unix"
        has_private_network python-unix.service
        matches "$(journal python-unix.service)" '127\.0\.0\.1 - - .*"GET / HTTP/1\.1" 200'
}

# Debian's own unit: Type=forking, nginx -t as ExecStartPre=, both 0.0.0.0:80 and [::]:80.
prepare_nginx() {
        file /var/www/html/index.html <<<"hello from nginx"
        unix_rules nginx 80
}

scenario_nginx() {
        not_started_since_boot nginx.service
        contains "$(property nginx.service ExecStartPre)" "nginx -t"
        activates_on_unix nginx.service /run/nginx.sock "hello from nginx"
        has_private_network nginx.service
        systemctl reload nginx.service
        contains "$(get /run/nginx.sock)" "hello from nginx"
        no_ip_sockets nginx.service
}

# Debian's own unit: Type=notify, User=redis, and about everything that systemd can lock down.
prepare_redis() { unix_rules redis-server 6379; }

scenario_redis() {
        # The unit has PrivateUsers=yes, which the kernel denies to a machine that is a chroot.
        systemd-run -q --wait -p PrivateUsers=yes true || skip "no user namespaces here"
        not_started_since_boot redis-server.service
        no_ip_sockets
        equal "answer to PING" "$(redis-cli -s /run/redis-server.sock ping)" PONG
        active redis-server.service
        no_ip_sockets redis-server.service
        has_private_network redis-server.service
        matches "$(redis-cli -s /run/redis-server.sock client list)" ' addr=127\.0\.0\.1:[1-9]'
}

node_unit() { # node_unit NAME
        file "/srv/$1.js" <<'END'
require('http').createServer((request, answer) => {
    answer.end(`hello from node to ${request.socket.remoteAddress}\n`)
}).listen(3000)
END
        unit "$1.service" <<END
[Service]
ExecStart=/usr/bin/node /srv/$1.js
END
}

prepare_node() {
        node_unit node-unix
        unix_rules node-unix 3000
}

# It listens on [::]:3000, so its peers have IPv6 addresses.
scenario_node() {
        not_started_since_boot node-unix.service
        activates_on_unix node-unix.service /run/node-unix.sock "hello from node to ::1"
        has_private_network node-unix.service
}

# ssh_key NAME: a key, and a configuration that lets it log in as root.
ssh_key() {
        ssh-keygen -q -t ed25519 -N '' -f "/etc/ssh/$1-key" <<<y >/dev/null
        printf '/etc/ssh/%s-key\n/etc/ssh/%s-key.pub\n' "$1" "$1" >>"$STATE/files"
}

ssh_login() { # ssh_login KEY OPTION... -- COMMAND
        ssh -F /dev/null -i "/etc/ssh/$1-key" -o BatchMode=yes -o StrictHostKeyChecking=no \
                -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o ConnectTimeout=$PATIENCE "${@:2}"
}

# Debian's own unit. sshd starts itself anew for each connection, and asks for its peer there.
prepare_sshd() {
        ssh_key ssh
        file /etc/ssh/sshd_config.d/key.conf <<<"AuthorizedKeysFile /etc/ssh/ssh-key.pub"
        unix_rules ssh 22
}

scenario_sshd() {
        local connection
        not_started_since_boot ssh.service
        no_ip_sockets
        connection=$(ssh_login ssh -o ProxyCommand='socat - UNIX-CONNECT:/run/ssh.sock' \
                root@server 'echo "$SSH_CONNECTION"')
        matches "$connection" '^127\.0\.0\.1 [1-9][0-9]* 127\.0\.0\.1 22$'
        active ssh.service
        no_ip_sockets ssh.service
        has_private_network ssh.service
        # By a process of its own, which has ended with the connection.
        matches "$(journal_of sshd)" 'Accepted publickey for root from 127\.0\.0\.1 port [1-9]'
        contains_not "$(journal_of sshd)" UNKNOWN
}
