#!/bin/sh
# Runs workerd. With a leash (local-workers.ts), writes its process ID into a file and kills it when the parent is gone.
if [ -n "${WORKERD_LEASH-}" ]; then
  exec 9<"$WORKERD_LEASH/parent"
  (read -r _ <&9 || kill -9 $$) </dev/null >/dev/null 2>&1 3>&- &
  exec 9<&-
  [ -z "${WORKERD_LOG-}" ] || exec >>"$WORKERD_LOG"
  echo $$ >"$WORKERD_LEASH/pid"
fi
exec "$WORKERD_BINARY" "$@"
