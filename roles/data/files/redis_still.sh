# Copyright (c) 2026 GreenLang. All rights reserved.
# Runs in a member's container of an earlier version, without TLS, which has REDISCLI_AUTH. `stop`: it takes no more writes, whoever is master, as long as it
# runs. `wait <others>`: if it is the master, until so many follow and have all that it has; else until it follows. `go <others>`: it takes writes again while
# so many follow.
set -euo pipefail
: "${REDISCLI_AUTH:?}" "${REDIS_LOCAL_ADDRESS:=127.0.0.1}" "${REDIS_PORT:=6379}"
say() { timeout 5 redis-cli --no-auth-warning -h "$REDIS_LOCAL_ADDRESS" -p "$REDIS_PORT" "$@"; }
few() { [[ "$(say CONFIG SET min-replicas-to-write "$1")" == OK ]] || { echo "it does not take min-replicas-to-write $1" >&2; exit 1; }; }
# Of the first run all others follow. One that went on when some were replaced already finds no more than have what it has: 0, nobody is waited for.
all_have_it() {
  say INFO replication | tr -d '\r' | awk -F'[:,=]' -v others="$1" '
    /^slave[0-9]+:/ && /state=online/ { online++; for (i = 2; i < NF; i++) if ($i == "offset") { least = least == "" || $(i + 1) < least ? $(i + 1) : least } }
    /^slave[0-9]+:/ && !/state=online/ { copying = 1 }
    $1 == "role" { role = $2 }
    $1 == "master_link_status" { link = $2 }
    $1 == "master_repl_offset" { own = $2 }
    END {
      if (role == "slave") exit (others > 0 && link != "up")
      exit (role != "master" || copying || online < others || (least != "" && least + 0 < own + 0))
    }'
}
case "$1" in
  stop) few 1000 ;;
  go) few "$2" ;;
  wait)
    for (( tries = 0; tries < 100; tries++ )); do
      if all_have_it "$2"; then exit 0; fi
      sleep 0.1
    done
    echo "not every other member follows and has what the master has" >&2
    exit 1
    ;;
esac
