#!/bin/sh
# Install the real programs that tests start on free ports, where they are missing and apt-get can bring them.
set -eu
PATH="$PATH:/usr/sbin"
missing=""
for pair in prometheus:prometheus promtool:prometheus prometheus-alertmanager:prometheus-alertmanager \
            prometheus-node-exporter:prometheus-node-exporter tmux:tmux etcd:etcd-server gcc:gcc systemd-analyze:systemd; do
    command -v "${pair%%:*}" >/dev/null 2>&1 || missing="$missing ${pair##*:}"
done
[ -z "$missing" ] && exit 0
command -v apt-get >/dev/null 2>&1 || { echo "missing:$missing; install them with your package manager" >&2; exit 1; }
as_root=""
[ "$(id -u)" = 0 ] || as_root="sudo"
export DEBIAN_FRONTEND=noninteractive
echo "installing:$missing" >&2
$as_root apt-get update -qq >/dev/null
# shellcheck disable=SC2086
$as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null
