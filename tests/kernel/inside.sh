#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Process 1 of the virtual machine once it has the host's files: does what is left of booting, runs
# $command, leaves its status and what meson logged where run looks for them, and ends the machine.
set -u
results=/run/kernel-tests
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
export HOME=/root LC_ALL=C.UTF-8

# What systemd would mount: file-hierarchy(7).
mkdir -p /dev/pts /dev/shm
mount -t devpts -o gid=5,mode=620,ptmxmode=666 devpts /dev/pts
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mount -t cgroup2 cgroup2 /sys/fs/cgroup
ip link set lo up
# What is reached through a device file can't ask for its module.
for module in tun fuse autofs4; do
        /run/busybox/modprobe "$module"
done
# systemd raises these, too: systemd-system.conf(5), DefaultLimitNOFILE=.
echo 1073741816 >/proc/sys/fs/nr_open
ulimit -H -n 524288

. "$results/job"
: >"$results/booted"
# The terminal is for the output alone: no program is to believe that it talks to one.
{
        cd "$directory" && eval "$command"
        echo $? >"$results/status"
} </dev/null 2>&1 | cat >/dev/ttyS0
for log in "$build"/meson-logs/kernel.*; do
        test ! -e "$log" || cp "$log" "$results"
done
exec /run/busybox/poweroff -f
