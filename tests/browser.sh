#!/usr/bin/env bash
# The dashboard in a real browser: the demo and some fresh tickets on free ports, a token to sign in with, and headless
# Chromium that walks the pages with the keyboard, wide and narrow, light and dark. Stops everything it started.
#
#   tests/browser.sh [ITSM]      the program to run, target/debug/itsm unless given
#   BROWSER_PICTURES=FOLDER      keeps a picture of each page
#   BROWSER_DATA=FOLDER          a data folder that the demo has filled already
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
program=$(realpath "${1:-$root/target/debug/itsm}")
python=${PYTHON:-python3}

work=$(mktemp -d /tmp/itsm-browser.XXXXXX)
chmod 755 "$work"
suite=
finish() {
    [ -z "$suite" ] || { kill -TERM "$suite" 2>/dev/null && wait "$suite" 2>/dev/null; } || true
    rm -rf "$work"
}
trap finish EXIT
say() { printf '\n== %s\n' "$*"; }

data=${BROWSER_DATA:-$work/data}
if [ ! -d "$data/reports" ]; then
    say "the demo"
    "$program" demo --once --port-base 0 --data-dir "$data" >"$work/demo.out" 2>"$work/demo.err" || {
        cat "$work/demo.out" "$work/demo.err"
        exit 1
    }
    tail -3 "$work/demo.out"
fi

say "the suite, behind a token"
token=browser-token-$(od -An -N12 -tx1 /dev/urandom | tr -d ' \n')
echo "$token people/ann roles=*" >"$work/tokens"
"$program" up --port-base 0 --data-dir "$data" --tokens-file "$work/tokens" >"$work/addresses" 2>"$work/suite.log" &
suite=$!
for _ in $(seq 120); do
    [ ! -s "$work/addresses" ] || break
    kill -0 "$suite" 2>/dev/null || { cat "$work/suite.log"; exit 1; }
    sleep 0.5
done
address() { "$python" -c 'import json, sys; print(json.load(open(sys.argv[1]))[sys.argv[2]])' "$work/addresses" "$1"; }

say "tickets of today"
"$python" "$root/tests/browser/fresh.py" >"$work/fresh.csv"
"$program" import tickets "$work/fresh.csv" --mapping servicenow-log --address "$(address operations)" --token "$token"

say "the browser"
"$python" "$root/tests/browser/drive.py" "http://$(address dashboard)" "$token" ${BROWSER_PICTURES:+"$BROWSER_PICTURES"}
