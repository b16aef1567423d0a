# sequences.bats - several sequences at once: the same text as one at a time.

load common

LIMIT="timeout 60"	# nothing here takes that long: it hangs
UNIT=${LLM_UNIT:-$REPO/build/t/unit}
ARCH=$BATS_TEST_DIRNAME/fixtures/arch

setup()
{
	cd_scratch
}

@test "sequences in one pass have the rows that they have alone" {
	[ -x "$UNIT/beside_test" ] || { echo "$UNIT/beside_test is missing: make unit"; return 1; }
	for m in "$REPO/m.bin" "$ARCH/"{phi3-long,gpt2,gemma3,olmoe,gpt-oss}.gguf; do
		echo "$m"
		$LIMIT "$UNIT/beside_test" "$m"
	done
}

questions()
{
	printf '%s\n' 'Tell me a story about a bird.' '' hi 'What then?' 'And then?' '' 'A fox' '' '' 'Tom and Tom and Tom' '' \
		'Once upon a time' 'The end' '' x
}

# The answers to q with the sequences in flight one by one, and so many at once.
same_text() # AT_ONCE OPTION...
{
	local at_once=$1
	shift
	$LIMIT llm-fwd $fwd_options <q | $LIMIT llm-sample "$@" >want
	$LIMIT llm-fwd $fwd_options -j "$at_once" <q | $LIMIT llm-sample "$@" >got
	cmp want got
}

@test "-j: the same text, in the order of the questions" {
	questions | llm-tok >q
	for at_once in 2 3 8; do
		same_text $at_once -t 0 -n 40
		same_text $at_once -s 5 -n 60
		same_text $at_once -s 9
		fwd_options=-a same_text $at_once -s 2 -p -n 20
		fwd_options=-a same_text $at_once -S
	done
	[ "$(wc -l <want)" -ge 8 ]
	[ -z "$(ls -A "$TMPDIR" | grep llm-fwd)" ]
}

@test "-j: many more sequences than are in flight, of all lengths" {
	for i in {1..60}; do
		printf '%s ' $(seq 3 $((3 + i * 37 % 150)))
		printf '\n\n'
	done >q
	same_text 7 -s 4 -n 12
	[ "$(grep -vc '^#' want)" -eq 60 ]
}

@test "-j: rows of each sequence are those it has alone; without a sampler, too" {
	need_python
	questions | llm-tok >q
	llm-fwd -1 -a <q | sed '1,/^$/d' >want
	llm-fwd -1 -a -j 4 <q | sed '1,/^$/d' >got
	cat >sort.py <<-'END'
		import sys
		data, size = open(sys.argv[1], 'rb').read(), 16 + 4 * 2048
		rows = [data[i:i + size] for i in range(0, len(data), size)]
		for row in sorted(rows, key=lambda r: int.from_bytes(r[:4], 'little')):
		    sys.stdout.buffer.write(row[:12] + bytes([row[12] & ~32]) + row[13:])
	END
	"$PYTHON" sort.py got | cmp - want
}

@test "-j: what ends and what constrains an answer is each sequence's own" {
	questions | llm-tok >q
	printf 'root ::= item{3}\nitem ::= "- The " [a-z ]{1,40} ".\\n"\n' >list.gbnf
	echo '{ "type": "object", "properties": { "age": { "type": "integer", "maximum": 9 }, "pet": { "enum": ["hen", "dog"] } },
		"required": ["age", "pet"] }' >pet.json
	while read -r options; do
		eval "same_text 4 -s 6 $options"
		[ "$(grep -vc '^#' want)" -ge 8 ]
	done <<-'END'
		-n 60 -u . -u ' and'
		-n 60 -N 1 -a
		-e '[A-Z][a-z]{3,12}, (yes|no)!'
		-n 50 -g list.gbnf
		-j pet.json
		-n 30 -e '[a-z ]+' -u e
	END
}

