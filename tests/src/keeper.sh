# Keeps a server for as long as a test run lasts, then removes everything it left.
# Standard output is the server's lifeline: closing it stops the server.
# usage: sh -c "$script" name RUNNER FOLDER
# The folder tells of a runner of another account (sudo), to which no signal may be sent.
while [ -d "/proc/$1" ] || kill -0 "$1"; do sleep 1 >/dev/null; done
exec >/dev/null
tries=0
while [ -e "$2/postgres/data/postmaster.pid" ] && [ "$tries" -lt 60 ]; do
    sleep 1
    tries=$((tries + 1))
done
rm -rf "$2"
