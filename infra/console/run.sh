#!/usr/bin/env bash
# Runs the tests of the console in chromium.
#
#	infra/console/run.sh [install]		install: only what the tests need
set -euo pipefail
cd "$(dirname "$0")"

npm install --silent --no-audit --no-fund --no-package-lock
if [ "${1:-}" = install ]; then
	exit
fi
CONSOLE_BROWSER=${CONSOLE_BROWSER:-$(command -v chromium || command -v google-chrome)} || {
	echo "chromium is not installed; name another browser of its kind in CONSOLE_BROWSER" >&2
	exit 1
}
export CONSOLE_BROWSER CGO_ENABLED=0
exec go test -trimpath -count=1 .
