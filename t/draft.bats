# draft.bats - guesses ahead of the sampler: faster, and the same stream.

load common

LIMIT="timeout 60"	# nothing here takes that long: it hangs
UNIT=${LLM_UNIT:-$REPO/build/t/unit}
ARCH=$BATS_TEST_DIRNAME/fixtures/arch

setup()
{
	cd_scratch
}

body() # of a stream of logits
{
	sed '1,/^$/d'
}

# The stream that a conversation leaves, and its text.
record() # DRAFTS MODEL OPTION... <questions
{
	local drafts=$1 model=$2
	shift 2
	$LIMIT llm-fwd -d "$drafts" "$model" | tee rows | $LIMIT llm-sample -q "$@" >"text.$drafts"
	body <rows >"rows.$drafts"
}

@test "rows with guesses are those without: one token, several, rewinds, the context's end" {
	[ -x "$UNIT/draft_test" ] || { echo "$UNIT/draft_test is missing: make unit"; return 1; }
	for m in "$REPO/m.bin" "$ARCH/"{phi3-long,gemma2,mixtral}.gguf; do
		echo "$m"
		$LIMIT "$UNIT/draft_test" "$m" >out || { cat out; return 1; }
		[ "$(grep -c '^ok ' out)" -eq 11 ]
	done
}

@test "the same stream and text for any number of guesses, any sampling" {
	printf 'Tell me a story about a bird.\nhi\n\nTom and Tom and Tom and Tom\n' | llm-tok -q >q
	while read -ra options; do
		record 0 "$REPO/m.bin" "${options[@]}" <q
		[ "$(wc -w <text.0)" -ge 60 ]
		for d in 1 7 31; do
			record $d "$REPO/m.bin" "${options[@]}" <q
			cmp rows.0 rows.$d
			cmp text.0 text.$d
		done
	done <<-END
		-n 60 -t 0
		-n 60 -s 2
		-n 60 -s 3 -t 2 -k 0 -P 1 -m 0
	END
}

@test "a context that guesses fill up to its end" {
	echo 1 454 450 261 410 | tee q >/dev/null
	record 0 "$REPO/m.bin" -t 0 <q
	record 7 "$REPO/m.bin" -t 0 <q
	cmp rows.0 rows.7
	[ -z "$(ls -A "$TMPDIR" | grep llm-fwd)" ]
}

@test "a sampler that branches: several ids, rewinds" {
	need_python
	cat >branch.py <<-'END'
		import random, sys
		import sampler
		random.seed(4)
		def row():
		    data, numbers = sampler.row()
		    sys.stdout.buffer.write(data)
		    return numbers
		length = row()[1] + 1
		verse = [random.randrange(3, sampler.width) for _ in range(7)]
		for step in range(120):
		    line, ids = '', [verse[(step + i) % 7] for i in range(random.choice([1, 1, 1, 1, 3]))]
		    if random.random() < 0.1:
		        length = random.randrange(1, length + 1)
		        line = '@%d ' % length
		        ids = random.choice([ids, []])
		    sampler.reply(line + ' '.join(map(str, ids)))
		    for _ in ids or [0]:
		        at = row()
		    length += len(ids)
		    assert at[1] == length - 1 and at[3] & 2
		sampler.reply('')
		assert not row()
	END
	for d in 0 7; do
		echo 1 454 450 261 410 454 450 261 410 | $LIMIT llm-fwd -d $d "$REPO/m.bin" | PYTHONPATH=$REPO/t/lib "$PYTHON" branch.py >rows.$d
	done
	cmp rows.0 rows.7
	[ "$(wc -c <rows.0)" -ge $((120 * 8208)) ]
}

@test "-d: bad numbers" {
	fails 2 llm-fwd -d -1
	fails 2 llm-fwd -d 32
	fails 2 llm-fwd -d x
	[[ $stderr == *-d* ]]
}
