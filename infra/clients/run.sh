#!/usr/bin/env bash
# Starts the local stack and has clients, unmodified, talk to it: OpenAI's Python and Node libraries, azure-ai-inference,
# the AI SDK, and the Codex CLI.
#
#	infra/clients/run.sh [install]		install: only what the clients need
set -euo pipefail
cd "$(dirname "$0")"
root=$(cd ../.. && pwd)

python=$("$root/.ci/venv" python/requirements.txt)
(cd node && npm install --silent --no-audit --no-fund --no-package-lock)
if [ "${1:-}" = install ]; then
	exit
fi

# Free ports, so that a stack that is already running is left alone.
log=$(mktemp)
"$root/dist/bin/local" -build "$root/dist" -template "$root/template.yaml" -addr 127.0.0.1:0 -aws-addr 127.0.0.1:0 -arm-addr 127.0.0.1:0 -wait-scale 0.01 >"$log" 2>&1 &
stack=$!
trap 'kill $stack 2>/dev/null; wait $stack 2>/dev/null; rm -f "$log"' EXIT
for _ in $(seq 100); do
	grep -q '^curl ' "$log" && break
	kill -0 $stack 2>/dev/null || { cat "$log" >&2; exit 1; }
	sleep 0.1
done
value() { sed -n "s/^  $1 *\([^ ]*\).*/\1/p" "$log"; }
BASE_URL=$(value 'base URL')
API_KEY=$(value key)
export BASE_URL API_KEY AZURE_ENDPOINT=${BASE_URL%/v1}

status=0
"$python/bin/pytest" -q -p no:cacheprovider python || status=1
node --test --test-reporter=dot node/ || status=1
if [ $status -ne 0 ]; then
	echo "-- the stack's log:" >&2
	tail -n 40 "$log" >&2
fi
exit $status
