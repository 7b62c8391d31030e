#!/usr/bin/env bash
# Load on operations in turns with pgbench, both on one Postgres and on one table of tickets, and their ratios.
#
#   tests/bench.sh [ITSM]     the program to run, best built with --release; target/release/itsm unless given
#   BENCH_SECONDS=10          how long each turn lasts
#   BENCH_ROUNDS=3            turns of each; the median of the ratios is printed
#   BENCH_STREAMS=64          streams of the client; pgbench has 16 clients
#   BENCH_TICKETS=20000       tickets that are there before it starts
#
# pgbench writes what the service writes for the same request, read from a request that the service has just done: the
# ticket with its clocks, its facts with what stands beside them, the pending change and the idempotency record, as
# single INSERTs in one transaction, prepared, with the settings of the service's own cluster. It decides nothing, checks
# nothing and answers nobody.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/target/release/itsm}")
seconds=${BENCH_SECONDS:-10} rounds=${BENCH_ROUNDS:-3} streams=${BENCH_STREAMS:-64} tickets=${BENCH_TICKETS:-20000}
for folder in "${ITSM_PG_BIN:-/nowhere}" /usr/lib/postgresql/*/bin /usr/bin /usr/local/bin; do
    [ ! -x "$folder/pgbench" ] || [ ! -x "$folder/initdb" ] || pg=$folder
done
: "${pg:?pgbench is missing: apt-get install -y postgresql}"

work=$(mktemp -d /tmp/itsm-bench.XXXXXX)
chmod 755 "$work"
suite= cluster=
finish() {
    [ -z "$suite" ] || { kill -TERM "$suite" 2>/dev/null && wait "$suite" 2>/dev/null; } || true
    [ -z "$cluster" ] || as_postgres "$pg/pg_ctl" -D "$work/pg" -m fast stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT
# Postgres does not run as root.
as_postgres() { if [ "$(id -u)" = 0 ]; then setpriv --reuid=postgres --regid=postgres --clear-groups "$@"; else "$@"; fi; }

mkdir "$work/pg" "$work/socket"
[ "$(id -u)" != 0 ] || chown postgres: "$work/pg" "$work/socket"
as_postgres "$pg/initdb" -D "$work/pg" -U postgres --auth=trust --encoding=UTF8 --locale=C >/dev/null
cat >>"$work/pg/postgresql.conf" <<SETTINGS
listen_addresses = ''
unix_socket_directories = '$work/socket'
shared_buffers = 256MB
max_wal_size = 4GB
max_connections = 120
jit = off
SETTINGS
as_postgres "$pg/pg_ctl" -D "$work/pg" -l "$work/socket/log" -w start >/dev/null
cluster=$(head -1 "$work/pg/postmaster.pid")
export PGHOST="$work/socket" PGUSER=postgres PGDATABASE=itsm
"$pg/createdb" itsm
url="postgres://postgres@localhost/itsm?host=$work/socket"
"$program" migrate --database-url "$url" >/dev/null
"$program" up --insecure --port-base 0 --database-url "$url" --data-dir "$work/data" >"$work/addresses" 2>"$work/log" &
suite=$!
for _ in $(seq 240); do
    [ ! -s "$work/addresses" ] || break
    kill -0 "$suite" 2>/dev/null || { cat "$work/log"; exit 1; }
    sleep 0.25
done
address=$(sed -n 's/.*"operations":"\([^"]*\)".*/\1/p' "$work/addresses")
sql() { "$pg/psql" -X -A -t -q -v ON_ERROR_STOP=1 -c "$1"; }
catalog=$(sed -n 's/.*"catalog":"\([^"]*\)".*/\1/p' "$work/addresses")
supplier=$(sed -n 's/.*"supplier":"\([^"]*\)".*/\1/p' "$work/addresses")
"$program" apply "$root/demo/overlay/customers.yaml" "$root/demo/overlay/services.yaml" "$root/demo/overlay/objectives.yaml" \
    "$root/demo/overlay/suppliers.yaml" "$root/demo/overlay/promises.yaml" --yes --catalog "$catalog" \
    --operations "$address" --supplier "$supplier" >"$work/apply.log" || { cat "$work/apply.log"; exit 1; }
