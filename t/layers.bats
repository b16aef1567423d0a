# layers.bats - layers as a pipe: stages together give what one process gives, bit for bit, and hold
# only their own weights; whatever else they are fed is refused.

load common

LIMIT="timeout 60"
FIXTURES=$BATS_TEST_DIRNAME/fixtures/arch
IDS=$BATS_TEST_DIRNAME/fixtures/reference-ids.txt

setup()
{
	cd_scratch
	unset LLM_KERNELS
}

# The body of a stream.
body()
{
	sed '1,/^$/d'
}

rows() # a line for each row of any kind: its four numbers, and a sum of the others
{
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/rowsum.py"
}

models()
{
	cd "$FIXTURES" && ls *.gguf | sed 's/\.gguf$//'
}

# stages MODEL "OPTIONS" CUT...: tokens in, logits out, with a process between any two cuts. -t is
# another in each. OPTIONS are the last one's.
stages()
{
	local m=$1 o=$2 cut=$3
	shift 3
	if [ "$cut" = : ]; then # a stage of its own for each layer
		set -- $(seq 2 4)
		cut=1
	fi
	eval "$LIMIT llm-fwd -1 -t 2 -l 0:$cut $m$(
		for c; do printf ' | %s' "$LIMIT llm-fwd -t $c -x -l $cut:$c $m"; cut=$c; done
		printf ' | %s' "$LIMIT llm-fwd $o -t 3 -x -l $cut: $m")"
}

n_layers() # MODEL
{
	run -2 --separate-stderr llm-fwd -l 999:1000 "$1" </dev/null
	sed 's/.* has \([0-9]*\) layers.*/\1/' <<<"$stderr"
}

@test "two stages, cut anywhere: the same bits" {
	llm-fwd -1a <"$IDS" | body >want
	for cut in 0 1 2 3 4; do
		stages "$REPO/m.bin" -a $cut <"$IDS" | body | cmp - want
	done
}

@test "three and five stages: the same bits" {
	llm-fwd -1a <"$IDS" | body >want
	stages "$REPO/m.bin" -a 1 3 <"$IDS" | body | cmp - want
	stages "$REPO/m.bin" -a 2 2 <"$IDS" | body | cmp - want
	stages "$REPO/m.bin" -a : <"$IDS" | body | cmp - want
}

@test "without -a: only rows that answer; each line its own, across sequences and rewinds" {
	read -ra id <"$IDS"
	{
		echo "${id[@]:0:20} 5 6 7 8"
		echo "@20 ${id[@]:20:5}"
		echo @25
		echo @10
		echo "${id[@]:10:15}"
		echo
		echo "${id[@]:0:3}"
		echo "${id[@]:3:30}"
		echo "@0 ${id[@]:0:3}"
		echo @0
		echo "${id[0]}"
		echo
		echo
		echo "${id[0]}"
		printf '%s\n' "${id[@]:1:20}"
		for i in {1..5}; do echo "${id[@]:0:30}"; done
	} >lines
	for a in '' -a; do
		$LIMIT llm-fwd -1 $a <lines | body >want
		stages "$REPO/m.bin" "$a" 3 <lines | body | cmp - want
		stages "$REPO/m.bin" "$a" 1 4 <lines | body | cmp - want
	done
}

@test "every architecture: the same bits" {
	for m in $(models); do
		echo "$m"
		llm-fwd -1a "$FIXTURES/$m.gguf" <"$FIXTURES/$m.ids" | body >want
		n=$(n_layers "$FIXTURES/$m.gguf")
		[ "$n" -ge 2 ]
		stages "$FIXTURES/$m.gguf" -a 1 <"$FIXTURES/$m.ids" | body | cmp - want
		stages "$FIXTURES/$m.gguf" -a 0 $((n - 1)) <"$FIXTURES/$m.ids" | body | cmp - want
	done
}

@test "a context that gets long, and short again: the same bits" {
	m=$FIXTURES/phi3-long.gguf
	read -ra id <"$FIXTURES/phi3-long.ids"
	{
		echo "${id[@]:0:40}"
		echo "@10 ${id[@]:10:12}"
		echo "${id[@]:22:26}"
		echo
		echo "${id[@]:0:10}"
		echo "${id[@]:10:38}"
		echo "@44 ${id[@]:44:2}"
		echo @3
	} >lines
	for a in '' -a; do
		$LIMIT llm-fwd -1 $a "$m" <lines | body >want
		stages "$m" "$a" 1 <lines | body | cmp - want
		stages "$m" "$a" 0 1 2 <lines | body | cmp - want
	done
	# the states of a context were made anew
	need_python
	$LIMIT llm-fwd -1 -l 0:1 "$m" <lines | rows | awk '{ n[$4]++ } END { exit !(n[24] && n[16] && n[8]) }'
}

