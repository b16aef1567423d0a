# Rows as text: llm-sample -w writes them, every reader of rows takes them.

load common

setup()
{
	cd_scratch
}

# AWK: how to run awk(1) so that it does not hold back what comes in: mawk does.
live_awk()
{
	AWK=awk
	! awk -W version </dev/null 2>/dev/null | grep -q ^mawk || AWK='awk -W interactive'
}

@test "floats: the fewest digits that give back the same bits, nine at most" {
	need_python
	"$PYTHON" - <<-'END' >rows
		import random, struct, sys
		r = random.Random(3)
		f = lambda v: struct.unpack('<I', struct.pack('<f', v))[0]
		bits = [r.getrandbits(32) for _ in range(20000)]  # all sizes, subnormal ones, NaN
		bits += [f(r.gauss(0, 10)) for _ in range(40000)] + [f(10 ** r.uniform(-6, 10)) for _ in range(20000)]
		bits += [f(s * 10.0 ** e) for e in range(-37, 39) for s in (1, -1)] + [f(float(i)) for i in range(2000)]
		bits += [f(2.0 ** e) + d for e in range(-20, 31) for d in (-1, 0, 1)] + [0, 1 << 31, 0x7f800000, 0xff800000]
		sys.stdout.buffer.write(b'llm-logits 1\nrows embedding f32le %d\nwhat else\n\n' % len(bits))
		sys.stdout.buffer.write(struct.pack('<4I', 1, 2, 3, 4) + struct.pack('<%dI' % len(bits), *bits))
	END
	llm-sample -w <rows >text
	[ "$(sed -n 3p text)" = 'what else' ]
	"$PYTHON" - <<-'END'
		import re, struct
		head, body = open('rows', 'rb').read().split(b'\n\n', 1)
		x = struct.unpack('<%df' % (len(body) // 4 - 4), body[16:])
		row = open('text').read().split('\n\n', 1)[1]
		assert row[-1] == '\n' and row.count('\n') == 1
		row = row[:-1].split('\t')
		assert row[:4] == ['1', '2', '3', '4'] and len(row) == 4 + len(x)
		digits = lambda s: len(re.sub(r'e.*|[-.]', '', s).strip('0'))
		for s, v in zip(row[4:], x):
		    if v != v:
		        assert 'nan' in s
		        continue
		    assert struct.pack('<f', float(s)) == struct.pack('<f', v), (s, v)
		    short = next(t for t in ('%.*g' % (p, v) for p in range(1, 10)) if struct.pack('<f', float(t)) == struct.pack('<f', v))
		    assert digits(s) <= digits(short), (s, short)
	END
	llm-sample -w <text | cmp text -
}

@test "sampled, scored, listed from text as from the binary rows" {
	printf 'Once upon\nhi\n\nho\n' | llm-tok | llm-fwd -a | tee rows | llm-sample -w >text
	sed '1,/^$/!d' rows | sed 's/f32le/text/' | diff - <(sed '/^$/q' text)
	for o in '-s 1' '-S' '-l 3' '-pas 2' '-w'; do
		llm-sample $o <rows >a
		llm-sample $o <text | cmp a -
	done
}

@test "the loop goes through a filter in awk" {
	live_awk
	echo hi | llm-tok | llm-fwd | llm-sample -t 0 -n 8 >want
	echo hi | llm-tok | llm-fwd | llm-sample -w |
		$AWK '{ print; fflush() }' | llm-sample -t 0 -n 8 | cmp want -
	first=$(sed -n '4s/ .*//p' want)
	echo hi | llm-tok | llm-fwd | llm-sample -w | $AWK -F '\t' -v OFS='\t' -v "id=$first" '
		NF > 4 { $(id + 5) = "-inf" } { print; fflush() }' | llm-sample -qt 0 -n 8 >out
	[ "$(wc -w <out)" -eq 8 ]
	! grep -qw "$first" out
}

@test "hidden states as text between two stages" {
	printf 'Once upon a time\nhi\n' | llm-tok >q
	llm-fwd -1a <q | sed '1,/^$/d' >want
	llm-fwd -1a -l 0:2 <q | llm-sample -w | llm-fwd -1a -l 2:4 | llm-sample -w | llm-fwd -1a -l 4: |
		sed '1,/^$/d' | cmp want -
	llm-fwd -ea <q | llm-sample -w | grep -q '^rows embedding text 256$'
}

bad() # WHAT LINE...: rows of two floats that are refused so
{
	local what=$1
	shift
	{ printf 'llm-logits 1\nrows logits text 2\n\n'; printf '%b' "$@"; } >in
	run --separate-stderr llm-sample -q <in
	[ "$status" -eq 1 ]
	[ "$stderr" = "llm-sample: stdin: $what" ] || { echo "$stderr"; return 1; }
}

@test "bad text" {
	few='has fewer than 6 fields: four numbers and 2 floats, divided by tabs'
	bad "row 1 $few" '0\t0\t1\t1\t5\n'
	bad "row 1 $few" '\n'
	bad "row 2 ${few/fewer/more}" '0\t0\t1\t1\t5\t6\n' '0\t0\t1\t1\t5\t6\t7\n'
	bad "row 1: '-1' is not a whole number up to 4294967295" '-1\t0\t1\t1\t5\t6\n'
	bad "row 1: '4294967296' is not a whole number up to 4294967295" '0\t4294967296\t1\t1\t5\t6\n'
	bad "row 1: '0x1' is not a number" '0\t0\t1\t1\t5\t0x1\n'
	bad "row 1: '' is not a number" '0\t0\t1\t1\t\t6\n'
	bad "row 1: ' 5' is not a number" '0\t0\t1\t1\t 5\t6\n'
	bad "row 1: '6?' is not a number" '0\t0\t1\t1\t5\t6\r\n'
	bad "row 1: '6?' is not a number" '0\t0\t1\t1\t5\t6\0000\n'
	bad "row 1: '1e39' is more than a float holds; -inf masks a token" '0\t0\t1\t1\t5\t1e39\n'
	bad "the stream ends within row 1" '0\t0\t1\t1\t5\t6'
	bad "the stream ends within row 1" '0'
	bad "row 1: '$(printf '5%.0s' {1..63})...' is too long for a number" "0\t0\t1\t1\t$(printf '5%.0s' {1..99})\t6\n"
	bad "row 1 (sequence 0, position 0): a logit is NaN or infinite: the model or a filter is broken" '0\t0\t1\t1\t5\tinf\n'
	printf 'llm-logits 1\nrows logits TEXT 2\n\n' >in
	fails 1 llm-sample <in
	[[ $stderr = *"rows of 'logits TEXT 2'; this program reads 'logits f32le' or 'logits text'" ]]
}

@test "good text: signs, exponents, infinities as awk(1) writes them, 1e-50 is 0" {
	{ printf 'llm-logits 1\nrows logits text 6\n\n'; printf '0\t0\t1\t1\t-inf\t+1.5\t1e-50\t-Inf\t.5\t1.4E+00\n'; } >in
	llm-sample -w <in | tail -n 1 | diff - <(printf '0\t0\t1\t1\t-inf\t1.5\t0\t-inf\t0.5\t1.4\n')
	[ "$(llm-sample -qt 0 <in)" = '1 ' ]
}

@test "-w, -l and -S: one of them" {
	fails 2 llm-sample -w -l 3 </dev/null
	fails 2 llm-sample -Sw </dev/null
}
