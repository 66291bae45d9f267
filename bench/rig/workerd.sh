#!/bin/sh
# Runs workerd with its standard output, the Workers' log lines, in a file: nobody reads along while a request is timed.
echo $$ >"$BENCH_WORKERD_PID_FILE"
exec "$BENCH_WORKERD" "$@" >>"$BENCH_WORKERD_LOG"