@test "generation over stages: the same text, turn by turn" {
	printf 'hi\nWhat then?\n\nA fox\n' >q
	llm-tok <q | $LIMIT llm-fwd | $LIMIT llm-sample -t 0 -n 40 | llm-detok >want
	[ "$(wc -c <want)" -ge 300 ]
	llm-tok <q | $LIMIT llm-fwd -l 0:2 | $LIMIT llm-fwd -l 2: | $LIMIT llm-sample -t 0 -n 40 | llm-detok | diff want -
	llm-tok <q | $LIMIT llm-fwd -l 0:0 -t 1 | $LIMIT llm-fwd -l 0:2 -x | $LIMIT llm-fwd -l 2:3 |
		$LIMIT llm-fwd -l 3:5 -t 2 | $LIMIT llm-sample -t 0 -n 40 | llm-detok | diff want -
	[ -z "$(ls -A "$TMPDIR" | grep llm-fwd)" ]
}

@test "generation over stages: the prompt's rows, too" {
	echo 'Once upon a' >q
	llm-tok <q | $LIMIT llm-fwd -a | $LIMIT llm-sample -pt 0 -n 12 | llm-detok >want
	llm-tok <q | $LIMIT llm-fwd -l :2 | $LIMIT llm-fwd -a -l 2: | $LIMIT llm-sample -pt 0 -n 12 | llm-detok | diff want -
}

@test "generation over stages closed by hand, as over ssh" {
	echo hi | llm-tok >q
	mkfifo back
	$LIMIT llm-fwd <q | $LIMIT llm-sample -t 0 -n 12 | llm-detok >want
	{ cat q; cat back; } | $LIMIT llm-fwd -1 -l 0:3 | $LIMIT llm-fwd -l 3: | $LIMIT llm-sample -t 0 -n 12 -r back |
		llm-detok | diff want -
}

# over SCRIPT: what it prints in a network of two hosts: here, and 10.9.9.2, where ./stage answers on port 7000.
over()
{
	cat >hosts <<-'END'
		unshare -n sleep 60 &
		there=$!
		trap 'kill $there $stage 2>/dev/null' EXIT
		ip link set lo up
		for i in 1 2 3 4 5 6 7 8 9; do # until it is a network of its own
			[ "$(readlink /proc/$there/ns/net)" = "$(readlink /proc/self/ns/net)" ] || break
			sleep 0.1
		done
		ip link add here type veth peer name there netns $there || exit
		ip addr add 10.9.9.1/24 dev here && ip link set here up || exit
		on() { nsenter -t $there -n "$@"; }
		on ip addr add 10.9.9.2/24 dev there && on ip link set there up || exit
		on socat TCP-LISTEN:7000,reuseaddr EXEC:./stage & stage=$!
		. ./script
	END
	printf '%s\n' "$1" >script
	$LIMIT unshare -rn sh ./hosts
}

@test "two hosts: a stage in another network gives the same logits, and the loop closes over it" {
	for tool in unshare ip nsenter socat; do
		command -v $tool >/dev/null || skip "needs $tool"
	done
	printf '#!/bin/sh\nexec llm-fwd -l 3: "%s"\n' "$REPO/m.bin" >stage
	chmod +x stage
	over : 2>why || skip "no networks of its own here: $(tail -n 1 why)"
	echo hi | llm-tok >q
	local far='socat - TCP:10.9.9.2:7000,retry=40,interval=0.1'
	$LIMIT llm-fwd <q | $LIMIT llm-sample -t 0 -n 12 | llm-detok >want
	over "llm-fwd -l 0:3 <q | $far | llm-sample -t 0 -n 12 | llm-detok" | diff want -
	$LIMIT llm-fwd -1 <"$IDS" | body >want
	[ -s want ]
	over "llm-fwd -1 -l 0:3 <'$IDS' | $far" | body | cmp - want
}

