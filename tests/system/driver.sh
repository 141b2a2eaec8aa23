#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs scenarios inside of the container.
#
#     driver.sh prepare NAME...   before the boot, for scenarios that want something there already
#     driver.sh run NAME...       after it; prints "ok NAME" or "not ok NAME" and diagnostics, and
#                                 "# UNSTEADY NAME" of what passes at the second turn alone
#     driver.sh one prepare|run NAME
#
# A scenario is a function scenario_NAME in one of scenarios/*.sh; prepare_NAME beside it is run
# before the boot. Each runs in a shell of its own, and what it leaves behind is removed.
set -Eeuo pipefail

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=lib.sh
. "$here/lib.sh"
# Seconds for one scenario, a multiple of what lib.sh waits for a single thing. The slowest takes 15
# on an idle machine.
LIMIT=240
# So many may have had bad luck with a busy machine, and run once more; where more fail, something is
# broken. What was prepared before the boot is as the first turn has left it.
SECOND_TURNS=3

one() {
        local script
        STATE=$HOME_DIRECTORY/state/$2
        mkdir -p "$STATE"
        for script in "$here"/scenarios/*.sh; do
                # shellcheck disable=SC1090
                . "$script"
        done
        trap 'echo "FAILED: line $LINENO: $BASH_COMMAND" >&2' ERR
        if [[ $1 == prepare ]]; then
                "prepare_$2"
        else
                "scenario_$2"
        fi
}

# What systemd knows about the scenario's units, for somebody who wonders why it failed.
report() {
        local stem patterns=()
        journalctl --sync
        while read -r stem; do
                patterns+=("$stem.*" "$stem@*" "$stem-*")
        done < <(cat "$STATE/stems" 2>/dev/null)
        [[ ${#patterns[@]} -gt 0 ]] || return 0
        SYSTEMD_COLORS=0 systemctl status --no-pager --full --all -n 30 "${patterns[@]}" 2>&1 || true
        echo "listening: $(ss -Htulnp)"
        for stem in "${patterns[@]}"; do
                find /run/systemd/generator -type f -path "*/$stem" -exec tail -v -n +1 {} +
        done
}

# Stop and remove what the scenario has made: sockets first, or what is still queued in them starts
# their services again.
clean() {
        local stem path sockets=() services=()
        while read -r stem; do
                sockets+=("$stem.socket" "$stem-*.socket")
                services+=("$stem.service" "$stem@*.service")
        done < <(cat "$STATE/stems" 2>/dev/null)
        if [[ ${#sockets[@]} -gt 0 ]]; then
                systemctl stop "${sockets[@]}" 2>/dev/null || true
                systemctl stop "${services[@]}" 2>/dev/null || true
        fi
        while read -r path; do
                rm -rf -- "$path"
        done < <(cat "$STATE/files" 2>/dev/null)
        systemctl reset-failed
        systemctl daemon-reload
}

# play NAME: one scenario, whose output becomes a file in its state.
play() {
        STATE=$HOME_DIRECTORY/state/$1
        mkdir -p "$STATE"
        timeout --kill-after=5 $LIMIT "$0" one run "$1" >"$STATE/output" 2>&1 </dev/null
}

# tell RC: what there is to know of a scenario that has failed.
tell() {
        [[ $1 -ne 124 ]] || echo "FAILED: took longer than $LIMIT seconds"
        cat "$STATE/output"
        report
}

# second_turn NAME RC: what has failed runs once more. Returns how it ended then.
second_turn() {
        local rc=0 first
        first=$(tell "$2" | sed 's/^/#   /')
        clean
        rm -rf "$STATE"
        play "$1" || rc=$?
        [[ $rc -ne 0 ]] || echo "# UNSTEADY ${1//_/-}"
        printf '%s\n' "$first"
        return $rc
}

run() {
        local name rc failed=0
        for name; do
                rc=0
                play "$name" || rc=$?
                if [[ $rc -ne 0 && $rc -ne 77 && $((++failed)) -le $SECOND_TURNS ]]; then
                        second_turn "$name" $rc && rc=0 || rc=$?
                fi
                case $rc in
                0) echo "ok $name" ;;
                77) echo "ok $name # SKIP $(cat "$STATE/skip")" ;;
                *)
                        echo "not ok $name"
                        tell $rc | sed 's/^/# /'
                        ;;
                esac
                clean
        done
}

command=$1
shift
export LC_ALL=C.UTF-8 SYSTEMD_PAGER='' SYSTEMD_LOG_LEVEL=warning
case $command in
prepare)
        for name; do "$0" one prepare "$name"; done
        ;;
run)
        # Units that are to start at boot have started, or failed, when this returns.
        systemctl is-system-running --wait >/dev/null || true
        run "$@"
        ;;
one) one "$@" ;;
esac
