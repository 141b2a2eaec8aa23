# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# The same programs with a ListenStream= on IP: systemd holds the port, the program (which asks for
# another one, and has no network) serves it, and sees the client's real address. Not there at boot:
# the other scenarios want to see that nothing at all listens on IP.

# ip_rules NAME PORT LISTEN-PORT
ip_rules() {
        FROM=127.0.0.2
        rule_file "$1" <<END
[Rules]
Rule=in,tcp,port=$2,systemd=main

[Socket main]
ListenStream=127.0.0.1:$3

[Service]
PrivateNetwork=yes
END
        reload
        start "$1-main.socket"
        inactive "$1.service"
        equal "what listens on IP" "$(ip_sockets)" "127.0.0.1:$3"
}

scenario_python_on_ip() {
        python_unit python-ip
        ip_rules python-ip 8000 18000
        activates python-ip.service 127.0.0.1:18000 "hello from python-ip"
        listens_only_on python-ip.service 127.0.0.1:18000
        matches "$(journal python-ip.service)" '127\.0\.0\.2 - - .*"GET / HTTP/1\.1" 200'
}

scenario_nginx_on_ip() {
        file /etc/nginx/ip.conf <<'END'
daemon off;
pid /run/nginx-ip.pid;
error_log stderr;
events {}
http {
        access_log off;
        server {
                listen 8080;
                listen [::]:8080;
                return 200 "nginx sees $remote_addr\n";
        }
}
END
        unit nginx-ip.service <<'END'
[Service]
ExecStart=/usr/sbin/nginx -c /etc/nginx/ip.conf
END
        ip_rules nginx-ip 8080 18080
        activates nginx-ip.service 127.0.0.1:18080 "nginx sees 127.0.0.2"
        listens_only_on nginx-ip.service 127.0.0.1:18080
}

scenario_redis_on_ip() {
        file /etc/redis/ip.conf 0644 <<'END'
bind 127.0.0.1 -::1
port 6379
protected-mode no
dir /run
END
        unit redis-ip.service <<'END'
[Service]
Type=notify
ExecStart=/usr/bin/redis-server /etc/redis/ip.conf --supervised systemd
END
        ip_rules redis-ip 6379 16379
        matches "$(printf 'CLIENT LIST\r\nQUIT\r\n' |
                socat -t $PATIENCE - TCP:127.0.0.1:16379,bind=$FROM)" \
                ' addr=127\.0\.0\.2:[1-9]'
        active redis-ip.service
        listens_only_on redis-ip.service 127.0.0.1:16379
}

scenario_node_on_ip() {
        node_unit node-ip
        ip_rules node-ip 3000 13000
        activates node-ip.service 127.0.0.1:13000 "hello from node to" "127.0.0.2"
        listens_only_on node-ip.service 127.0.0.1:13000
}

# Debian's sshd knows socket activation: under the rules it must not see any.
scenario_sshd_on_ip() {
        ssh_key ssh-ip
        unit ssh-ip.service <<'END'
[Service]
ExecStart=/usr/sbin/sshd -D -e -p 2222 -o PidFile=none -o AuthorizedKeysFile=/etc/ssh/ssh-ip-key.pub
RuntimeDirectory=sshd
RuntimeDirectoryPreserve=yes
END
        ip_rules ssh-ip 2222 12222
        matches "$(ssh_login ssh-ip -p 12222 -b "$FROM" root@127.0.0.1 'echo "$SSH_CONNECTION"')" \
                '^127\.0\.0\.2 [1-9][0-9]* 127\.0\.0\.1 12222$'
        active ssh-ip.service
        has_loaded ssh-ip.service libip2unix.so
        contains "$(journal ssh-ip.service)" "Server listening on 0.0.0.0 port 2222"
        listens_only_on ssh-ip.service 127.0.0.1:12222
        matches "$(journal ssh-ip.service)" \
                'Accepted publickey for root from 127\.0\.0\.2 port [1-9]'
}
