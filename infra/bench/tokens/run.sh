#!/usr/bin/env bash
# Counts texts of several classes with the project's tokenizer, two others for Go and Python's tiktoken, and
# prints MB/s side by side. Nothing is remembered between the rounds of a text; the fastest of 15 is shown.
#
#	infra/bench/tokens/run.sh [ENCODING]
#
# Needs go, python3 and apt-get: the prose is the Debian Administrator's Handbook in its languages.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../../.." && pwd)
encoding=${1:-o200k_base}
work=${TOKENS_BENCH_DIR:-$(mktemp -d)}
mkdir -p "$work/texts" "$work/vocabularies" "$work/tables" "$work/peers"
cd "$work"

if [ ! -f texts/english.txt ]; then
	apt-get download debian-handbook >/dev/null 2>&1
	dpkg -x debian-handbook_*.deb handbook
	python3 "$here/texts.py" handbook/usr/share/doc/debian-handbook/html "$(go env GOROOT)" texts
fi
[ -d venv ] || { python3 -m venv venv && venv/bin/pip -q install tiktoken==0.14.0; }
(cd "$root/infra/tokens/generate" && go run . -keep "$work/vocabularies" -out "$work/tables" >/dev/null)

cp "$here/testdata/peers/main.go" peers/
cd peers
cat >go.mod <<MOD
module peers

go 1.26.0

require (
	aoai-bridge v0.0.0
	github.com/pkoukk/tiktoken-go v0.1.8
	github.com/pkoukk/tiktoken-go-loader v0.0.2
	github.com/tiktoken-go/tokenizer v0.10.0
)

replace aoai-bridge => $root
MOD
go mod tidy >/dev/null 2>&1
go build -o peers .
cd ..

{
	for name in aoai-bridge tiktoken-go/tokenizer pkoukk/tiktoken-go; do
		GOMAXPROCS=1 peers/peers "$name" "$encoding" texts
	done
	venv/bin/python "$here/tiktoken_speed.py" "$encoding" texts vocabularies
} | awk -F'\t' '
	!($1 in sums) { names[++columns] = $1; sums[$1] = 0 }
	!($2 in known) { classes[++rows] = $2; known[$2] = 1 }
	{ speed[$1, $2] = $3; count[$1, $2] = $4; sums[$1] += log($3 > 0 ? $3 : 0.05) }
	END {
		printf "%-16s", "MB/s"
		for (c = 1; c <= columns; c++) printf "%24s", names[c]
		print ""
		for (r = 1; r <= rows; r++) {
			printf "%-16s", classes[r]
			for (c = 1; c <= columns; c++) {
				wrong = count[names[c], classes[r]] != count["tiktoken (Python)", classes[r]]
				printf "%24s", speed[names[c], classes[r]] (wrong ? " (wrong)" : "")
			}
			print ""
		}
		printf "%-16s", "geometric mean"
		for (c = 1; c <= columns; c++) printf "%24.1f", exp(sums[names[c]] / rows)
		print ""
	}'
