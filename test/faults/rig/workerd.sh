#!/bin/sh
# Runs workerd and tells its process ID, so that a test can measure and kill it.
echo $$ >"$WORKERD_PID_FILE"
exec "$WORKERD_BINARY" "$@"
