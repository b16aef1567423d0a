# common.bash - what every test file begins with: load it as `load common`.
bats_require_minimum_version 1.5.0

REPO=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
BIN=${LLM_BIN:-$REPO/bin}			# the programs under test
SHARED=${LLM_SHARED:-$REPO/../shared}		# vectors that are not in the tree
export PATH="$BIN:$PATH" LC_ALL=C
unset LLM_MODEL

# A scratch folder that bats removes; also where llm-fwd puts its channel.
cd_scratch()
{
	export TMPDIR=$BATS_TEST_TMPDIR
	cd "$BATS_TEST_TMPDIR" || return
}

need()
{
	command -v "$1" >/dev/null || skip "$1 is not installed"
}

# need_python [module ...]: sets PYTHON.
need_python()
{
	PYTHON=${LLM_PYTHON:-python3}
	command -v "$PYTHON" >/dev/null || skip 'python3 is not installed'
	for module; do
		"$PYTHON" -c "import $module" 2>/dev/null || skip "python3 lacks the module $module"
	done
}

need_root()
{
	[ "$(id -u)" = 0 ] || skip 'only root can give files away'
}

need_shared()
{
	[ -e "$SHARED/$1" ] || skip "shared/$1 is not here"
}

# fails STATUS COMMAND...: the command ends with that status, nothing on stdout,
# one line on stderr, which is left in $stderr.
fails()
{
	local want=$1
	shift
	run --separate-stderr "$@"
	[ "$status" -eq "$want" ] || { echo "status $status, not $want; stderr: $stderr"; return 1; }
	[ "${#stderr_lines[@]}" -eq 1 ] || { echo "stderr: $stderr"; return 1; }
	[ -z "$output" ] || { echo "stdout: $output"; return 1; }
}

# within SECONDS COMMAND...: the command comes true in that time.
within()
{
	local until=$((SECONDS + $1 + 1))
	shift
	until "$@"; do
		[ $SECONDS -lt $until ] || { echo "not in time: $*"; return 1; }
		sleep 0.05
	done
}

# A logits stream by hand. header WIDTH [LINE...]
header()
{
	local width=$1
	shift
	printf 'llm-logits 1\nrows logits f32le %d\n' "$width"
	[ $# -eq 0 ] || printf '%s\n' "$@"
	echo
}

le32()
{
	printf "\\x$(printf %02x $(($1 & 255)))\\x$(printf %02x $(($1 >> 8 & 255)))"
	printf "\\x$(printf %02x $(($1 >> 16 & 255)))\\x$(printf %02x $(($1 >> 24 & 255)))"
}

# row SEQUENCE POSITION TOKEN FLAGS LOGIT...; logits are whole numbers, inf, -inf, nan.
row()
{
	local i=0 x sign e
	for x; do
		i=$((i + 1))
		[ $i -gt 4 ] || { le32 "$x"; continue; }
		case $x in
		nan) le32 0x7fc00000; continue ;;
		inf) le32 0x7f800000; continue ;;
		-inf) le32 0xff800000; continue ;;
		0) le32 0; continue ;;
		-*) sign=1 x=${x#-} ;;
		*) sign=0 ;;
		esac
		for ((e = 0; x >> (e + 1); e++)); do :; done
		le32 $((sign << 31 | (127 + e) << 23 | (x << (23 - e) & 0x7fffff)))
	done
}