@test "a slow last stage is waited for" {
	echo hi | llm-tok | $LIMIT llm-fwd | $LIMIT llm-sample -t 0 -n 12 | llm-detok >want
	echo hi | llm-tok | $LIMIT llm-fwd -l 0:3 | { sleep 3; $LIMIT llm-fwd -l 3:; } | $LIMIT llm-sample -t 0 -n 12 |
		llm-detok | diff want -
	# one that drains the pipe at once, as ssh does
	echo hi | llm-tok | $LIMIT llm-fwd -l 0:3 | dd bs=1M 2>dd | { sleep 4; $LIMIT llm-fwd -l 3:; } |
		$LIMIT llm-sample -t 0 -n 12 | llm-detok | diff want -
}

@test "a stage that is killed takes the others along" {
	for victim in 1 2 3; do
		mkfifo in
		exec 7<>in
		$LIMIT llm-fwd -l 0:2 <in 2>err | tee >(cat >/dev/null) | $LIMIT llm-fwd -l 2:4 2>>err |
			$LIMIT llm-fwd -l 4: 2>>err | $LIMIT llm-sample -t 0 2>>err >out &
		echo 1 454 450 >&7
		within 20 test -s out
		pids=$(pgrep -s 0 -f '^llm-fwd -l' | sort -n | sed -n "${victim}p") # of this session, not of who else tests here
		[ -n "$pids" ]
		kill -9 $pids
		within 20 eval '! pgrep -s 0 -f "^llm-[fs]" >/dev/null'
		exec 7>&-
		wait
		rm -f in out
	done
}

@test "the header: what the stage before knows goes on" {
	{ header 256 'layer 3' 'eog 7 8' 'x-note kept' 'reply /nowhere/at/all' | sed 's/logits f32/hidden f32/'; } >h
	$LIMIT llm-fwd -l 3: "$REPO/m.bin" <h >out
	diff out - <<-END
		llm-logits 1
		model $REPO/m.bin
		vocab 2048 85ad51024eb2c6f4
		rows logits f32le 2048
		eog 7 8
		reply /nowhere/at/all
		x-note kept

	END
	$LIMIT llm-fwd -1 -l 3:4 "$REPO/m.bin" <h | diff - <(sed '/reply/d; s/logits f.*/hidden f32le 256\nlayer 4/' out)
}

@test "-e: the state that the output matrix meets; as many rows as without" {
	need_python
	llm-fwd -1a <"$IDS" | rows | cut -d ' ' -f 1-4 >want
	llm-fwd -ea <"$IDS" >e
	rows <e | cut -d ' ' -f 1-4 | diff want -
	llm-fwd -e <"$IDS" | rows | diff - <(rows <e | tail -n 1)
	llm-fwd -1 -l 0:3 <"$IDS" | llm-fwd -ea -l 3: | cmp - e
	[ "$(sed '/^$/q' e | sed -n 4p)" = 'rows embedding f32le 256' ]
}

resident() # COMMAND...: what it has of the model in memory, in kB, when it has answered
{
	"$@" <&0 >out &
	within 30 test -s out
	sleep 0.5
	awk -v m="$MODEL" '/^[0-9a-f]+-/ { ours = index($0, m) } ours && /^Rss/ { n += $2 } END { print n }' /proc/$!/smaps
	kill $!
	wait $! || :
}

@test "each stage holds only the weights of its layers" {
	[ -r /proc/self/smaps ] || skip 'no /proc/PID/smaps here'
	need_python numpy
	MODEL=$PWD/big.bin
	"$PYTHON" - <<-'END'
		# a llama2.c model of 16 layers of 4 MB each; the system maps some more behind each matrix
		import numpy as np, struct
		dim, ff, n, heads, vocab, ctx = 256, 1024, 16, 4, 64, 32
		r = np.random.default_rng(1)
		with open('big.bin', 'wb') as f:
		    f.write(struct.pack('<7i', dim, ff, n, heads, heads, vocab, ctx))
		    size = vocab * dim + n * (2 * dim + 4 * dim * dim + 3 * dim * ff) + dim + ctx * dim // heads
		    f.write((r.standard_normal(size) * 0.05).astype('<f4').tobytes())
	END
	mkfifo in rows
	exec 8<>in 9<>rows
	echo 1 5 9 >&8
	all=$(resident llm-fwd -1 big.bin <in)
	echo 1 5 9 >&8
	first=$(resident llm-fwd -1 -l 0:4 big.bin <in)
	cat out >&9
	last=$(resident llm-fwd -l 4: big.bin <rows)
	echo "all $all kB, first quarter $first kB, rest $last kB"
	[ "$all" -ge 60000 ]
	[ "$first" -le $((all * 45 / 100)) ]
	[ "$last" -le $((all * 93 / 100)) ]
	[ $((first + last)) -ge "$all" ]
}

