# Bad input: files, streams, options and descriptors that are broken. One line on
# stderr, exit status 1 (2: usage), nothing partial. Broken files and streams by the
# thousand come from lib/badinput.py; llm-sample's side is in sample.bats.

load common

setup()
{
	cd_scratch
}

broken()
{
	need_python
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" run "$PYTHON" "$BATS_TEST_DIRNAME/lib/badinput.py" "$1"
	echo "$output"
	[ "$status" -eq 0 ]
}

make_model() # KIND FILE
{
	need_python
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/mkgguf.py" "$1" "$2"
}

@test "small files of every kind are read: what the next tests break" { broken good; }
@test "no model: text, zeros, a folder, a FIFO, an empty file, none" { broken no-model; }
@test "GGUF cut at every field and at 200 offsets" { broken gguf-cut; }
@test "GGUF: version, byte order, counts, lengths, types, doubled keys, alignment" { broken gguf-head; }
@test "GGUF: tensors missing, doubled, misaligned, outside, overlapping, of wrong shape or type" { broken gguf-tensors; }
@test "GGUF: shapes contradictory, zero, missing, of wrong type" { broken gguf-shape; }
@test "GGUF: experts, matrices in one, windows, factors that contradict each other" { broken gguf-arch; }
@test "GGUF: vocabularies with ids out of range, odd pieces, merges in circles" { broken gguf-vocab; }
@test "llama2.c: every version cut, every field of the header broken" { broken llama2c; }
@test "tokenizer.bin: cut, lengths that lie" { broken tokenizer; }
@test "token streams: ids, rewinds, garbage, other versions, other vocabularies, the context's end" { broken token-streams; }

@test "a small file makes no program allocate gigabytes" {
	[ -z "$LLM_SANITIZER" ] || skip 'sanitizers map terabytes'
	need_python
	cat >make.py <<-'END'
		from mkgguf import *
		def out(name, data): open(name, 'wb').write(data)
		out('context.gguf', spm(ctx=2**31 - 1).bytes())
		out('context.bin', llama2c(1, seq=2**24))
		g = bpe(ctx=2**31 - 1, layers=20, heads=1)
		g.set('tokenizer.ggml.merges', array(STRING, [''] * 10000)).set('extra', array(STRING, [''] * 100000))
		out('many.gguf', g.bytes())
	END
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" "$PYTHON" make.py
	ulimit -v 150000 # KiB; stacks, libc and all
	for m in context.gguf context.bin many.gguf; do
		echo 1 2 3 | llm-fwd -1 -t 2 $m | tail -c +100 | wc -c
		[ "${PIPESTATUS[1]}" -eq 0 ]
	done
	echo hi | llm-tok many.gguf | llm-detok
	[ "${PIPESTATUS[*]}" = '0 0 0' ]
	header 16777216 >wide
	llm-sample <wide
	head -c 1000 /dev/zero >>wide
	fails 1 sh -c 'llm-sample -q <wide'
}

@test "a model that shrinks while it is mapped: a diagnostic, no signal" {
	need_python
	make_model bare m.gguf
	mkfifo in
	llm-fwd -1 -t 1 m.gguf <in >out 2>err &
	exec 8>in
	within 5 test -s out
	: >m.gguf
	echo 1 2 3 >&8
	exec 8>&-
	local status=0
	wait $! || status=$?
	[ "$status" -eq 1 ]
	[ "$(wc -l <err)" -eq 1 ]
	grep -q '^llm-fwd: .*shorter' err
}