bench() { "$program" bench "$1" --operations "$address" --streams "$2" --connections 4 --seconds "$3" --warm-up "$4" \
    --watch "server=$suite" --watch "postgres=$cluster" --json; }
field() { sed -n "s/.*\"$1\":\([0-9.]*\).*/\1/p"; }

echo "filling up to $tickets tickets" >&2
while [ "$(sql 'SELECT count(*) FROM operations.tickets')" -lt "$tickets" ]; do bench create 64 5 0 >/dev/null; done
sql "VACUUM ANALYZE operations.tickets, operations.journal"

# The statements of one request that the service has done, as pgbench is to do it.
python3 - "$pg/psql" "$work" <<'PYTHON'
import json, subprocess, sys
psql, work = sys.argv[1:]
def rows(sql):
    wrapped = f"SELECT coalesce(json_agg(r), '[]') FROM ({sql}) r"
    out = subprocess.run([psql, "-X", "-A", "-t", "-q", "-c", wrapped], check=True, capture_output=True, text=True).stdout
    return json.loads(out)
def quoted(value):
    if value is None: return "NULL"
    if isinstance(value, bool): return "true" if value else "false"
    if isinstance(value, (int, float)): return str(value)
    if isinstance(value, (dict, list)): value = json.dumps(value, separators=(",", ":"))
    # pgbench takes every colon before a letter or digit for a variable, inside quotes too.
    return "U&'" + value.replace("\\", "\\\\").replace(":", "\\003A").replace("'", "''") + "'"
def written(column, value):
    """The value as SQL: what names the ticket follows its number."""
    if column == "absorbed": return "'{}'"
    text = quoted(value)
    if name in text:
        return "replace(" + text + f", '{name}', 'INC-' || lpad(:number::text, 6, '0'))" + ("::jsonb" if isinstance(value, (dict, list)) else "")
    return text + ("::jsonb" if isinstance(value, (dict, list)) else "")
columns = {table: [r["c"] for r in rows(f"""SELECT attname AS c FROM pg_attribute WHERE attrelid = 'operations.{table}'::regclass
    AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum""")] for table in ("tickets", "journal", "journal_private", "idempotency")}
ticket = rows("SELECT * FROM operations.tickets WHERE version = 1 ORDER BY number DESC LIMIT 1")[0]
resource = ticket["name"]; name = resource.split("/")[1]
facts = rows(f"SELECT * FROM operations.journal WHERE subject = '{resource}' ORDER BY position")
beside = {r["position"]: r for r in rows(f"SELECT p.* FROM operations.journal_private p JOIN operations.journal j USING (position) WHERE j.subject = '{resource}'")}
request = rows(f"SELECT * FROM operations.idempotency WHERE resource = '{resource}'")[0]
def insert(table, row, put):
    names = [c for c in columns[table] if c != "position" or c in put]
    values = [put[c] if c in put else written(c, row[c]) for c in names]
    return f"INSERT INTO operations.{table} ({', '.join(names)}) VALUES ({', '.join(values)})"
now = {"created_at": "now()", "updated_at": "now()"}
change = ":change"
def facts_of(of):
    lines = []
    for n, fact in enumerate(of):
        lines.append(insert("journal", fact, {"change_id": f"{change}::uuid"}) + f" RETURNING position AS at{n} \\gset")
        if fact["position"] in beside:
            lines.append(insert("journal_private", beside[fact["position"]], {"position": f":at{n}"}) + ";")
    last = len(of) - 1
    places = ", ".join(f":at{n}" for n in range(len(of)))
    lines.append(f"INSERT INTO operations.journal_pending (change_id, last_position, positions) VALUES ({change}::uuid, :at{last}, ARRAY[{places}]::bigint[]);")
    return lines
