# pipe.bats - text in, the right text out: the four programs over real weights, exact to the token.

load common

LIMIT="timeout 60"	# nothing here takes that long: it hangs
FIXTURES=$BATS_TEST_DIRNAME/fixtures
STORIES=$SHARED/models/stories260K

setup()
{
	cd_scratch
}

python() # SCRIPT ARGUMENT...: one of t/lib
{
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/$@"
}

## The shipped model

@test "the literal line" {
	set -o pipefail
	echo hi | $LIMIT llm-tok | $LIMIT llm-fwd "$REPO/m.bin" | $LIMIT llm-sample | $LIMIT llm-detok >out
	[ "$(wc -l <out)" -ge 1 ]
	[ "$(wc -c <out)" -ge 20 ]
	$LIMIT llm-tok -q <out | $LIMIT llm-detok | cmp - out
}

greedy() # LINE of the reference, and how many TOKENS
{
	local prompt text
	IFS=$'\t' read -r prompt text < <(sed -n "$1p" "$FIXTURES/reference-greedy.txt")
	[ -n "$text" ]
	printf '%b\n' "$text" >want
	printf '%s\n' "$prompt" | $LIMIT llm-tok | $LIMIT llm-fwd -a | $LIMIT llm-sample -p -t 0 -n "$2" |
		$LIMIT llm-detok | head -c -1 >got
	[ "$(wc -c <got)" -ge $(($2 * 2)) ]
	head -c "$(wc -c <got)" want | diff - got
}

# The reference is of single precision. Weights in blocks meet inputs in blocks (llm-fwd(1)), which
# decides a close race otherwise: in the third text after 60 tokens.
@test "m.bin greedy: Once upon a time" { greedy 1 99; }
@test "m.bin greedy: hi" { greedy 2 99; }
@test "m.bin greedy: Tell me a story about a fox." { greedy 3 50; }

## stories260K

stories() # MODEL [TOKENIZER]: 200 greedy tokens
{
	echo 1 | $LIMIT llm-fwd "$1" | $LIMIT llm-sample -t 0 -n 200 | $LIMIT llm-detok ${2+"$2"} >got
	cmp got "$STORIES/greedy-200.txt"
}

convert()
{
	need_shared models/stories260K
	need_python
	python convert260k.py "$STORIES/stories260K.bin" "$STORIES/tok512.bin" .
}

@test "stories260K, legacy: the 200 reference tokens" {
	need_shared models/stories260K
	stories "$STORIES/stories260K.bin" "$STORIES/tok512.bin"
}

@test "stories260K: tokenizer.bin beside the model is found" {
	need_shared models/stories260K
	cp "$STORIES/stories260K.bin" model.bin
	cp "$STORIES/tok512.bin" tokenizer.bin
	export LLM_MODEL=model.bin
	[ "$(echo 'Once upon a time' | llm-tok -q)" = "$(echo 'Once upon a time' | llm-tok -q tokenizer.bin)" ]
	echo 'Once upon a time' | llm-tok | llm-detok | cmp - <(echo 'Once upon a time')
	echo 1 | $LIMIT llm-fwd | $LIMIT llm-sample -t 0 -n 200 | $LIMIT llm-detok >got
	cmp got "$STORIES/greedy-200.txt"
}

@test "stories260K, version 1: the same text" {
	convert
	stories v1.bin "$STORIES/tok512.bin"
}

@test "stories260K, GGUF F32: the same text" {
	convert
	stories f32.gguf
}

@test "stories260K, GGUF F32: the same tokens of a text as with tokenizer.bin" {
	convert
	printf 'Once upon a time\n  two  spaces\n\nnaïve 😀 \xff\n\t\n' >text
	diff <(llm-tok -q f32.gguf <text) <(llm-tok -q "$STORIES/tok512.bin" <text)
	llm-tok f32.gguf <text | llm-detok | cmp - text
}

