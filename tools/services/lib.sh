# SPDX-License-Identifier: MIT
# Common part of the scripts in this folder, which start real servers on the loopback interface, for
# tests and by hand, without containers. Sourced, not run: a script sets `service`, defines
# service_install, service_start, service_is_healthy and service_env, and calls service_main "$@".
#
#   tools/services/NAME install       what is missing, pinned by version and checksum, into the cache
#   tools/services/NAME start [DIR]   and wait until it answers; nothing when it runs already
#   tools/services/NAME stop [DIR]    data and ports stay for the next start
#   tools/services/NAME kill [DIR]    the same with kill -9
#   tools/services/NAME status [DIR]  exit 0 healthy, 3 stopped, 4 running but not healthy
#   tools/services/NAME env [DIR]     VARIABLE=value lines that a client needs
#
# An instance lives in DIR/NAME (DIR: build/services). Its ports are chosen when it is made and kept:
# a client finds the server again after a kill. They are taken below the range that the kernel gives
# to outgoing connections; from inside it, a client that retries while the server is down can end up
# connected to itself and keep the server's port. A process is known by its id and start time, since
# an id is used again.
# shellcheck shell=bash
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
cache=${FIRESTEEL_CACHE:-$HOME/.cache/firesteel}
host=127.0.0.1
service=${service:?}
dir=              # set by service_main
stop_signal=TERM  # a script may choose another
stop_seconds=20
start_seconds=${START_SECONDS:-90}

say() { printf 'tools/services/%s: %s\n' "$service" "$*" >&2; }
die() { say "$*"; exit 1; }
has() { command -v "$1" >/dev/null 2>&1; }
# packages COMMAND PACKAGE ..: by apt when the command is missing; the packages' own services stay off
packages() {
    local command=$1
    shift
    has "$command" || "$root/tools/setup" --server "$@"
}
check_sum() { printf '%s  %s\n' "$1" "$2" | sha256sum --check --status; }

# ports NAME ..: NAME_port=number of each, chosen once and kept in DIR/ports. The environment variable
# <SERVICE>_<NAME>_PORT, when set, decides.
ports() {
    local name fixed
    touch "$dir/ports"
    for name in "$@"; do
        grep -q "^${name}_port=" "$dir/ports" && continue
        fixed=${service^^}_${name^^}_PORT
        echo "${name}_port=${!fixed:-$(free_port)}" >>"$dir/ports"
    done
    # shellcheck source=/dev/null
    . "$dir/ports"
}
free_port() {
    python3 - "$host" "$dir/ports" <<'PY'
import random
import socket
import sys

with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
    end = min(int(file.read().split()[0]), 32768)
with open(sys.argv[2]) as file:
    taken = file.read()
while True:
    port = random.randrange(max(end - 14000, 1024), end)
    with socket.socket() as one:
        try:
            one.bind((sys.argv[1], port))
        except OSError:
            continue
    if f"={port}\n" not in taken:
        print(port)
        break
PY
}
is_open() { (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null; }

start_time() { sed 's/^.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
is_alive() {
    local pid begin
    read -r pid begin 2>/dev/null <"$dir/pid" || return 1
    [ -n "$begin" ] && [ "$(start_time "$pid")" = "$begin" ] &&
        ! grep -q '^State:.Z' "/proc/$pid/status" 2>/dev/null
}
# daemon COMMAND ..: in a session of its own, output appended to DIR/log
daemon() {
    setsid "$@" >>"$dir/log" 2>&1 </dev/null &
    printf '%s %s\n' $! "$(start_time $!)" >"$dir/pid"
}
end_process() { # end_process SIGNAL
    local pid begin end
    read -r pid begin 2>/dev/null <"$dir/pid" || return 0
    if is_alive; then
        kill -s "$1" "$pid" 2>/dev/null || true
        end=$((SECONDS + stop_seconds))
        while is_alive && [ $SECONDS -lt $end ]; do sleep 0.05; done
        if is_alive; then say "does not stop: killing it"; fi
        kill -s KILL -- "-$pid" 2>/dev/null || true # whatever is left of its process group
    fi
    # Until its parent collects it, a dead process still has its id; PostgreSQL takes that for life.
    end=$((SECONDS + 5))
    while [ "$(start_time "$pid")" = "$begin" ] && [ $SECONDS -lt $end ]; do sleep 0.05; done
    rm -f "$dir/pid"
}
wait_until_healthy() {
    local end=$((SECONDS + start_seconds))
    until service_is_healthy >/dev/null 2>&1; do
        if ! is_alive; then
            say "has ended at start"
            return 1
        fi
        if [ $SECONDS -ge $end ]; then
            say "not healthy after $start_seconds s"
            return 1
        fi
        sleep 0.1
    done
}

# certificates: a CA of this instance's own, a server key for 127.0.0.1 and localhost, and a client key,
# below DIR/tls: ca.pem, server.{key,crt,pem}, client.{key,crt}
certificates() {
    local tls=$dir/tls name
    [ ! -e "$tls/done" ] || return 0
    packages openssl openssl
    mkdir -p "$tls"
    (
        cd "$tls"
        openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=$service test CA" \
            -keyout ca.key -out ca.pem
        for name in server client; do
            printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >extensions
            openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr"
            openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 \
                -extfile extensions -out "$name.crt"
        done
        cat server.key server.crt >server.pem
        touch done
    ) >"$dir/tls.log" 2>&1 || die "cannot make certificates: $(tail -n 3 "$dir/tls.log")"
}

with_lock() { # with_lock FILE COMMAND ..: side by side, one after the other
    local file=$1
    shift
    exec 9>"$file"
    flock 9
    "$@"
    exec 9>&-
}
start() {
    mkdir -p "$dir/data"
    [ ! -e "$dir/ports" ] || ports
    if is_alive && service_is_healthy; then
        return 0
    fi
    end_process TERM
    touch "$dir/log"
    service_start
    wait_until_healthy || {
        tail -n 25 "$dir/log" >&2
        end_process KILL
        exit 1
    }
}
needs_instance() { [ -e "$dir/ports" ] || die "nothing was started in $dir"; }

service_main() {
    local verb=${1:-} base=${2:-$root/build/services}
    mkdir -p "$cache"
    case $verb in
    install) with_lock "$cache/.$service.lock" service_install ;;
    start)
        with_lock "$cache/.$service.lock" service_install
        mkdir -p "$base/$service"
        dir=$(cd "$base/$service" && pwd)
        # Not with_lock: the server would inherit the lock and hold it.
        start
        ;;
    stop | kill | status | env)
        dir=$base/$service
        if [ "$verb" = stop ]; then
            end_process "$stop_signal"
        elif [ "$verb" = kill ]; then
            end_process KILL
        elif [ "$verb" = env ]; then
            needs_instance
            dir=$(cd "$dir" && pwd)
            ports
            service_env
        elif ! is_alive; then
            echo "$service: stopped"
            exit 3
        else
            ports
            if ! service_is_healthy; then
                echo "$service: running, not healthy"
                exit 4
            fi
            echo "$service: running"
        fi
        ;;
    *)
        echo "usage: tools/services/$service install | start [DIR] | stop [DIR] | kill [DIR] | status [DIR] | env [DIR]" >&2
        exit 2
        ;;
    esac
}