def save(file, lines):
    open(f"{work}/{file}", "w").write("\n".join(lines) + "\n")
ids = "SELECT gen_random_uuid() AS change \\gset"
remember = insert("idempotency", request, {"request_id": f"{change}::uuid", "created_at": "now()"}) + ";"
save("create.sql", ["BEGIN;", "SELECT nextval('operations.ticket_numbers') AS number, gen_random_uuid() AS change \\gset",
    insert("tickets", ticket, {"number": ":number", "uid": f"{change}::uuid", **now}) + ";",
    *facts_of(facts), remember, "COMMIT;"])
low, high = (rows("SELECT min(number) AS a, max(number) AS b FROM operations.tickets")[0][k] for k in "ab")
fact = dict(facts[0], kind="ticket.updated.v1", payload={"title": facts[0]["payload"]["fields"]["title"]})
own = beside.get(fact["position"])
if own: own["content"] = {k: v for k, v in own["content"].items() if k in (fact["actor"], fact["payload"]["title"])}
body = written("body", ticket["body"]); clocks = written("clocks", ticket["clocks"])
save("update.sql", [f"\\set number random({low}, {high})", "BEGIN;", ids,
    "SELECT body, clocks, version FROM operations.tickets WHERE number = :number;",
    f"UPDATE operations.tickets SET version = version + 1, edited_version = edited_version + 1, updated_at = now(), body = {body}, clocks = {clocks} WHERE number = :number;",
    *facts_of([fact]), remember, "COMMIT;"])
save("get.sql", [f"\\set number random({low}, {high})",
    "SELECT number, uid, version, edited_version, created_at, updated_at, body, clocks FROM operations.tickets WHERE number = :number;"])
save("list.sql", ["\\set priority random(1, 4)",
    "SELECT number, uid, version, edited_version, created_at, updated_at, body, clocks FROM operations.tickets WHERE priority = :priority ORDER BY number LIMIT 100;"])
PYTHON

plain() {
    "$pg/pgbench" -n -M prepared -c 16 -j 2 -T "$seconds" -f "$work/$1.sql" -l --log-prefix="$work/latency" 2>"$work/pgbench.log" >"$work/pgbench.out" ||
        { head -5 "$work/pgbench.log" >&2; exit 1; }
    ! grep -i -E 'error|aborted' "$work/pgbench.log" >&2 || exit 1
    local tps p99
    tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/pgbench.out")
    p99=$(cat "$work"/latency.* | awk '{print $3}' | sort -n | awk '{a[NR]=$1} END {print a[int((NR*99+99)/100)]/1000}')
    rm -f "$work"/latency.*
    echo "$tps $p99"
}

printf '%-7s %10s %10s %7s   %8s %8s   %s\n' what itsm/s pgbench/s ratio p99 p99-pgb 'processor µs a request: client, server, postgres'
for kind in create update get list; do
    for round in $(seq "$rounds"); do
        read -r tps p99 < <(plain "$kind")
        ours=$(bench "$kind" "$streams" "$seconds" 1)
        refused=$(echo "$ours" | field refused)
        [ "$refused" = 0 ] || { echo "$ours" >&2; exit 1; }
        rate=$(echo "$ours" | field per_second)
        echo "$rate $tps $(awk "BEGIN {print $rate / $tps}") $(echo "$ours" | field p99_ms) $p99 $(echo "$ours" | field client) $(echo "$ours" | field server) $(echo "$ours" | field postgres)"
    done | sort -g -k3 | awk -v kind="$kind" -v mid=$(((rounds + 1) / 2)) 'NR == mid {
        printf "%-7s %10.0f %10.0f %7.2f   %5.1f ms %5.1f ms   %.0f, %.0f, %.0f\n", kind, $1, $2, $3, $4, $5, $6, $7, $8 }'
done
echo "median of $rounds rounds of $seconds s, $streams streams, pgbench with 16 clients, $(sql 'SELECT count(*) FROM operations.tickets') tickets at the end"