@test "stories260K, version 2: the logits of its numbers as F32" {
	convert
	llm-tok -q f32.gguf <"$STORIES/greedy-200.txt" | head -n 1 >ids
	$LIMIT llm-fwd -1a v2f.gguf <ids >want
	$LIMIT llm-fwd -1a v2.bin <ids | python rowdiff.py want 1e-4
	# and near those of the original
	$LIMIT llm-fwd -1a "$STORIES/stories260K.bin" <ids | python rowdiff.py want 1
}

@test "stories260K: the three float32 forms give the same logits" {
	convert
	llm-tok -q f32.gguf <"$STORIES/greedy-200.txt" | head -n 1 >ids
	$LIMIT llm-fwd -1a f32.gguf <ids >want
	$LIMIT llm-fwd -1a v1.bin <ids | python rowdiff.py want 0
	$LIMIT llm-fwd -1a "$STORIES/stories260K.bin" <ids | python rowdiff.py want 0
}

## Exact

kernels() # NAME: those from now on
{
	export LLM_KERNELS=$1
	run --separate-stderr timeout 60 llm-fwd -1 <<<1
	[ "$status" -eq 0 ] && return
	[[ $stderr == *"no such instructions"* ]] || return
	[ "$1" != portable ] && skip "no $1 here"
}

# Weights and inputs of 8 bits: llama.cpp's logits of these tokens differ by up to 0.19, ours by
# 0.24, where logits spread by 4.7; the kernels themselves are checked in types.bats.
logits()
{
	need_python
	kernels "$1"
	$LIMIT llm-fwd -1a <"$FIXTURES/reference-ids.txt" | python rowdiff.py "$FIXTURES/reference-logits.f32" 0.35
}

@test "m.bin logits within 0.35 of fp32: avx512" { logits avx512; }
@test "m.bin logits within 0.35 of fp32: avx2" { logits avx2; }
@test "m.bin logits within 0.35 of fp32: portable" { logits portable; }

@test "LLM_KERNELS: an unknown name is refused" {
	export LLM_KERNELS=abacus
	fails 1 llm-fwd -1 </dev/null
	[[ $stderr == *"LLM_KERNELS=abacus: not one of"* ]]
}

@test "llm-fwd -k: f16 unless told, f32 and q8 are other things, all else is refused" {
	local ids=$FIXTURES/reference-ids.txt
	$LIMIT llm-fwd -1 -k f16 <"$ids" | cmp - <($LIMIT llm-fwd -1 <"$ids")
	! $LIMIT llm-fwd -1 -k f32 <"$ids" | cmp -s - <($LIMIT llm-fwd -1 <"$ids")
	! $LIMIT llm-fwd -1 -k q8 <"$ids" | cmp -s - <($LIMIT llm-fwd -1 <"$ids")
	fails 2 llm-fwd -k q4
}

@test "llm-fwd -k q8: logits within 0.35 of fp32, the same bits for any cut and any threads" {
	need_python
	$LIMIT llm-fwd -1a -k q8 <"$FIXTURES/reference-ids.txt" >all
	python rowdiff.py "$FIXTURES/reference-logits.f32" 0.35 <all
	xargs -n 5 <"$FIXTURES/reference-ids.txt" | $LIMIT llm-fwd -1a -k q8 -t 3 | bits | cmp - <(bits <all)
}

# Positions and bits of the rows for the same tokens, however they are fed.
bits()
{
	python rowsum.py | awk '{ print $2, $3, $5 }'
}

same_bits()
{
	need_python
	kernels "$1"
	local ids=$FIXTURES/reference-ids.txt
	$LIMIT llm-fwd -1a -t 1 <"$ids" | bits >want
	[ "$(wc -l <want)" -eq 51 ]
	for t in 2 3 7; do
		$LIMIT llm-fwd -1a -t $t <"$ids" | bits | diff want -
	done
	tr ' ' '\n' <"$ids" | $LIMIT llm-fwd -1 -t 2 | bits | diff want -
	sed 's/ /\n/3;s/ /\n/9;s/ /\n/17;s/ /\n/4;s/ /\n/30' "$ids" >lines
	[ "$(wc -l <lines)" -eq 6 ]
	$LIMIT llm-fwd -1a -t 3 <lines | bits | diff want -
}

