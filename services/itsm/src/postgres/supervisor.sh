# Runs a server for as long as somebody holds the other end of standard input.
# Each line read is a signal for the server; the end of input means INT, a fast shutdown.
# Standard output is the folder's lock: it is free again when the server has gone.
# usage: sh -c "$script" name LOG SERVER ARGUMENT...
log=$1
shift
exec 3<&0 </dev/null
trap '' HUP INT TERM
"$@" >>"$log" 2>&1 3<&- &
server=$!
{
    while read -r signal; do kill -"$signal" "$server"; done
    # Again and again: a server that has only just begun does not hear the first one.
    # The pause outlives the supervisor and must not keep the lock.
    while kill -INT "$server"; do sleep 1 >/dev/null; done
} <&3 2>/dev/null &
wait "$server"
status=$?
kill -KILL "$!"
exit "$status"
