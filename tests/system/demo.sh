#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What tools/demo shows, inside of the container.
#
#     demo.sh prepare                before the boot: the server's unit and the rule file
#     demo.sh show plain|colour      after it
set -euo pipefail

prepare() {
        mkdir -p /srv/web /etc/ip2unix.d
        echo "Hello from python3 -m http.server, over a Unix socket." >/srv/web/index.html
        cat >/etc/systemd/system/web.service <<'END'
[Service]
ExecStart=/usr/bin/python3 -m http.server --bind 127.0.0.1 --directory /srv/web 8000
END
        cat >/etc/ip2unix.d/web.conf <<'END'
[Rules]
Rule=in,tcp,port=8000,systemd=http

[Socket http]
ListenStream=/run/web.sock

[Service]
PrivateNetwork=yes
END
}

heading() { printf '\n%s%s%s\n\n' "$bold" "$*" "$normal"; }

# run COMMAND...: show a command and what it prints, which stays in /run/shown.
run() {
        printf '    %s$ %s%s\n' "$faint" "$*" "$normal"
        "$@" 2>&1 | tee /run/shown | sed 's/^/    /'
}

show_file() {
        printf '    %s# %s%s\n' "$faint" "$1" "$normal"
        sed 's/^/    /' "$1"
}

# expect WHAT ACTUAL EXPECTED: the demo does not claim what it did not see.
expect() {
        [[ $2 == "$3" ]] && return
        echo "demo: $1 is '$2', not '$3'"
        systemctl status --no-pager --full web.service web-http.socket
        exit 1
}

listening_on_ip() {
        ss -Htuln
        nsenter --net --target "$(systemctl show -P MainPID web.service)" ss -Htuln
}

show() {
        local generated=/run/systemd/generator
        heading "A server that only speaks IP, as it comes:"
        show_file /etc/systemd/system/web.service

        heading "One rule file, all that the administrator writes:"
        show_file /etc/ip2unix.d/web.conf

        heading "What ip2unix-generator made of it when this machine booted:"
        show_file $generated/web-http.socket
        echo
        show_file $generated/web.service.d/zz-ip2unix.conf
        echo
        show_file $generated/web.service.d/ip2unix.env

        heading "After the boot, systemd holds the socket, and the server does not run:"
        run systemctl is-active web-http.socket web.service || true
        expect "the socket" "$(systemctl is-active web-http.socket)" active
        expect "the service" "$(systemctl is-active web.service || true)" inactive

        heading "The first request starts it:"
        run curl -sS --unix-socket /run/web.sock http://localhost/
        expect "the answer" "$(cat /run/shown)" "$(cat /srv/web/index.html)"
        run systemctl is-active web.service
        run journalctl -q --no-pager -o cat -u web.service --grep GET
        expect "the service" "$(systemctl is-active web.service)" active

        heading "Nothing listens on IP, neither here nor in the server's own network:"
        run ss -Htuln
        run nsenter --net --target "$(systemctl show -P MainPID web.service)" ss -Htuln
        expect "what listens" "$(listening_on_ip)" ""
        printf '    %s(nothing)%s\n' "$faint" "$normal"

        heading "All of this was in a container, which goes away now. README.md goes on from here."
        echo "demo: done"
}

bold='' faint='' normal=''
case $* in
prepare) prepare ;;
show\ *)
        if [[ $2 == colour ]]; then
                bold=$'\e[1m' faint=$'\e[2m' normal=$'\e[0m'
        fi
        systemctl is-system-running --wait >/dev/null || true
        show
        ;;
esac
