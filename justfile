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
    cargo clippy --workspace --all-targets
    cargo deny --offline check bans licenses sources
    buf lint

# What CI runs.
ci:
    .ci/run

# How fast a clock is read.
bench:
    cargo bench -p domain
