# Copyright (c) 2026 GreenLang. All rights reserved.
# Runs in a member's container of an earlier version, without TLS, which has REDISCLI_AUTH. `stop`: it takes no more writes, whoever is master, as long as it
# runs. `wait`: if it is the master, until those that follow have all that it has. `go`: as before.
set -euo pipefail
: "${REDISCLI_AUTH:?}" "${REDIS_LOCAL_ADDRESS:=127.0.0.1}" "${REDIS_PORT:=6379}"
say() { timeout 5 redis-cli --no-auth-warning -h "$REDIS_LOCAL_ADDRESS" -p "$REDIS_PORT" "$@"; }
few() { [[ "$(say CONFIG SET min-replicas-to-write "$1")" == OK ]] || { echo "it does not take min-replicas-to-write $1" >&2; exit 1; }; }
# A master without a replica that is there has nobody to wait for.
all_have_it() {
  say INFO replication | tr -d '\r' | awk -F'[:,=]' '
    /^slave[0-9]+:/ && /state=online/ { for (i = 2; i < NF; i++) if ($i == "offset") { least = least == "" || $(i + 1) < least ? $(i + 1) : least } }
    /^slave[0-9]+:/ && !/state=online/ { copying = 1 }
    $1 == "role" { master = $2 == "master" }
    $1 == "master_repl_offset" { own = $2 }
    END { exit master && (copying || (least != "" && least + 0 < own + 0)) }'
}
case "$1" in
  stop) few 1000 ;;
  go) few 1 ;;
  wait)
    for (( tries = 0; tries < 100; tries++ )); do
      if all_have_it; then exit 0; fi
      sleep 0.1
    done
    echo "a replica does not get what the master has" >&2
    exit 1
    ;;
esac