@test "same bits for any threads, lines, single tokens: avx512" { same_bits avx512; }
@test "same bits for any threads, lines, single tokens: avxvnni" { same_bits avxvnni; }
@test "same bits for any threads, lines, single tokens: avx2" { same_bits avx2; }
@test "same bits for any threads, lines, single tokens: portable" { same_bits portable; }

@test "same bits for a long prompt: threads, single tokens, with and without -a" {
	need_python
	for i in {1..9}; do cat "$FIXTURES/reference-ids.txt"; done | tr '\n' ' ' >ids	# 459 of 512
	$LIMIT llm-fwd -1a -t 1 <ids | bits >want
	[ "$(wc -l <want)" -eq 459 ]
	$LIMIT llm-fwd -1a -t 3 <ids | bits | diff want -
	tr -s ' ' '\n' <ids | $LIMIT llm-fwd -1 -t 2 | bits | diff want -
	$LIMIT llm-fwd -1 <ids | bits | diff <(tail -n 1 want) -
}

@test "rewinds: same bits; @N alone answers again; @0 starts anew" {
	need_python
	read -ra id <"$FIXTURES/reference-ids.txt"
	{
		echo "${id[@]:0:20} 5 6 7 8"
		echo "@20 ${id[@]:20:5}"	# another branch
		echo @25			# the last once more
		echo @10			# one before
		echo @10			# and again
		echo "${id[@]:10:15}"
		echo "@0 ${id[@]:0:3}"
		echo @0				# nothing to answer
		echo "${id[0]}"
		echo "@1 ${id[@]:1:30}"
	} >lines
	$LIMIT llm-fwd -1 <lines | python rowsum.py >got
	echo "${id[@]}" | $LIMIT llm-fwd -1a | python rowsum.py >straight
	cat got
	[ "$(awk '{ print $1, $2, $4 }' got | paste -sd,)" = \
		"0 23 1,0 24 1,0 24 1,0 9 1,0 9 1,0 24 1,0 2 1,0 0 1,0 30 1" ]
	for n in 25 25 10 10 25 3 1 31; do
		sed -n "${n}p" straight | cut -d ' ' -f 2,3,5
	done | diff - <(tail -n +2 got | cut -d ' ' -f 2,3,5)
}

@test "an empty line: a new sequence with the same bits" {
	need_python
	printf '1 454 450\n\n\n  \n1 454\n450\n\n\n1 454 450' | $LIMIT llm-fwd -1 | python rowsum.py >got
	cat got
	[ "$(cut -d ' ' -f 1-4 got | paste -sd,)" = "0 2 450 1,1 1 454 1,1 2 450 1,2 2 450 1" ]
	[ "$(sed '2d' got | cut -d ' ' -f 5 | uniq | wc -l)" -eq 1 ]
}

@test "a note is skipped, a comment is no line" {
	need_python
	printf '# llm-tokens 1\n1/-0.5 454/0\n# 7\n450/-1e-3\n' | $LIMIT llm-fwd -1 | python rowsum.py >got
	printf '1 454\n450\n' | $LIMIT llm-fwd -1 | python rowsum.py | diff got -
}

@test "the context's end: flag 4, then an error that says how many fit" {
	seq -s ' ' 100 610 | sed 's/^/1 /' >ids	# 512
	$LIMIT llm-fwd -1 <ids >rows
	[ "$(sed '1,/^$/d' rows | od -An -tu4 -j 4 -N 12 | xargs)" = '511 610 5' ]
	echo 7 >>ids
	run --separate-stderr $LIMIT llm-fwd -1 <ids
	[ "$status" -eq 1 ]
	[[ $stderr == *"does not fit into the model's context of 512 tokens (512 were in it)"* ]]
}

@test "a turn ends where the context is full" {
	seq -s ' ' 100 600 | sed 's/^/1 /' >ids	# 502
	$LIMIT llm-fwd <ids | $LIMIT llm-sample -q -s 3 -t 3 -k 0 -P 1 -m 0 >out
	[ "$(wc -w <out)" -le 10 ]
	[ "$(wc -l <out)" -eq 1 ]
}

## Which model

