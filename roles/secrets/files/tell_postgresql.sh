# Copyright (c) 2026 GreenLang. All rights reserved.
# Runs in the container postgresql. Roles get the passwords that standard input gives; then the new one is tried over TCP.
set -euo pipefail
while read -r key value && [[ -n "$key" ]]; do
  case "$key" in
    username) POSTGRES_USER="$(base64 --decode <<< "$value")" ;;
    password) POSTGRES_PASSWORD="$(base64 --decode <<< "$value")" ;;
    exporter-dsn) dsn="$(base64 --decode <<< "$value")" ;;
    replication-password) POSTGRES_REPLICATION_PASSWORD="$(base64 --decode <<< "$value")" ;;
    backup-password) POSTGRES_BACKUP_PASSWORD="$(base64 --decode <<< "$value")" ;;
    rewind-password) POSTGRES_REWIND_PASSWORD="$(base64 --decode <<< "$value")" ;;
    archive-password) POSTGRES_ARCHIVE_PASSWORD="$(base64 --decode <<< "$value")" ;;
  esac
done
: "${POSTGRES_USER:?}" "${POSTGRES_PASSWORD:?}" "${POSTGRES_DB:=$POSTGRES_USER}" "${POSTGRES_SOCKETS:=/var/run/postgresql}"
: "${POSTGRES_ROLES:=/usr/local/bin/postgresql-roles.sql}" "${POSTGRES_ADDRESS:=127.0.0.1}"
: "${POSTGRES_REPLICATION_PASSWORD:=}" "${POSTGRES_REWIND_PASSWORD:=}" "${POSTGRES_BACKUP_PASSWORD:=}" \
  "${POSTGRES_ARCHIVE_PASSWORD:=}"
POSTGRES_MONITOR_USER="" POSTGRES_MONITOR_PASSWORD=""
if [[ "${dsn:-}" =~ ^postgres(ql)?://([^:@/]+):([^@]*)@ ]]; then
  POSTGRES_MONITOR_USER="${BASH_REMATCH[2]}" POSTGRES_MONITOR_PASSWORD="${BASH_REMATCH[3]}"
  [[ "$POSTGRES_MONITOR_PASSWORD" != *%* ]] || printf -v POSTGRES_MONITOR_PASSWORD '%b' "${POSTGRES_MONITOR_PASSWORD//%/\\x}"
fi
export POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB POSTGRES_MONITOR_USER POSTGRES_MONITOR_PASSWORD
export POSTGRES_REPLICATION_PASSWORD POSTGRES_REWIND_PASSWORD POSTGRES_BACKUP_PASSWORD POSTGRES_ARCHIVE_PASSWORD
for folder in /usr/lib/postgresql/*/bin; do PATH="$folder:$PATH"; done
# Who types psql here goes on as the owner; the mounted Secret follows within minutes.
if [[ -f "${PGPASSFILE:-}" ]]; then
  escaped="${POSTGRES_PASSWORD//\\/\\\\}"
  (umask 077 && printf '*:*:*:%s:%s\n' "$POSTGRES_USER" "${escaped//:/\\:}" > "$PGPASSFILE.new" && mv -f "$PGPASSFILE.new" "$PGPASSFILE")
fi
# The statements carry the passwords: nothing of them is logged.
export PGOPTIONS="-c log_statement=none -c log_min_error_statement=panic -c log_min_duration_statement=-1"
super=(psql --host "$POSTGRES_SOCKETS" --username postgres --dbname postgres --no-psqlrc --quiet --set ON_ERROR_STOP=1)
[[ "$("${super[@]}" --tuples-only --no-align --command 'SELECT pg_is_in_recovery()')" == f ]] || exit 0 # a replica hears it from its primary
"${super[@]}" --file "$POSTGRES_ROLES"
unset PGOPTIONS
PGPASSWORD="$POSTGRES_PASSWORD" psql --host "$POSTGRES_ADDRESS" --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --no-psqlrc --quiet \
  --no-password --tuples-only --command 'SELECT 1' > /dev/null
