# What the gate (.ci/run) and its checks agree on; both source this file, at the root of the repository.
#
# A check passes or fails by its exit status. What it cannot run, all of it or a part, it reports with not_run or
# out_of_reach. The gate's last line names that, and where CI=true the gate fails on it, unless the check waits for a
# service that no script can install. Run by itself, a check only prints it.

not_run() { report needed "$1" "$2"; } # not_run WHAT WHY
out_of_reach() { report service "$1" "$2"; } # out_of_reach WHAT WHY

report() {
	echo "not run: $2 ($3)"
	if [ -n "${GATE_NOT_RUN:-}" ]; then
		printf '%s\t%s\t%s\n' "$1" "$2" "$3" >>"$GATE_NOT_RUN"
	fi
}

# have PROBE PACKAGE... reports whether a shell command succeeds, once root has installed Debian's packages for it.
have() {
	local probe=$1
	shift
	eval "$probe" >/dev/null 2>&1 && return
	if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
		echo "installing $*"
		apt-get -qq update >/dev/null 2>&1
		DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o DPkg::Lock::Timeout=60 install --no-install-recommends "$@" >/dev/null 2>&1
	fi
	eval "$probe" >/dev/null 2>&1
}

# python_for WHAT REQUIREMENTS sets venv to the folder of a Python environment with these packages. Where that cannot
# be made, WHAT is not run.
python_for() {
	if ! have 'python3 -c "import ensurepip"' python3 python3-venv; then
		not_run "$1" "Python is not installed"
		return 1
	fi
	if ! venv=$(.ci/venv "$2"); then
		not_run "$1" "its Python packages cannot be installed"
		return 1
	fi
}

# node_for WHAT reports whether there is Node.js. Where there is none, WHAT is not run.
node_for() {
	if ! have 'node --version && npx --version' nodejs npm; then
		not_run "$1" "Node.js is not installed"
		return 1
	fi
}

# The gate: begin, check NAME COMMAND..., and finish, whose exit status is the gate's.

begin() {
	failed=
	GATE_NOT_RUN=$(mktemp) || exit
	export GATE_NOT_RUN
	trap 'rm -f "$GATE_NOT_RUN"' EXIT
}

check() {
	local name=$1 start=$SECONDS reported status
	shift
	echo "== $name"
	reported=$(wc -l <"$GATE_NOT_RUN")
	bounded "$@"
	status=$?
	if [ $status -ne 0 ]; then
		failed=${failed:+$failed, }$name
		echo "-- $name: FAILED with status $status, $((SECONDS - start)) s"
	elif [ "$(wc -l <"$GATE_NOT_RUN")" -ne "$reported" ]; then
		echo "-- $name: not run, or not all of it, $((SECONDS - start)) s"
	else
		echo "-- $name: ok, $((SECONDS - start)) s"
	fi
}

# bounded runs a command. Where CI=true, one that runs when the gate's time is over is ended, with status 124.
bounded() {
	local left=$((${GATE_SECONDS:-1680} - SECONDS))
	if [ "${CI:-}" = true ] && command -v timeout >/dev/null; then
		timeout --kill-after=10 $((left > 0 ? left : 1)) "$@"
	else # a person can interrupt it
		"$@"
	fi
}

finish() {
	local kind what why missed= line
	while IFS=$'\t' read -r kind what why; do
		if [ "$kind" = needed ] && [ "${CI:-}" = true ]; then
			failed="${failed:+$failed, }$what was not run ($why)"
		else
			missed="${missed:+$missed, }$what ($why)"
		fi
	done <"$GATE_NOT_RUN"
	line="all checks passed, $SECONDS s"
	if [ -n "$failed" ]; then
		line="failed: $failed; after $SECONDS s"
	fi
	echo "$line${missed:+; not run: $missed}"
	[ -z "$failed" ]
}