@test "the default model, from any folder" {
	echo hi | llm-tok -q >want
	cd /
	[ "$(echo hi | llm-tok -q)" = "$(cat "$OLDPWD/want")" ]
	[ "$(echo hi | llm-tok -q "$REPO/m.bin")" = "$(cat "$OLDPWD/want")" ]
	echo hi | $LIMIT llm-tok | $LIMIT llm-fwd | $LIMIT llm-sample -t 0 -n 5 | $LIMIT llm-detok >"$OLDPWD/out"
	[ "$(cat "$OLDPWD/out")" = 'Once upon a time,' ]
}

@test "the default model, installed, and through a link" {
	mkdir -p p/bin p/share/llmutils links
	cp "$BIN"/llm-* p/bin
	cp "$REPO/m.bin" p/share/llmutils
	ln -s ../p/bin/llm-tok links
	[ "$(echo hi | p/bin/llm-tok | sed -n 's/^# model //p')" = "$PWD/p/share/llmutils/m.bin" ]
	[ "$(echo hi | links/llm-tok | sed -n 's/^# model //p')" = "$PWD/p/share/llmutils/m.bin" ]
}

@test "LLM_MODEL switches the whole pipe; an operand overrides it" {
	cp "$REPO/m.bin" other.bin
	export LLM_MODEL=other.bin
	echo hi | llm-tok >tokens
	grep -qx '# model other.bin' tokens
	$LIMIT llm-fwd -1 <tokens | sed '/^$/q' | grep -qax 'model other.bin'
	$LIMIT llm-fwd -1 "$REPO/m.bin" <tokens | sed '/^$/q' | grep -qax "model $REPO/m.bin"
	$LIMIT llm-fwd <tokens | $LIMIT llm-sample -t 0 -n 5 >answer
	grep -qx '# model other.bin' answer
	export LLM_MODEL=/nonexistent
	[ "$(llm-detok <answer)" = 'Once upon a time,' ]	# by the stream's header
	fails 1 llm-tok </dev/null
	[[ $stderr == *"/nonexistent: No such file"* ]]
	fails 1 llm-fwd -1 </dev/null
	[ "$(echo hi | llm-tok -q other.bin)" = "$(llm-tok -q "$REPO/m.bin" <<<hi)" ]
}

@test "two vocabularies in one pipe are refused, by size and by fingerprint" {
	convert
	echo 'hi' | llm-tok f32.gguf >tokens
	run --separate-stderr llm-fwd -1 "$REPO/m.bin" <tokens
	[ "$status" -eq 1 ]
	[[ $stderr == *"(512 pieces), not of"* ]]
	fails 1 llm-detok "$REPO/m.bin" <tokens
	sed 's/\(vocab 512 \).*/\10123456789abcdef/' tokens >forged
	fails 1 llm-detok f32.gguf <forged
	[[ $stderr == *"same size, other pieces"* ]]
	sed 's/\(vocab 512\) .*/\1/' tokens >nothing_said
	[ "$(llm-detok f32.gguf <nothing_said)" = hi ]
}

## Text

@test "llm-tok: a header, ids, one line a line" {
	printf 'one\n\ntwo' | llm-tok >out
	[ "$(sed -n 1p out)" = '# llm-tokens 1' ]
	[ "$(sed -n 2p out)" = "# model $REPO/m.bin" ] || [ "$LLM_BIN" ]
	[[ $(sed -n 3p out) =~ ^'# vocab 2048 '[0-9a-f]{16}$ ]]
	[ "$(tail -c 1 out | tr -d 0-9)" = '' ]
	printf 'one\n\ntwo' | llm-tok -q | cmp - <(tail -n +4 out)
	[ "$(tail -n +4 out | grep -c '^1 ')" -eq 2 ]	# BOS, once a sequence
	[ "$(printf 'one\ntwo' | llm-tok -q | grep -c '^1 ')" -eq 1 ]
}

@test "llm-tok: the ids of the reference" {
	llm-detok <"$FIXTURES/reference-ids.txt" | llm-tok -q | cmp - "$FIXTURES/reference-ids.txt"
}