@test "a full disk is never silent" {
	[ -c /dev/full ] || skip 'no /dev/full here'
	echo hi | llm-tok "$REPO/m.bin" >tokens
	llm-fwd -1 "$REPO/m.bin" <tokens >logits
	for c in 'llm-tok m' 'llm-tok -n m' 'llm-tok -q m' 'llm-tok -h' 'llm-tok -V'; do
		fails 1 sh -c "echo hi | ${c/ m/ $REPO/m.bin} >/dev/full"
		[[ $stderr = 'llm-tok: stdout: No space left on device' ]]
	done
	for c in "llm-fwd -1 $REPO/m.bin" "llm-fwd $REPO/m.bin" 'llm-fwd -h' 'llm-fwd -V'; do
		fails 1 sh -c "$c <tokens >/dev/full"
		[[ $stderr = 'llm-fwd: stdout: No space left on device' ]]
	done
	for c in llm-sample 'llm-sample -q' 'llm-sample -l 3' 'llm-sample -h' 'llm-sample -V'; do
		fails 1 sh -c "$c <logits >/dev/full"
		[[ $stderr = 'llm-sample: stdout: No space left on device' ]]
	done
	for c in llm-detok 'llm-detok -h' 'llm-detok -V'; do
		fails 1 sh -c "$c <tokens >/dev/full"
		[[ $stderr = 'llm-detok: stdout: No space left on device' ]]
	done
}

@test "a closed stdin, a closed stdout, one opened the wrong way round" {
	echo hi | llm-tok "$REPO/m.bin" >tokens
	llm-fwd -1 "$REPO/m.bin" <tokens >logits
	local -A in=([llm-tok]=/dev/zero [llm-fwd]=tokens [llm-sample]=logits [llm-detok]=tokens)
	for p in llm-tok llm-fwd llm-sample llm-detok; do
		local c="$p $REPO/m.bin"
		[ $p != llm-fwd ] || c="$p -1 $REPO/m.bin"
		for how in '<&-' '0>>junk'; do
			# what is ready before the first read may have been written
			run --separate-stderr sh -c "timeout 10 $c $how"
			[ "$status" -eq 1 ]
			[ "$stderr" = "$p: stdin: Bad file descriptor" ]
		done
		for how in '>&-' '1</dev/null'; do
			fails 1 sh -c "timeout 10 $c <${in[$p]} $how"
			[ "$stderr" = "$p: stdout: Bad file descriptor" ]
		done
		run sh -c "timeout 10 $c <&- >&-"
		[ "$status" -eq 1 ]
		run sh -c "timeout 10 $c </dev/null 2>&-" # nothing to say it on, nothing to say
		[ "$status" -le 1 ]
		run --separate-stderr sh -c "timeout 10 $c </"
		[ "$status" -eq 1 ]
		[ "$stderr" = "$p: stdin: Is a directory" ]
	done
}

@test "stderr closed or full: the exit status stays" {
	for how in '2>&-' '2>/dev/full'; do
		for p in llm-tok 'llm-fwd -1' llm-detok; do
			run sh -c "echo 1 | $p missing $how"
			[ "$status" -eq 1 ]
			run sh -c "$p -Y $how"
			[ "$status" -eq 2 ]
		done
	done
}

@test "wrong options: one line, exit 2" {
	for c in '-Y' '-nY' '--' '-t' '-t 0' '-t 1025' '-t -1' '-t x' '-t 2x' '-t ""' '-t 99999999999999999999' '-t 1.5' 'a b' '--help' '-1 -? m' '-n'; do
		for p in llm-tok llm-fwd llm-detok; do
			case "$p $c" in *' --' | 'llm-tok -n' | 'llm-tok -c') continue ;; esac # these are right
			fails 2 sh -c "$p $c </dev/null"
			[[ $stderr = $p:* ]]
		done
	done
	for c in '-Y' '-t x' '-n' 'a b'; do
		fails 2 sh -c "llm-sample $c </dev/null"
	done
}

@test "LLM_KERNELS: an unknown name" {
	run --separate-stderr sh -c "echo 1 | LLM_KERNELS=abacus llm-fwd -1 $REPO/m.bin >/dev/null"
	[ "$status" -eq 1 ]
	[ "${#stderr_lines[@]}" -eq 1 ]
	[[ $stderr = llm-fwd:*abacus* ]]
}

# speaks PROGRAM SCRIPT: of the whole pipeline that program alone says something, one
# line; nothing hangs.
speaks()
{
	run --separate-stderr timeout 20 bash -c "$2"
	[ "$status" -ne 124 ]
	[ "${#stderr_lines[@]}" -eq 1 ] || { echo "stderr: $stderr"; return 1; }
	[[ $stderr = $1:* ]] || { echo "stderr: $stderr"; return 1; }
	[ -z "$output" ] || { echo "stdout: $output"; return 1; }
}

