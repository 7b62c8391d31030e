#!/usr/bin/env bash
# The chain of docker-compose.yml by hand, where no container engine runs: postgres → migrate → catalog, operations,
# supplier → dashboard → fill → a report, with the same commands, settings, secrets by file and tokens between them.
# Every process of the suite runs as `nobody`, without capabilities, with a HOME it cannot write, on a root file
# system that is mounted read-only (in a mount namespace of its own); only the folder of the reports is writable.
#
#   tests/chain.sh [ITSM]      as root; the program to run, target/debug/itsm unless given
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/target/debug/itsm}")
port=${CHAIN_PORT_BASE:-7300}
[ "$(id -u)" = 0 ] || { echo "needs root: it steps down to nobody and mounts read-only"; exit 2; }

work=$(mktemp -d /tmp/itsm-chain.XXXXXX)
chmod 755 "$work"
bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1)
pids=()
finish() {
    for pid in "${pids[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
    wait || true
    setpriv --reuid postgres --regid postgres --init-groups "$bin/pg_ctl" -D "$work/pg" -m fast stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT
say() { printf '\n== %s\n' "$*"; }

say "secrets"
"$root/deploy/secrets.sh" "$work/secrets"
chmod 711 "$work/secrets" # containers get the files mounted one by one; here nobody has to walk to them

say "postgres with passwords, on 127.0.0.1:$((port + 9)) (stands in for the image of the same name)"
install -d -o postgres -g postgres -m 700 "$work/pg" "$work/socket"
as_postgres() { setpriv --reuid postgres --regid postgres --init-groups env -C / LC_ALL=C.UTF-8 "$@"; }
as_postgres "$bin/initdb" -D "$work/pg" -U itsm -A scram-sha-256 --pwfile="$work/secrets/database-password" >/dev/null
as_postgres "$bin/pg_ctl" -D "$work/pg" -w -l "$work/pg/log" \
    -o "-c listen_addresses=127.0.0.1 -c port=$((port + 9)) -c unix_socket_directories=$work/socket" start >/dev/null
PGPASSWORD=$(cat "$work/secrets/database-password") \
    "$bin/createdb" -h 127.0.0.1 -p $((port + 9)) -U itsm itsm

install -d -o nobody -g nogroup -m 755 "$work/reports"
install -m 755 "$program" "$work/itsm"
export ITSM_DATABASE_URL=postgres://itsm@127.0.0.1:$((port + 9))/itsm
export ITSM_DATABASE_PASSWORD_FILE=$work/secrets/database-password
export ITSM_TOKENS_FILE=$work/secrets/tokens ITSM_TOKEN_FILE=$work/secrets/operator-token
export ITSM_REPORTS=$work/reports
export ITSM_CATALOG=127.0.0.1:$((port + 1)) ITSM_OPERATIONS=127.0.0.1:$((port + 2)) ITSM_SUPPLIER=127.0.0.1:$((port + 3))
export WORK=$work HOME=/nonexistent
# Everything is read-only but the reports; then nobody, no capabilities, no way to get any.
itsm() {
    exec unshare --mount -- sh -c '
        mount --make-rprivate / && mount --bind "$WORK/reports" "$WORK/reports" && mount -o remount,bind,ro / &&
        { mountpoint -q /tmp && mount -o remount,bind,ro /tmp || true; } &&
        exec setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs \
            --bounding-set=-all --inh-caps=-all "$WORK/itsm" "$@"' itsm "$@"
}

say "what a process of the suite may do"
(exec unshare --mount -- sh -c '
    mount --make-rprivate / && mount --bind "$WORK/reports" "$WORK/reports" && mount -o remount,bind,ro / &&
    exec setpriv --reuid nobody --regid nogroup --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all \
        sh -c "id; grep -E \"^(CapEff|CapBnd|NoNewPrivs)\" /proc/self/status
               touch /tmp/x 2>&1; touch \"$WORK/reports/x\" && rm \"$WORK/reports/x\" && echo \"$WORK/reports can be written\""') || true

say "migrate"
(itsm migrate)
(itsm migrate)

say "catalog, operations, supplier, dashboard"
serve() {
    local name=$1 offset=$2
    (ITSM_LISTEN=127.0.0.1:$((port + offset)) itsm serve "$name") >"$work/$name.out" 2>"$work/$name.log" &
    pids+=($!)
}
export ITSM_OTLP_ENDPOINT=${ITSM_OTLP_ENDPOINT:-}
ITSM_METRICS_LISTEN=127.0.0.1:$((port + 11)) serve catalog 1
ITSM_METRICS_LISTEN=127.0.0.1:$((port + 12)) serve operations 2
ITSM_METRICS_LISTEN=127.0.0.1:$((port + 13)) serve supplier 3
serve dashboard 0

say "check, as the health checks of the containers do"
for offset in 1 2 3 0; do
    for attempt in $(seq 60); do
        if (itsm check "127.0.0.1:$((port + offset))") 2>"$work/why"; then break; fi
        [ "$attempt" != 60 ] || { cat "$work/why" "$work"/*.log; exit 1; }
        sleep 0.5
    done
done

say "nobody gets in without a token"
if (unset ITSM_TOKEN_FILE; itsm fill --token wrong-token-wrong-token) 2>&1; then exit 1; fi

say "fill, twice"
(itsm fill)
(itsm fill) | tail -12

say "the dashboard shows the reports to whoever has the token"
token=$(cat "$work/secrets/operator-token")
curl -s -o /dev/null -w 'without: %{http_code}\n' "http://127.0.0.1:$port/"
curl -s -o "$work/page" -w 'with:    %{http_code}\n' -H "Cookie: itsm_token=$token" "http://127.0.0.1:$port/"
grep -c '/reports/' "$work/page" | sed 's/^/links to reports: /'

say "metrics"
python=${PYTHON:-python3}
for offset in 11 12 13; do
    curl -s "http://127.0.0.1:$((port + offset))/metrics" >"$work/metrics.$offset"
done
"$python" "$root/tests/metrics.py" "$work"/metrics.* "$root"/deploy/grafana/dashboards/*.json "$root/deploy/alerts.yml"

say "doctor"
(ITSM_PORT_BASE=$port itsm doctor) || true

say "stop: every server drains and ends well"
for pid in "${pids[@]}"; do kill -TERM "$pid"; done
for pid in "${pids[@]}"; do wait "$pid" && echo "process $pid ended with 0"; done
pids=()
grep -h '"level":"\(ERROR\|WARN\)"' "$work"/*.log || echo "no warning in any log"
ls "$work/reports"/*/report.html
echo
echo "the chain holds"