@test "-j: a sampler that cannot tell sequences apart gets one at a time" {
	need_python
	cat >old.py <<-'END'
		import sampler
		said = 0
		while numbers := sampler.row()[1]:
		    flags, *x = numbers[3:]
		    said = 0 if flags & 1 else said + 1
		    token = x.index(max(x))
		    if said > 9:
		        continue
		    if said == 9 or token == 2:
		        sampler.reply('')
		        print(flush=True)
		        said = 99
		    else:
		        print(token, end=' ')
		        sampler.reply(str(token))
	END
	printf 'Tell me a story\n\nhi\n\nA fox\nand\n' | llm-tok >q
	llm-fwd <q | llm-sample -q -t 0 -n 9 | tr -s ' ' >want
	$LIMIT llm-fwd -j 3 <q | PYTHONPATH=$REPO/t/lib $LIMIT "$PYTHON" old.py | tr -s ' ' >got
	diff want got
}

@test "-j: a user who types is answered at once" {
	mkfifo in
	$LIMIT llm-tok <in | $LIMIT llm-fwd -j 4 | $LIMIT llm-sample -t 0 -n 5 | $LIMIT llm-detok >out &
	exec 4>in
	lines_are() { [ "$(wc -l <out)" -eq "$1" ]; }
	echo hi >&4
	within 10 lines_are 1
	echo 'What then?' >&4
	within 10 lines_are 2
	printf '\nA fox\n' >&4
	within 10 lines_are 3
	exec 4>&-
	wait
}

@test "-j: an error in a line is told behind the answers to those before it" {
	for bad in '5 x' '9999' '@900 4' "$(seq -s ' ' 3 600)"; do
		printf '1 271 1976\n\n1 454\n1 5\n\n%s\n\n1 7\n' "$bad" >q
		status=0
		llm-fwd <q 2>err.want | llm-sample -t 0 -n 20 >want || true
		llm-fwd -j 4 <q 2>err.got | llm-sample -t 0 -n 20 >got || true
		cat err.got
		cmp want got
		[ "$(wc -l <err.got)" -eq 1 ]
		cmp err.want err.got
	done
}

@test "-j: contexts that fill up, each by itself" {
	printf '1 271 1976\n\n1 454\n\n1 5 7\n' >q
	same_text 3 -s 1 -t 2 -k 0 -P 1 -m 0 -b 2=-100 # never over by itself
	[ "$(grep -v '^#' want | wc -w)" -ge 900 ]
}

@test "-j: whoever is killed, all end" {
	questions | llm-tok >q
	for victim in llm-fwd llm-sample; do
		{ cat q; exec sleep 60; } 2>/dev/null | llm-fwd -j 3 | llm-sample -t 0 | cat >out &
		within 10 test -s out
		kill -9 "$(pgrep -n -x "$victim" -s 0)"
		gone() { ! pgrep -x 'llm-(fwd|sample)' -s 0 >/dev/null; }
		within 10 gone
	done
	[ -z "$(ls -A "$TMPDIR" | grep llm-fwd)" ]
}

@test "-j: bad numbers, and stages" {
	fails 2 llm-fwd -j 0
	fails 2 llm-fwd -j 257
	fails 2 llm-fwd -j 2 -l 0:3 "$REPO/m.bin"
	fails 2 llm-fwd -j 2 -l 3: "$REPO/m.bin"
	printf 'llm-logits 1\nrows logits f32le 2\nsequences 0\n\n' >x
	fails 1 llm-sample <x
}

@test "a stream that begins sequences without end is refused" {
	need_python
	"$PYTHON" -c "if True:
	import struct, sys
	sys.stdout.buffer.write(b'llm-logits 1\nrows logits f32le 2\nsequences 2\n\n' + struct.pack('<4I2f', 4000000000, 0, 1, 1, 0, 1))
	" >x
	fails 1 $LIMIT llm-sample -q <x
	[[ $stderr == *4000000000* ]]
}
