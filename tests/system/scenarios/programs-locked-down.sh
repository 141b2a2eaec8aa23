# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The programs where the kernel makes no IP sockets at all: they go on as if it did.

locked_rules() { # locked_rules NAME PORT
        unix_rules "$1" "$2"
        echo 'RestrictAddressFamilies=AF_UNIX' >>"/etc/ip2unix.d/$1.conf"
        reload
        start "$1-main.socket"
}

scenario_locked_down_nginx() {
        file /etc/nginx/locked.conf <<'END'
daemon off;
pid /run/nginx-locked.pid;
error_log stderr;
worker_processes 2;
events {}
http {
        access_log off;
        server {
                listen 8080 reuseport;
                listen [::]:8080;
                return 200 "nginx sees $remote_addr\n";
        }
}
END
        unit nginx-locked.service <<<$'[Service]\nExecStart=/usr/sbin/nginx -c /etc/nginx/locked.conf'
        locked_rules nginx-locked 8080
        activates_on_unix nginx-locked.service /run/nginx-locked.sock "nginx sees 127.0.0.1"
}

scenario_locked_down_node() {
        node_unit node-locked
        locked_rules node-locked 3000
        activates_on_unix node-locked.service /run/node-locked.sock "hello from node to ::1"
}

scenario_locked_down_redis() {
        file /etc/redis/locked.conf <<<$'bind 127.0.0.1 -::1\nport 6379\ndir /run'
        unit redis-locked.service <<'END'
[Service]
Type=notify
ExecStart=/usr/bin/redis-server /etc/redis/locked.conf --supervised systemd
END
        locked_rules redis-locked 6379
        equal "answer to PING" "$(redis-cli -s /run/redis-locked.sock ping)" PONG
        active redis-locked.service
        no_ip_sockets redis-locked.service
}