@test "llm-tok -n: the number of the tokens that it would write" {
	for text in '' '\n' 'a' 'a\n' 'one\ntwo\n\nthree\n' '\n\n\n' 'a\0b\nc'; do
		n=$(printf "$text" | llm-tok -q | wc -w)
		[ "$(printf "$text" | llm-tok -n)" = "$n" ]
		n=$(printf "$text" | llm-tok -qz | wc -w)
		[ "$(printf "$text" | llm-tok -nz)" = "$n" ]
	done
}

@test "llm-tok -s: control tokens are only taken where they are wanted" {
	[ "$(echo '</s>' | llm-tok -qs)" = '1 2' ]
	[ "$(echo '</s>' | llm-tok -q | wc -w)" -gt 2 ]
	echo 'a</s>b<s><unk>' | llm-tok | llm-detok | cmp - <(echo 'a</s>b<s><unk>')
	[ "$(echo 1 2 | llm-detok)" = '' ]
	[ "$(echo 1 2 | llm-detok -s)" = '<s></s>' ]
}

round_trip() # FILE
{
	llm-tok <"$1" | llm-detok >back
	cmp "$1" back
	llm-tok -z <"$1" | llm-detok -z >back
	cmp "$1" back
	! tail -c +1 "$1" | llm-tok -q | tr -d '0-9 \n' | grep -q .
}

@test "there and back: nothing, newlines, no last newline, NUL" {
	for text in '' '\n' 'a' 'a\n' '\na' '\n\n' ' ' ' \n' '  a  \n \n' '\0' 'a\0' '\0a\0\0b\n' 'a\nb\0c\n\0'; do
		printf "$text" >f
		round_trip f
	done
}

@test "there and back: each byte, alone and between others" {
	for ((i = 0; i < 256; i++)); do
		printf "\\x$(printf %02x $i)\nx\\x$(printf %02x $i)y\n"
	done >f
	round_trip f
}

@test "there and back: UTF-8, broken UTF-8, control tokens spelled" {
	printf '%b' 'naïve 東京 😀\n\xc3\n\xa9\n\xf0\x9f\n\xff\xfe\n\xed\xa0\x80\n' \
		'\xc0\x80\n<s></s><unk><0x0A>\n<0x41>\n\r\n\t\n\x1b[0m\n' >f
	round_trip f
	head -c -1 f >g
	round_trip g
}

@test "there and back: noise, long lines, long runs of spaces" {
	head -c 100000 /dev/urandom >f
	round_trip f
	tr -d '\n' <f >g
	round_trip g
	printf '%5000s\n%3s|%70000s' ' ' ' ' x >h
	round_trip h
}

@test "llm-tok: each line as it arrives" {
	{ echo hi; within 20 grep -qx '1 271 1976' out; echo $? >seen; echo ho; } | timeout 60 llm-tok -q >out
	[ "$(cat seen)" = 0 ]
	[ "$(wc -l <out)" -eq 2 ]
}

