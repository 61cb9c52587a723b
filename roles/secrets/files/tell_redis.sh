# Copyright (c) 2026 GreenLang. All rights reserved.
# Runs in the container redis. `accept`: server and sentinel take the new passwords beside the old ones. `use`: they show the new one to each other, and
# proxies and what is started anew find it in $REDIS_RUN, before the kubelet has brought the new Secret.
# The old ones end with the process: the restart that follows drops them. REDISCLI_AUTH is what the container was started with.
set -euo pipefail
while read -r key value && [[ -n "$key" ]]; do
  case "$key" in
    password) password="$(base64 --decode <<< "$value")" ;;
    members-password) members="$(base64 --decode <<< "$value")" ;;
    backup-password) backup="$(base64 --decode <<< "$value")" ;;
  esac
done
: "${password:?}" "${members:?}" "${backup:?}" "${REDISCLI_AUTH:?}"
: "${REDIS_MASTER_NAME:=mymaster}" "${REDIS_LOCAL_ADDRESS:=127.0.0.1}" "${REDIS_SECRETS:=/run/secrets/redis}" "${REDIS_RUN:=/run/redis}"
quoted() {
  local value="${1//\\/\\\\}"
  printf '"%s"' "${value//\"/\\\"}"
}

# Commands travel on standard input, since arguments are visible; redis-cli ends well even when a command fails.
tell() {
  local answer
  answer="$(printf '%s\n' "${@:2}" | redis-cli --no-auth-warning -h "$REDIS_LOCAL_ADDRESS" -p "$1")"
  [[ -n "$answer" && -z "$(grep -vx OK <<< "$answer" | grep . || true)" ]] || { echo "port $1 refused a command" >&2; exit 1; }
}

# A server of an earlier version has no user members: all its users are one.
among="$members"
[[ -r "$REDIS_SECRETS/members-password" ]] || among="$password"
case "$1" in
  accept)
    for port in "${REDIS_PORT:-6379}" "${REDIS_SENTINEL_PORT:-26379}"; do
      tell "$port" "ACL SETUSER default $(quoted ">$password")" "ACL SETUSER application $(quoted ">$password")" \
        "ACL SETUSER members on $(quoted ">$members") ~* &* +@all"
    done
    tell "${REDIS_PORT:-6379}" "ACL SETUSER backup $(quoted ">$backup")"
    ;;
  use)
    tell "${REDIS_PORT:-6379}" "CONFIG SET masterauth $(quoted "$among")"
    tell "${REDIS_SENTINEL_PORT:-26379}" "SENTINEL SET $REDIS_MASTER_NAME auth-pass $(quoted "$among")" "SENTINEL CONFIG SET sentinel-pass $(quoted "$among")"
    if [[ "$among" == "$members" ]]; then
      draft="$(umask 077 && mktemp "$REDIS_RUN/members-password.XXXXXX")"
      printf '%s' "$members" > "$draft"
      mv -f "$draft" "$REDIS_RUN/members-password"
    fi
    ;;
esac