@test "of a pipeline only the program that failed speaks" {
	export M=$REPO/m.bin
	speaks llm-tok 'echo hi | llm-tok missing | llm-fwd $M | llm-sample | llm-detok'
	speaks llm-tok 'echo hi | llm-tok -x | llm-fwd $M | llm-sample | llm-detok'
	speaks llm-fwd 'echo hi | llm-tok $M | llm-fwd missing | llm-sample | llm-detok'
	speaks llm-fwd 'echo hi | llm-tok $M | llm-fwd -t x $M | llm-sample | llm-detok'
	speaks llm-fwd 'echo 1 99999 | llm-fwd $M | llm-sample | llm-detok'
	speaks llm-fwd 'echo once upon a time | llm-fwd $M | llm-sample | llm-detok'
	speaks llm-fwd 'echo hi | llm-tok $M | TMPDIR=/missing llm-fwd $M | llm-sample | llm-detok'
	speaks llm-sample 'echo hi | llm-tok $M | llm-fwd $M | llm-sample -k x | llm-detok'
	speaks llm-sample 'echo hi | llm-tok $M | llm-fwd $M | llm-sample missing | llm-detok'
	speaks llm-detok 'echo hi | llm-tok $M | llm-fwd $M | llm-sample | llm-detok missing'
	speaks llm-detok 'echo hi | llm-tok $M | llm-fwd $M | llm-sample | llm-detok -x'
	speaks llm-sample 'echo hi | llm-tok $M | llm-sample | llm-detok'
	speaks llm-detok 'echo hi | llm-tok $M | llm-fwd -1 $M | llm-detok'
	speaks llm-fwd 'cat $M | llm-fwd $M | llm-sample | llm-detok'
	! ls -d "$TMPDIR"/llm-fwd.* 2>/dev/null
}

@test "a program whose input is empty, because the one before it failed, exits 1" {
	run --separate-stderr bash -c "llm-tok missing | llm-fwd $REPO/m.bin | cat >/dev/null; echo \${PIPESTATUS[*]}"
	[ "$output" = '1 1 0' ]
	run --separate-stderr bash -c "llm-fwd missing </dev/null | llm-sample | llm-detok; echo \${PIPESTATUS[*]}"
	[ "$output" = '1 1 1' ]
	run --separate-stderr bash -c "llm-tok missing | llm-detok; echo \${PIPESTATUS[*]}"
	[ "$output" = '1 1' ]
}

@test "a stream in another model's vocabulary is refused" {
	make_model spm spm.gguf
	make_model bpe bpe.gguf
	speaks llm-fwd 'echo hi | llm-tok spm.gguf | llm-fwd bpe.gguf | llm-sample | llm-detok'
	[[ $stderr = *spm.gguf*bpe.gguf* ]]
	speaks llm-detok 'echo hi | llm-tok spm.gguf | llm-detok bpe.gguf'
	speaks llm-sample 'echo 5 | llm-fwd spm.gguf | llm-sample bpe.gguf | llm-detok'
}

@test "random bytes into every program: no signal" {
	for i in {1..40}; do
		head -c $((i * 50)) /dev/urandom >noise
		{ printf '# llm-tokens 1\n'; cat noise; } >noise.tok
		{ header 5; cat noise; } >noise.rows
		for c in 'llm-tok noise' "llm-tok $REPO/m.bin <noise" "llm-fwd -1 $REPO/m.bin <noise" "llm-fwd -1 $REPO/m.bin <noise.tok" \
			"llm-detok $REPO/m.bin <noise.tok" 'llm-sample <noise' 'llm-sample <noise.rows' 'llm-sample -l 2 <noise.rows'; do
			run timeout 10 sh -c "exec $c"
			[ "$status" -le 1 ] || { echo "$c: $status: $output"; base64 noise; false; }
		done
	done
}
