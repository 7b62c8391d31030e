#!/bin/sh
# Makes the secrets that docker-compose.yml mounts, each once: what is there stays.
#
#   deploy/secrets.sh [FOLDER]            deploy/secrets unless given
#
# Containers run as accounts that do not exist on this host, so the files are readable by all, in a folder that
# nobody else can enter. The token file holds digests; the token itself is in `operator-token` only.
set -eu
umask 022
folder=${1:-$(dirname "$0")/secrets}
mkdir -p "$folder"
chmod 700 "$folder"
random() { od -An -v -tx1 -N24 /dev/urandom | tr -d ' \n'; }

for name in database-password operator-token grafana-password; do
    [ -s "$folder/$name" ] || random >"$folder/$name"
done
if [ ! -s "$folder/tokens" ]; then
    digest=$(sha256sum <"$folder/operator-token" | cut -d' ' -f1)
    cat >"$folder/tokens" <<TOKENS
# One caller a line: sha256:<digest of the token> actor [customer=customers/x] [roles=a,b]
sha256:$digest people/operator roles=*
TOKENS
fi
echo "secrets are in $folder; sign in to the dashboard with the token in $folder/operator-token"