## Bad input

hidden() # a good header
{
	header 256 "${@:-layer 3}" | sed 's/logits f32/hidden f32/'
}

state() # SEQUENCE POSITION TOKEN FLAGS: a row of ones
{
	row "$@" $(printf '1 %.0s' {1..256})
}

refused() # TEXT: by a stage behind layer 3, with the stream on stdin
{
	run --separate-stderr $LIMIT llm-fwd -l 3: "$REPO/m.bin" <stream
	echo "$stderr"
	[ "$status" -eq 1 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr == *"$1"* ]]
}

@test "refused: headers" {
	hidden 'layer 4' >stream
	refused 'rows from behind layer 4 come too late for layer 3'
	hidden 'layer 99999999' >stream
	refused "'layer 99999999' is not a number of layers"
	hidden 'layer x' >stream
	refused "'layer x' is not a number of layers"
	hidden 'x y' >stream
	refused "the header lacks a 'layer' line"
	hidden 'layer 3' 'vocab 512' >stream
	refused 'the stream is in the vocabulary of another model (512 pieces)'
	hidden 'layer 3' 'vocab 2048 0123456789abcdef' >stream
	refused 'same size, other pieces'
	hidden 'layer 3' | sed 's/256/128/' >stream
	refused 'hidden states of 128 numbers are not of'
	header 2048 >stream
	refused "rows of 'logits f32le 2048'; this program reads 'hidden f32le' or 'hidden text'"
	echo 1 454 450 >stream
	refused 'not a logits stream'
	hidden 'layer 3' | head -c 40 >stream
	refused 'the stream ends within its header'
	: >stream
	run --separate-stderr $LIMIT llm-fwd -l 3: <stream
	[ "$status" -eq 1 ]
	[ -z "$stderr$output" ]
}

@test "refused: rows" {
	{ hidden; state 0 1 1 1; } >stream
	refused 'row 1 is of position 1 where 0 should be: a stage needs a row for every token'
	{ hidden; state 0 0 1 0; state 0 2 1 1; } >stream
	refused 'row 2 is of position 2 where 1 should be'
	{ hidden; state 0 0 1 0; state 1 1 1 1; } >stream
	refused 'row 2 is of position 1 where 0 should be'
	{ hidden; state 0 0 1 0; state 0 1 1 9; } >stream
	refused 'row 2: a sequence cannot get long or short between its rows'
	{ hidden; state 0 0 2048 1; } >stream
	refused 'row 1: token id 2048 is not in the vocabulary of 2048 pieces'
	{ hidden; state 0 512 1 1; } >stream
	refused 'row 1: position 512 is beyond the model'
	{ hidden; state 0 4294967295 1 1; } >stream
	refused 'row 1: position 4294967295 is beyond'
	{ hidden; row 0 0 1 1 nan $(printf '1 %.0s' {1..255}); } >stream
	refused 'row 1: number 1 is nan'
	{ hidden; row 0 0 1 1 $(printf '1 %.0s' {1..255}) -inf; } >stream
	refused 'row 1: number 256 is -inf'
	{ hidden; state 0 0 1 1; state 0 1 1 1; } | head -c -1 >stream
	refused 'the stream ends within row 2'
}

@test "refused: options" {
	for bad in 3:2 0:6 6: a: :b 1 '' 1:2:3 -1:2 1:-2 +1:2 ' 1:2' 1:2x 99999999999999999999: 1::; do
		fails 2 llm-fwd -l "$bad" </dev/null
		[[ $stderr == "llm-fwd: -l: '$bad'"* ]]
	done
	fails 2 llm-fwd -e -l 0:2 </dev/null
	[[ $stderr == *"-e: embeddings are behind the last layer"* ]]
}

@test "llm-sample refuses hidden states, and says who reads them" {
	run --separate-stderr llm-sample < <(hidden; state 0 0 1 1)
	[ "$status" -eq 1 ]
	[ "$stderr" = "llm-sample: stdin: rows of 'hidden f32le 256'; this program reads 'logits f32le' or 'logits text' (llm-fwd -l runs the other layers)" ]
}

@test "-x: states before layer 0" {
	llm-fwd -1a <"$IDS" | body >want
	llm-fwd -1 -l 0:0 <"$IDS" | llm-fwd -xa | body | cmp - want
	llm-fwd -1 -l 0:0 <"$IDS" | llm-fwd -x -l :2 | llm-fwd -a -l 2: | body | cmp - want
}
