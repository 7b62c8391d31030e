#!/usr/bin/env bash
# Faults under load: kills, cut lines, held locks, a full disk. Needs root, for a small disk of its own in memory.
#
#   tests/faults.sh [FAULTS]  how many faults in a row; 20 unless given
set -euo pipefail
cd "$(dirname "$0")/.."
disk=$(mktemp -d)
finish() {
    umount "$disk" 2>/dev/null || true
    rmdir "$disk"
}
trap finish EXIT
cargo test --workspace --test e2e --no-run
ITSM_FAULTS=${1:-20} cargo test --workspace --test e2e -- faults:: --nocapture
mount -t tmpfs -o size=320m tmpfs "$disk"
TMPDIR=$disk cargo test --workspace --test e2e -- faults::a_full_disk --ignored --nocapture
