# Everything a developer types. `just ci` is exactly what CI runs.

# Lists what there is.
default:
    @just --list

# Everything with real data, on http://127.0.0.1:7100.
demo:
    cargo run -- demo

# All tests, on a throw-away Postgres.
test:
    cargo test --workspace

# Format, clippy, dependencies and the contract.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --lib --bins -- -D warnings
    cargo deny --offline check bans licenses sources
    buf lint

# What CI runs.
ci:
    .ci/run

# How fast a clock is read.
bench:
    cargo bench -p domain

# Load on operations in turns with pgbench; builds with --release.
load:
    cargo build --release
    tests/bench.sh

# Kills, cut lines, held locks and a full disk under load; needs root.
faults:
    tests/faults.sh

# Ten minutes of changed inputs for each reader of what strangers send.
fuzz:
    ITSM_FUZZ_SECONDS=600 cargo test --workspace --test e2e -- fuzz:: --nocapture
