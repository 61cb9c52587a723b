# Copyright (c) 2026 GreenLang. All rights reserved.
# Runs in the container redis. `accept`: server and sentinel take the new password beside the old one. `use`: they show the new one to each other.
# The old password ends with the process: the restart that follows drops it. REDISCLI_AUTH is what the container was started with.
set -euo pipefail
while read -r key value && [[ -n "$key" ]]; do
  [[ "$key" != password ]] || password="$(base64 --decode <<< "$value")"
done
: "${password:?}" "${REDISCLI_AUTH:?}" "${REDIS_MASTER_NAME:=mymaster}" "${REDIS_LOCAL_ADDRESS:=127.0.0.1}"
quoted="${password//\\/\\\\}"
quoted="${quoted//\"/\\\"}"

# Commands travel on standard input, since arguments are visible; redis-cli ends well even when a command fails.
tell() {
  local answer
  answer="$(printf '%s\n' "${@:2}" | redis-cli --no-auth-warning -h "$REDIS_LOCAL_ADDRESS" -p "$1")"
  [[ -n "$answer" && -z "$(grep -vx OK <<< "$answer" | grep . || true)" ]] || { echo "port $1 refused a command" >&2; exit 1; }
}

case "$1" in
  accept)
    tell "${REDIS_PORT:-6379}" "ACL SETUSER default \">$quoted\""
    tell "${REDIS_SENTINEL_PORT:-26379}" "ACL SETUSER default \">$quoted\""
    ;;
  use)
    tell "${REDIS_PORT:-6379}" "CONFIG SET masterauth \"$quoted\""
    tell "${REDIS_SENTINEL_PORT:-26379}" "SENTINEL SET $REDIS_MASTER_NAME auth-pass \"$quoted\"" "SENTINEL CONFIG SET sentinel-pass \"$quoted\""
    ;;
esac
