# llm-sample -S and -a: log-probabilities as notes.

load common

setup()
{
	cd_scratch
}

play()
{
	exec "$PYTHON" "$BATS_TEST_DIRNAME/lib/play_fwd.py" "$@"
}

@test "-S: each token fed with what the row before it gave, computed here" {
	need_python
	PYTHONPATH=$BATS_TEST_DIRNAME/lib "$PYTHON" - <<-'END'
		import math, random, struct
		from rows import ANSWER, REPLY, header, row
		r = random.Random(5)
		rows, want, last = [header(50)], [], None
		def feed(sequence, position, token, flags):
		    x = [struct.unpack('<f', struct.pack('<f', r.gauss(0, 9)))[0] for _ in range(50)]
		    x[::7] = [-math.inf] * len(x[::7])
		    rows.append(row(sequence, position, token, flags, x))
		    note = ''
		    if last and last[0] == sequence and last[1] + 1 == position:
		        top = max(last[2])
		        p = last[2][token] - top - math.log(math.fsum(math.exp(v - top) for v in last[2]))
		        note = '/-inf' if p == -math.inf else '/%.4f' % p
		    want.append('%d%s ' % (token, note))
		    return sequence, position, x
		last = feed(0, 0, 1, 0)
		for i in range(1, 40):
		    last = feed(0, i, r.randrange(50), ANSWER if i % 10 == 9 else 0)
		    if i % 10 == 9: want.append('\n')
		want.append('@7 ')  # rewound
		for i in range(7, 10): last = feed(0, i, 49, ANSWER if i == 9 else 0)
		want.append('\n')
		for i in range(10, 13): last = feed(0, i, 3, REPLY)  # an answer
		want.append('\n')
		for i in range(13, 15): last = feed(0, i, 4, ANSWER if i == 14 else 0)
		want.append('\n\n')
		for i in 3, 4, 6: last = feed(7, i, 5, ANSWER if i == 6 else 0)  # a gap
		want.append('\n')
		last = feed(7, 7, 6, 0)  # a line cut short
		want.append('\n')
		open('rows', 'wb').write(b''.join(rows))
		open('want', 'w').write(''.join(want))
	END
	llm-sample -qS <rows | sed 's/-0\.0000/0.0000/' | diff want -
}

@test "-S: the text comes back" {
	printf 'Once upon a time\nthere was  a fox.\n\nhi\nho\n' >text
	llm-tok <text | llm-fwd -1a | llm-sample -S | llm-detok | cmp text -
}

@test "-pa writes what -S finds in the recording" {
	printf 'Once upon\nhi\n\nho\n' | llm-tok | llm-fwd -a | tee rows | llm-sample -qpas 3 -n 6 >live
	llm-sample -qS <rows | grep . | tr -d '\n' >scored
	tr -d '\n' <live | cmp scored -
	[ "$(grep -o / live | wc -l)" -gt 12 ]
	llm-sample -qas 3 -n 6 <rows | sed 's,/[^ ]*,,g' >without
	llm-sample -qs 3 -n 6 <rows | cmp without -
}

@test "-a: the model's own probability, whatever the options" {
	{ header 4; row 0 0 1 1 3 2 1 0; } >rows
	for o in '-t 0' '-t 0.1 -k 1' '-P 0' '-m 1'; do
		[ "$(llm-sample -qa $o <rows)" = '0/-0.4402 ' ]
	done
}

@test "-S: a live turn is over at once, nothing is sent" {
	need_python
	[ "$(play all 1,5 2 | llm-sample -qS | sed 's,/[^ ]*,/,g')" = '1 5/ 
2/ ' ]
	[ "$(tr '\n' ';' <replies)" = ';;' ]
}

@test "-S and -l: one of the two; -S wants logits as sampling does" {
	fails 2 llm-sample -S -l 3 </dev/null
	{ header 2; row 0 0 1 1 0 nan; } >rows
	run --separate-stderr llm-sample -qS <rows
	[ "$status" -eq 1 ]
	[[ $stderr = *'row 1 '*'NaN'* ]]
}
