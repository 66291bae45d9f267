#!/bin/sh
# Runs workerd with its standard output (the log lines of the Workers) in a file, so that no process reads it meanwhile.
echo $$ >"$BENCH_WORKERD_PID_FILE"
exec "$BENCH_WORKERD" "$@" >>"$BENCH_WORKERD_LOG"
