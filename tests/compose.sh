#!/usr/bin/env bash
# Runs docker-compose.yml, profile `demo`, where a container engine runs and no image can be pulled.
#
#   tests/compose.sh ROOTFS [ITSM]      ROOTFS: a Debian root file system with PostgreSQL, as made by
#                                       debootstrap --variant=minbase --include=postgresql bookworm ROOTFS
#
# What stands in: for the runtime image and for `postgres` that root file system, for the release build the program
# given, for the bridge network the host's, with the services' names in each container's hosts file. Everything else
# is as docker-compose.yml says: users, read-only file systems, capabilities, secrets, health checks, order.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
rootfs=$(realpath "$1")
program=$(realpath "${2:-$root/target/debug/itsm}")
project=itsmtest
work=$(mktemp -d /tmp/itsm-compose.XXXXXX)
compose() { docker-compose --project-name "$project" --project-directory "$root" --file "$work/compose.yml" "$@"; }
finish() {
    compose --profile demo down --volumes --timeout 20 >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap finish EXIT
say() { printf '\n== %s\n' "$*"; }

say "images"
docker image inspect itsm-standin-base >/dev/null 2>&1 ||
    tar -C "$rootfs" -c --exclude='./var/cache/*' --exclude='./var/lib/apt/*' --exclude='./usr/share/[dlm]*' \
        --exclude='*LLVM*' . | docker import - itsm-standin-base >/dev/null
mkdir "$work/itsm" "$work/postgres"
cp "$program" "$work/itsm/itsm"
strip "$work/itsm/itsm"
# The last stage of Dockerfile, on the other base.
mkdir "$work/itsm/reports"
{
    echo "FROM itsm-standin-base"
    sed -n '/^FROM ${RUNTIME}/,$p' "$root/Dockerfile" |
        sed -e 1d -e 's#--from=build ##' -e 's#/out/itsm #itsm #' -e 's#/out/reports #reports #'
} >"$work/itsm/Dockerfile"
cat "$work/itsm/Dockerfile"
docker build --quiet --tag itsm-standin "$work/itsm"
# As the entry point of the image it stands in for: a cluster with that user, database and password.
cat >"$work/postgres/entrypoint" <<'ENTRYPOINT'
#!/bin/sh
set -eu
bin=$(ls -d /usr/lib/postgresql/*/bin)
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
    "$bin/initdb" -D "$data" -U "$POSTGRES_USER" -A scram-sha-256 --pwfile="$POSTGRES_PASSWORD_FILE" >/dev/null
    "$bin/pg_ctl" -D "$data" -w -o "-c listen_addresses=''" start >/dev/null
    PGPASSWORD=$(cat "$POSTGRES_PASSWORD_FILE") "$bin/createdb" -U "$POSTGRES_USER" "$POSTGRES_DB"
    "$bin/pg_ctl" -D "$data" -m fast -w stop >/dev/null
fi
exec "$bin/postgres" -D "$data" -c listen_addresses=127.0.0.1
ENTRYPOINT
chmod 755 "$work/postgres/entrypoint"
cat >"$work/postgres/Dockerfile" <<'DOCKERFILE'
FROM itsm-standin-base
COPY entrypoint /entrypoint
RUN ["/bin/sh", "-c", "install -d -o postgres -g postgres -m 700 /var/lib/postgresql/data && install -d -m 3777 /run/postgresql && ln -sf /usr/lib/postgresql/*/bin/pg_isready /usr/local/bin/"]
USER postgres
ENTRYPOINT ["/entrypoint"]
DOCKERFILE
docker build --quiet --network=none --tag postgres-standin "$work/postgres"

say "docker-compose.yml, on the host's network"
"$root/deploy/secrets.sh"
(cd "$root" && ITSM_IMAGE=itsm-standin POSTGRES_IMAGE=postgres-standin docker-compose --profile demo --profile telemetry config) >"$work/whole.yml"
python3 - "$work/whole.yml" "$work/compose.yml" <<'PYTHON'
import sys, yaml
whole = yaml.safe_load(open(sys.argv[1]))
names = ["postgres", "catalog", "operations", "supplier", "dashboard"]
metrics = 9464
whole["services"] = {k: v for k, v in whole["services"].items() if "telemetry" not in v.get("profiles", [])}
for name, service in whole["services"].items():
    for key in ("ports", "networks", "build"):
        service.pop(key, None)
    service["network_mode"] = "host"
    service["extra_hosts"] = [f"{other}:127.0.0.1" for other in names]
    if "ITSM_METRICS_LISTEN" in service.get("environment", {}):
        service["environment"]["ITSM_METRICS_LISTEN"] = f"127.0.0.1:{metrics}"
        metrics += 1
whole.pop("networks", None)
yaml.safe_dump(whole, open(sys.argv[2], "w"), sort_keys=False)
PYTHON
compose --profile demo up --detach || { compose --profile demo logs --no-color --tail=20; exit 1; }

say "filled?"
for _ in $(seq 300); do
    state=$(docker inspect --format '{{.State.Status}} {{.State.ExitCode}}' "${project}_fill_1")
    case $state in "exited "*) break ;; esac
    sleep 2
done
compose --profile demo ps
compose --profile demo logs --no-color --tail=20 migrate fill
[ "$state" = "exited 0" ]

say "what a container may do"
container=${project}_operations_1
docker inspect --format 'read-only: {{.HostConfig.ReadonlyRootfs}}, dropped: {{.HostConfig.CapDrop}}, {{.HostConfig.SecurityOpt}}, user: {{.Config.User}}, {{.State.Health.Status}}' "$container" "${project}_postgres_1"
docker exec "$container" sh -c 'id; grep -E "^(CapEff|CapBnd|NoNewPrivs)" /proc/1/status; touch /tmp/x /x 2>&1' || true

say "the dashboard"
token=$(cat "$root/deploy/secrets/operator-token")
curl -s -H "Cookie: itsm_token=$token" http://127.0.0.1:7100/ | grep -o '/reports/[^"]*' | sort -u

say "a service that is killed comes back"
docker kill "$container" >/dev/null
docker start "$container" >/dev/null
for _ in $(seq 60); do
    docker exec "$container" itsm check 127.0.0.1:7102 2>/dev/null && break
    sleep 1
done

say "stop"
compose --profile demo stop --timeout 20 2>&1 | tail -8
docker inspect --format '{{.Name}} ended with {{.State.ExitCode}}' ${project}_{catalog,operations,supplier,dashboard,postgres}_1
echo
echo "the chain holds"
