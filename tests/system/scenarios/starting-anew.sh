# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Programs that start themselves anew while they run, or hand sockets to other processes of theirs.

# SIGHUP: sshd executes itself, and binds again.
scenario_sshd_reload() {
        local pid
        ssh_key ssh-again
        unit ssh-again.service <<'END'
[Service]
Type=notify
ExecStart=/usr/sbin/sshd -D -p 2222 -o PidFile=none -o AuthorizedKeysFile=/etc/ssh/ssh-again-key.pub
ExecReload=/bin/kill -HUP $MAINPID
RuntimeDirectory=sshd
RuntimeDirectoryPreserve=yes
END
        unix_rules ssh-again 2222
        reload
        start ssh-again-main.socket ssh-again.service
        pid=$(main_pid ssh-again.service)
        systemctl reload ssh-again.service
        wait_until logged_times ssh-again.service 2 "Server listening on 0.0.0.0 port 2222"
        equal "main process after the reload" "$(main_pid ssh-again.service)" "$pid"
        matches "$(ssh_login ssh-again -o ProxyCommand='socat - UNIX-CONNECT:/run/ssh-again.sock' \
                root@server 'echo "$SSH_CONNECTION"')" '^127\.0\.0\.1 [1-9][0-9]* 127\.0\.0\.1 2222$'
        no_ip_sockets ssh-again.service
}

# SIGUSR2: nginx executes itself with an environment that holds nothing but its own variables.
scenario_nginx_upgrade() {
        local before
        file /etc/nginx/upgrade.conf <<'END'
pid /run/nginx-upgrade.pid;
error_log stderr;
events {}
http {
        access_log off;
        server {
                listen 8080;
                return 200 "nginx sees $remote_addr on $server_addr\n";
        }
}
END
        unit nginx-upgrade.service <<'END'
[Service]
Type=forking
PIDFile=/run/nginx-upgrade.pid
ExecStart=/usr/sbin/nginx -c /etc/nginx/upgrade.conf
END
        unix_rules nginx-upgrade 8080
        reload
        start nginx-upgrade-main.socket
        activates_on_unix nginx-upgrade.service /run/nginx-upgrade.sock \
                "nginx sees 127.0.0.1 on 127.0.0.1"
        before=$(main_pid nginx-upgrade.service)
        kill -USR2 "$before"
        wait_until test -e /run/nginx-upgrade.pid.oldbin -a -e /run/nginx-upgrade.pid
        kill -QUIT "$before"
        wait_until test ! -e "/proc/$before"
        contains "$(get /run/nginx-upgrade.sock)" "nginx sees 127.0.0.1 on 127.0.0.1"
        active nginx-upgrade.service
        [[ $(main_pid nginx-upgrade.service) != "$before" ]] || fail "nginx did not start anew"
        no_ip_sockets nginx-upgrade.service
}

# node_cluster NAME POLICY: two workers, which the first process serves in one of two ways.
node_cluster() {
        file "/srv/$1.js" <<END
const cluster = require('cluster')
cluster.schedulingPolicy = cluster.$2
if (cluster.isMaster) {
    cluster.fork()
    cluster.fork()
} else {
    require('http').createServer((request, answer) => {
        answer.end('pid=' + process.pid + ' peer=' + request.socket.remoteAddress + '\\n')
    }).listen(3000, '127.0.0.1')
}
END
        unit "$1.service" <<<$'[Service]\nExecStart=/usr/bin/node /srv/'"$1.js"
        unix_rules "$1" 3000
        reload
        start "$1-main.socket"
        activates_on_unix "$1.service" "/run/$1.sock" peer=127.0.0.1
        answered_by "$1" 2
        no_ip_sockets "$1.service"
}

# The workers get the listener, over a Unix socket.
scenario_node_cluster() { node_cluster cluster SCHED_NONE; }

# The workers get connections that the first process has accepted.
scenario_node_cluster_round_robin() { node_cluster cluster-rr SCHED_RR; }

# Processes that are started by executing Python anew, and get the listener over a Unix socket.
scenario_python_multiprocessing() {
        file /srv/workers.py <<'END'
import multiprocessing, os, socket

def work(listener):
    while True:
        client, peer = listener.accept()
        client.recv(1000)
        seen = f'pid={os.getpid()} own={client.getsockname()} peer={peer}\n'
        client.sendall(b'HTTP/1.0 200 OK\r\n\r\n' + seen.encode())
        client.close()

if __name__ == '__main__':
    multiprocessing.set_start_method('spawn')
    listener = socket.create_server(('127.0.0.1', 8000), backlog=100)
    workers = [multiprocessing.Process(target=work, args=(listener,)) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
END
        unit workers.service <<<$'[Service]\nExecStart=/usr/bin/python3 /srv/workers.py'
        unix_rules workers 8000
        reload
        start workers-main.socket
        activates_on_unix workers.service /run/workers.sock \
                "own=('127.0.0.1', 8000) peer=('127.0.0.1', "
        answered_by workers 2
        no_ip_sockets workers.service
}
