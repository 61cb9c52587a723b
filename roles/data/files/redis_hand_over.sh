# Copyright (c) 2026 GreenLang. All rights reserved.
# Runs in a member's container, of an earlier version or of this one, which has REDIS_PEERS and REDISCLI_AUTH: has the member that is named be the master, with
# nothing lost. The earlier version's own preStop let a master acknowledge writes which its successor had not got.
set -euo pipefail
wanted="$1"
: "${REDIS_PEERS:?}" "${REDISCLI_AUTH:?}" "${REDIS_MASTER_NAME:=mymaster}" "${REDIS_PORT:=6379}" "${REDIS_SENTINEL_PORT:=26379}"
: "${REDIS_REFRESH_SECONDS:=11}" # after which sentinels know every replica's priority
read -r -a peers <<< "$REDIS_PEERS"
master="" target="" others=()

# server|sentinel <host> <command…>
server() { timeout 3 redis-cli --no-auth-warning -h "$1" -p "$REDIS_PORT" "${@:2}" 2> /dev/null || true; }
sentinel() { timeout 3 redis-cli --no-auth-warning -h "$1" -p "$REDIS_SENTINEL_PORT" "${@:2}" 2> /dev/null || true; }
role() { server "$1" ROLE | head -n 1; }
named() { sentinel "$1" SENTINEL get-master-addr-by-name "$REDIS_MASTER_NAME" | head -n 1; }
offset() { server "$1" INFO replication | tr -d '\r' | awk -F: -v key="$2" '$1 == key { print $2 }'; }

for peer in "${peers[@]}"; do
  [[ "${peer%%.*}" != "$wanted" ]] || target="$peer"
  if [[ "$(role "$peer")" == master ]]; then
    [[ -z "$master" ]] || { echo "$master and $peer are both master" >&2; exit 1; }
    master="$peer"
  fi
done
[[ -n "$master" && -n "$target" ]] || { echo "no member is master, or $wanted is none" >&2; exit 1; }
[[ "$master" != "$target" ]] || exit 0

# No other is elected.
again() {
  for peer in "${others[@]}"; do server "$peer" CONFIG SET replica-priority 100 > /dev/null; done
  server "$master" CLIENT UNPAUSE > /dev/null
}
trap again EXIT
for peer in "${peers[@]}"; do
  [[ "$peer" != "$master" && "$peer" != "$target" ]] || continue
  others+=("$peer")
  server "$peer" CONFIG SET replica-priority 0 > /dev/null
done
(( ${#others[@]} == 0 )) || sleep "$REDIS_REFRESH_SECONDS"

former="$(named "$target")"
server "$master" CLIENT PAUSE 10000 WRITE > /dev/null
for (( tries = 0; tries < 30; tries++ )); do
  [[ "$(offset "$target" slave_repl_offset)" -ge "$(offset "$master" master_repl_offset)" ]] && break
  sleep 0.1
done
[[ "$(sentinel "$target" SENTINEL FAILOVER "$REDIS_MASTER_NAME")" == OK ]] || { echo "the sentinel of $wanted refuses a failover" >&2; exit 1; }
for (( tries = 0; tries < 80; tries++ )); do
  now="$(named "$target")"
  if [[ "$(role "$target")" == master && -n "$now" && "$now" != "$former" ]]; then
    server "$master" REPLICAOF "$now" "$REDIS_PORT" > /dev/null
    exit 0
  fi
  sleep 0.1
done
echo "$wanted was not elected" >&2
exit 1