@test "llm-detok: each piece as it arrives, never half a character" {
	llm-tok -q <<<'a 😀' >ids
	read -ra id <ids
	[ ${#id[@]} -ge 6 ]	# the smiley is four bytes
	{
		printf '%s ' "${id[@]:0:${#id[@]}-1}"
		within 20 test -s out
		sleep 0.2
		cp out before
		printf '%s ' "${id[@]: -1}"
		within 20 grep -q 😀 out
		echo $? >seen
		printf '\n'
	} | timeout 60 llm-detok >out
	[ "$(cat seen)" = 0 ]
	[ "$(cat before)" = 'a ' ]
	[ "$(cat out)" = 'a 😀' ]
	# what stays incomplete goes out as it is
	printf '%s ' "${id[@]:0:${#id[@]}-1}" | llm-detok | cmp - <(printf 'a \xf0\x9f\x98')
	printf '%s\n' "${id[*]:0:${#id[@]}-1}" | llm-detok | cmp - <(printf 'a \xf0\x9f\x98\n')
}

ticks() # PID - the CPU time that it has taken, in hundredths of a second
{
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$1/stat"
}

@test "waiting costs nothing: llm-fwd with four threads, behind an answer, with and without a sampler" {
	[ -r /proc/self/stat ] || skip 'no /proc here'
	mkfifo in rows
	local before pid
	for one_way in -1 ''; do
		llm-fwd -t 4 $one_way <in >rows &
		pid=$!
		if [ "$one_way" ]; then cat rows >got & else llm-sample -n 8 <rows >got & fi
		exec 5>in
		echo 1 454 >&5
		within 10 test -s got
		sleep 0.5
		before=$(ticks $pid)
		sleep 1.5
		[ $(($(ticks $pid) - before)) -le 1 ]
		exec 5>&-
		wait
	done
}

threads_of() # COMMAND...: how many threads it has once it has answered
{
	mkfifo in out
	"$@" <in >out &
	exec 8>in 9<out
	echo 1 >&8
	head -c 2000 <&9 >/dev/null
	ls "/proc/$!/task" | wc -l
	exec 8>&- 9<&-
	rm in out
}

@test "more threads than CPUs: moved about, they may go on anywhere" {
	[ -r /proc/self/status ] || skip 'no /proc here'
	mkfifo in out
	llm-fwd -1 -t 9 <in >out &
	exec 8>in 9<out
	for _ in {1..40}; do
		echo 454 >&8
		head -c 8208 <&9 >/dev/null
	done
	grep -h Cpus_allowed_list /proc/$!/task/*/status | sort -u >got
	grep Cpus_allowed_list /proc/$$/status | cmp - got
	exec 8>&- 9<&-
	wait
}

@test "without -t, a thread for each CPU that this process may use" {
	command -v taskset >/dev/null && [ -d /proc/self/task ] || skip "no taskset or no /proc here"
	cpu=$(taskset -pc $$ | sed 's/.*: //; s/[-,].*//')
	one=$(threads_of taskset -c "$cpu" llm-fwd "$REPO/m.bin")
	all=$(threads_of llm-fwd "$REPO/m.bin")
	[ "$one" -ge 1 ] && [ $((all - one)) = $(($(nproc) - 1)) ]
}

@test "the last token of an answer that is cut off is fed with the next line, as far as that goes back" {
	for f in '' '-d 0' '-j 2'; do
		printf '1 454\n@5 450\n@8\n@7 261\n@3\n410 261\n\n1 410\n@1\n@4\n@0 1\n' >lines
		llm-fwd $f <lines | tee rows | llm-sample -qt 0 -n 3 >out
		llm-fwd $f -a <lines | tee all | llm-sample -qt 0 -n 3 | diff out -
		[ "$(wc -l <out)" -eq 10 ]
		# the same rows, bit for bit, less those that nobody waits for
		llm-sample -w <rows | sed '1,/^$/d' | sort >a
		llm-sample -w <all | sed '1,/^$/d' | sort >b
		[ "$(wc -l <a)" -eq 30 ] # 3 of each answer: of the question, of two tokens
		[ "$(comm -23 a b | wc -l)" -eq 0 ]
	done
}

@test "rows that are lent to the pipe do not change before they are read" {
	need_python
	for f in '-d 0' '-d 7' '-j 2'; do
		echo 1 454 | $LIMIT llm-fwd $f | python late.py 261 410 450 278 365 290 >want
		echo 1 454 | $LIMIT llm-fwd $f | python late.py pipe 261 410 450 278 365 290 | diff want -
		[ "$(sort -u want | wc -l)" -eq 7 ]
	done
}

@test "a reader that leaves with rows lent to it: the model ends, even where SIGPIPE is blocked" {
	need_python
	env --block-signal=PIPE true 2>/dev/null || skip 'env(1) blocks no signals here'
	for with in env 'env --block-signal=PIPE'; do
		run bash -c "echo 1 454 | timeout 10 $with llm-fwd -d 0 2>/dev/null |
			'$PYTHON' '$BATS_TEST_DIRNAME/lib/late.py' pipe leave 261 410 450 278; echo \${PIPESTATUS[@]}"
		read -r _ model sampler <<<"${lines[-1]}"
		[ "$model" -ne 0 ] && [ "$model" -ne 124 ] && [ "$sampler" -eq 0 ]
	done
}
