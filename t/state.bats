# llm-fwd -S: the state of a context in a file. The rows are the same bits with it and without.

load common

FIXTURES=$BATS_TEST_DIRNAME/fixtures/arch

setup()
{
	cd_scratch
	export LLM_MODEL=$REPO/m.bin
	echo 'Once upon a time there was a fox. He was very' >doc
	echo 'hungry and wanted to eat.' >question
	echo "$(llm-tok -zq <doc)" >doc.ids
	echo "$(cat doc question | llm-tok -zq)" >all.ids
}

tokens_in()
{
	LC_ALL=C sed -n '/^$/q; s/^tokens //p' "$1"
}

# Number KEY of the header becomes VALUE, in as many bytes.
change() # KEY VALUE FILE
{
	LC_ALL=C sed "1,/^$/s/^$1 .*/$1 $2/" "$3"
}

@test "every architecture: the same bits, from a file, of a part of one, and after a rewind" {
	for m in "$FIXTURES"/*.gguf; do
		echo "$m"
		cut -d ' ' -f 1-30 "${m%.gguf}.ids" >part
		cut -d ' ' -f 1-40 "${m%.gguf}.ids" >whole
		sed 's/ [0-9]*$/ 5/' part >other
		for o in '-k f16' '-k f32' '-k q8'; do
			rm -f s
			llm-fwd -1 $o -S s "$m" <part >/dev/null
			[ "$(tokens_in s)" = 30 ]
			chmod a-w s
			for q in part whole other; do
				llm-fwd -1 $o "$m" <$q >want
				llm-fwd -1 $o -S s "$m" <$q >got 2>err
				cmp want got
				[ ! -s err ]
			done
		done
		# in one process: a sequence that begins as the one before, a line that goes back
		{ cat whole; echo; cat other; echo @20; } | llm-fwd -1 "$m" | sed '1,/^$/d' >got
		{ cat other; echo @20; } | llm-fwd -1 "$m" | sed '1,/^$/d' >want
		tail -c "$(wc -c <want)" got | tail -c +5 >got1 # but for the number of the sequence
		n=$(($(wc -c <want) / 2))
		cmp <(tail -c +5 want | head -c $((n - 4))) <(head -c $((n - 4)) got1)
		cmp <(tail -c $((n - 4)) want) <(tail -c $((n - 4)) got1)
	done
}

@test "what the file holds is used: other numbers in it give other logits" {
	llm-fwd -1S s <doc.ids >/dev/null
	at=$(sed -n '/^$/q; s/^data //p' s)
	head -c 100000 /dev/zero | tr '\0' '\1' | dd of=s bs=1 seek="$at" conv=notrunc status=none
	! cmp -s <(llm-fwd -1S s <all.ids) <(llm-fwd -1 <all.ids)
}

@test "the file holds the context at the end of a turn, the answer too" {
	llm-fwd -S s <doc.ids | llm-sample -t 0 -n 8 >answer
	n=$(($(wc -w <doc.ids) + 8))
	[ "$(tokens_in s)" = $n ]
	# and another process goes on where that one was
	{ tr -d '\n' <doc.ids; echo " $(grep -v '^#' answer) 1990 264"; } >next
	llm-fwd -1 <next >want
	llm-fwd -1S s <next | cmp - want
	[ "$(tokens_in s)" = $((n + 2)) ]
	[ "$(stat -c %a s)" = 600 ]
}

@test "turns, sequences and rows for all tokens: the same stream" {
	{ cat doc.ids; echo 264 1643; echo; cat all.ids; echo @3 5 6; echo; } >lines
	for o in -1 -1a -1e; do
		llm-fwd $o <lines >want
		llm-fwd $o -S s <lines | cmp - want
		llm-fwd $o -S s <lines | cmp - want
	done
}

@test "written when nobody waits, not for each of many turns" {
	mkfifo in
	llm-fwd -1S s <in >/dev/null 3>&- &
	exec 9>in
	cat doc.ids >&9
	within 5 test -e s
	[ "$(tokens_in s)" = "$(wc -w <doc.ids)" ]
	echo 264 >&9
	within 5 eval '[ "$(tokens_in s)" = $(($(wc -w <doc.ids) + 1)) ]'
	exec 9>&-
	wait $!
}

@test "a file that nobody may write is used and stays" {
	llm-fwd -1S s <doc.ids >/dev/null
	chmod a-w s
	cp s before
	llm-fwd -1S s <all.ids | cmp - <(llm-fwd -1 <all.ids)
	cmp s before
	# nor one that holds all there is
	chmod u+w s
	touch -d 2001-01-01 s
	cut -d ' ' -f 1-4 doc.ids | llm-fwd -1S s >/dev/null
	[ "$(date -r s +%Y)" = 2001 ]
}

@test "what does not fit is said and replaced" {
	llm-fwd -1S s <doc.ids >/dev/null
	for how in '-k f32' '-L one' "-L one=0.5 -k f32"; do
		case $how in *one*) m=$REPO/t/fixtures/adapter/llama/base.gguf ;; *) m=$LLM_MODEL ;; esac
		how=${how/one/$REPO/t/fixtures/adapter/llama/one}
		echo 1 2 3 4 5 | llm-fwd -1 $how "$m" >want
		echo 1 2 3 4 5 | llm-fwd -1 $how -S s "$m" 2>err | cmp - want
		grep -q "^llm-fwd: s: of another model, other options or another version: it is not used, and will be replaced$" err
		echo 1 2 3 4 5 6 | llm-fwd -1 $how -S s "$m" 2>err >/dev/null
		[ ! -s err ]
	done
	# another model of the same shape: one weight matrix differs
	need_python
	"$PYTHON" - "$LLM_MODEL" <<-'END'
		import sys
		b = bytearray(open(sys.argv[1], 'rb').read())
		b[-100:] = bytes(b ^ 1 for b in b[-100:])
		open('m2.bin', 'wb').write(b)
	END
	llm-fwd -1S s2 <doc.ids >/dev/null
	llm-fwd -1S s2 m2.bin <doc.ids 2>err | cmp - <(llm-fwd -1 m2.bin <doc.ids)
	grep -q 'it is not used' err
}

@test "a context that outgrows what is mapped" {
	need_python
	"$PYTHON" -c 'import random; random.seed(2); print(*(random.randrange(3, 90) for _ in range(1700)))' >long
	cut -d ' ' -f 1-400 long >part
	m=$FIXTURES/falcon.gguf
	llm-fwd -1S s "$m" <part >/dev/null
	[ "$(LC_ALL=C sed -n '/^$/q; s/^room //p' s)" -lt 1700 ]
	llm-fwd -1S s "$m" <long | cmp - <(llm-fwd -1 "$m" <long)
	[ "$(tokens_in s)" = 1700 ]
	llm-fwd -1S s "$m" <long | cmp - <(llm-fwd -1 "$m" <long)
}

@test "several at once: right answers, one whole file, nothing left behind" {
	llm-fwd -1S s <doc.ids >/dev/null
	for i in 1 2 3 4 5 6; do
		echo "$(tr -d '\n' <doc.ids) $i" >q$i
		llm-fwd -1S s <q$i >got$i 2>err$i &
	done
	wait
	for i in 1 2 3 4 5 6; do
		llm-fwd -1 <q$i | cmp - got$i
		[ ! -s err$i ]
	done
	[ "$(tokens_in s)" = $(($(wc -w <doc.ids) + 1)) ]
	llm-fwd -1S s <all.ids | cmp - <(llm-fwd -1 <all.ids)
	[ "$(echo s.*)" = 's.*' ]
}

@test "where it cannot be written: the answer comes, a line says why, exit 1, the old file stays" {
	run --separate-stderr bash -c 'llm-fwd -1S no/s <doc.ids >got'
	[ "$status" -eq 1 ]
	[ "$stderr" = 'llm-fwd: no/s: the state cannot be written: No such file or directory' ]
	llm-fwd -1 <doc.ids | cmp - got
	llm-fwd -1S s <doc.ids >/dev/null
	cp s before
	run --separate-stderr bash -c 'trap "" XFSZ; ulimit -f 2; llm-fwd -1S s <all.ids | cat >/dev/null; exit ${PIPESTATUS[0]}'
	[ "$status" -eq 1 ]
	[[ $stderr == 'llm-fwd: s: the state cannot be written: '* ]]
	cmp s before
	[ "$(echo s.*)" = 's.*' ]
}

@test "what is no state is an error and stays" {
	cp doc x
	fails 1 llm-fwd -1S x <doc.ids
	[[ $stderr == 'llm-fwd: x: not a state of llm-fwd; it is left as it is' ]]
	cmp doc x
	fails 1 llm-fwd -1S . <doc.ids
	fails 1 llm-fwd -1S /dev/null <doc.ids
	: >empty
	llm-fwd -1S empty <doc.ids | cmp - <(llm-fwd -1 <doc.ids)
	[ -s empty ]
}

@test "damaged files: one line, exit 1" {
	llm-fwd -1S s <doc.ids >/dev/null
	size=$(wc -c <s)
	for n in 1 11 12 40 130 200 1000 5000 $((size - 1)); do
		head -c $n s >x
		fails 1 llm-fwd -1S x <all.ids
		[[ $stderr == 'llm-fwd: x: '* ]]
	done
	(cat s; echo) >x
	fails 1 llm-fwd -1S x <all.ids
	for bad in 'tokens 0' 'tokens 513' 'tokens -1' 'tokens 99999999999999999999' 'tokens x' 'tokens' 'room 0' 'room 255' \
		'room 1024' 'room 18446744073709551360' 'arrays 41' 'arrays 0' 'array_bytes 0' 'array_bytes 18446744073709551552' \
		'data 0' 'data 4095' 'data 18446744073709551552'; do
		echo "$bad"
		LC_ALL=C sed "1,/^$/s/^${bad% *} .*/$bad/" s >x
		fails 1 llm-fwd -1S x <all.ids
		[[ $stderr == *'damaged'*'remove it' ]]
	done
	LC_ALL=C sed '1s/1$/2/' s >x
	fails 1 llm-fwd -1S x <all.ids
	[[ $stderr == *'another version'* ]]
	# a token that the vocabulary lacks
	end=$(LC_ALL=C sed '/^$/q' s | wc -c)
	cp s x
	printf '\377\377\377\177' | dd of=x bs=1 seek="$end" conv=notrunc status=none
	fails 1 llm-fwd -1S x <all.ids
	[[ $stderr == *'token id 2147483647'* ]]
}

@test "numbers that are none in the file do not harm" {
	llm-fwd -1S s <doc.ids >/dev/null
	at=$(sed -n '/^$/q; s/^data //p' s)
	head -c $(($(wc -c <s) - at)) /dev/zero | tr '\0' '\377' | dd of=s bs=65536 seek="$at" oflag=seek_bytes conv=notrunc status=none
	llm-fwd -1S s <all.ids | wc -c >n
	[ "$(cat n)" = "$(llm-fwd -1 <all.ids | wc -c)" ]
}

@test "a state is of a whole model" {
	fails 2 llm-fwd -S s -l 0:2
	[[ $stderr == *'-S: a state is of a whole model'* ]]
	fails 2 llm-fwd -S s -l 2:
	fails 2 llm-fwd -S s -x
	llm-fwd -1S s -l 0:5 <doc.ids | cmp - <(llm-fwd -1 <doc.ids)
}
