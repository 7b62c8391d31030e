#!/usr/bin/env bash
# Runs the client examples against a suite of their own, in each language that is here.
#
#   tests/examples.sh [ITSM]      the program to run, target/debug/itsm unless given; needs python3 and node 20 with npm
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/target/debug/itsm}")
work=$(mktemp -d /tmp/itsm-examples.XXXXXX)
chmod 755 "$work"
suite=
finish() { [ -z "$suite" ] || { kill -TERM "$suite" && wait "$suite" || true; }; rm -rf "$work"; }
trap finish EXIT

echo "0123456789abcdef people/integrator roles=*" >"$work/tokens"
export ITSM_TOKEN=0123456789abcdef
"$program" up --tokens-file "$work/tokens" --data-dir "$work/data" --port-base 0 >"$work/addresses" 2>"$work/log" &
suite=$!
for _ in $(seq 240); do
    grep -q operations "$work/addresses" && break
    kill -0 "$suite" || { cat "$work/log"; exit 1; }
    sleep 0.5
done
address=$(sed 's/.*"operations":"\([^"]*\)".*/\1/' "$work/addresses")
"$program" check "$address"

printf '\n== Python\n'
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --requirement "$root/examples/python/requirements.txt"
PATH="$work/venv/bin:$PATH" "$root/examples/python/generate.sh"
for example in tickets watch import_tickets; do
    echo "-- $example"
    "$work/venv/bin/python" "$root/examples/python/$example.py" "$address"
done

printf '\n== TypeScript\n'
cd "$root/examples/typescript"
npm install --silent --no-audit --no-fund
npm run --silent build
for example in tickets watch import_tickets; do
    echo "-- $example"
    node "build/$example.js" "$address"
done
echo
echo "every example did what it says"
