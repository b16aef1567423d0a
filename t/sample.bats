# llm-sample(1): choosing, listing, recordings, the reply channel, bad input.

load common

setup()
{
	cd_scratch
}

play() # MODE QUESTION... | ...
{
	exec "$PYTHON" "$BATS_TEST_DIRNAME/lib/play_fwd.py" "$@"
}

# Two turns: after token 5 the likeliest is 2, after 2 it is 3, then 0, which ends it; then 1.
recording()
{
	header 4 'eog 0'
	row 0 0 1 1 0 1 8 2
	row 0 1 2 2 0 1 2 9
	row 0 2 3 2 9 1 0 2
	row 0 5 1 1 1 9 0 2
	row 0 6 1 2 9 1 0 2
}

## Choosing

draws()
{
	need_python
	run "$PYTHON" "$BATS_TEST_DIRNAME/lib/draws.py" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "200,000 draws: no step" { draws 1 0 1 0; }
@test "200,000 draws: the defaults" { draws 0.7 40 0.9 0.05; }
@test "200,000 draws: temperature and top-p" { draws 1.5 0 0.8 0; }
@test "200,000 draws: top-k" { draws 1 5 1 0; }
@test "200,000 draws: temperature and min-p" { draws 0.5 0 1 0.1; }
@test "200,000 draws: all steps" { draws 2 10 0.7 0.02; }
@test "200,000 draws: top-k cuts among equals" { draws 1 10 1 0 ties; }
@test "200,000 draws: top-p cuts among equals" { draws 1 0 0.5 0 ties; }
@test "200,000 draws: all equal" { draws 1 7 1 0 flat; }
@test "200,000 draws: 1,000 tokens, some masked" { draws 1 0 0.95 0 wide; }
@test "200,000 draws: 1,000 tokens, few of them chosen" { draws 0.8 40 0.95 0.01 wide; }
@test "200,000 draws: 1,000 tokens, many of them chosen" { draws 3 300 0.99 0.001 wide; }
@test "200,000 draws: greedy among equals" { draws 0 0 1 0 flat; }

# Where there are many, most are left out before any step: by blocks of 256, and of the constraint's.
@test "the likeliest of 50,000, with equals and masked ones: listed, greedy, top-k, beside a mask" {
	need_python
	PYTHONPATH=$REPO/t/lib "$PYTHON" - <<-'END'
		import math, random, subprocess, sys
		from rows import ANSWER, header, row
		r = random.Random(3)
		for width in 50000, 49999, 257, 256, 10241:
		    for step in 0.25, 0.0001:
		        x = [round(r.gauss(0, 3) / step) * step for _ in range(width)]
		        for i in range(0, width, 7):
		            x[i] = -math.inf
		        if width == 10241:  # a bar that whole blocks are below, and one logit in the last block
		            x = [-math.inf] * (width - 1) + [1.0]
		        best = sorted((i for i in range(width) if x[i] > -math.inf), key=lambda i: (-x[i], i))
		        rows = header(width) + row(0, 0, 1, ANSWER, x)
		        def sample(*options):
		            return subprocess.run(['llm-sample', *options], input=rows, stdout=subprocess.PIPE, check=True).stdout
		        for n in 1, 3, 40, 200:
		            got = [int(line.split(b'\t')[3]) for line in sample('-ql', str(n)).splitlines()]
		            assert got == best[:n], (width, step, n)
		        assert sample('-qt', '0').split() == [b'%d' % best[0]], (width, step)
		        drawn = {int(sample('-q', '-t', '5', '-k', '2', '-P', '1', '-m', '0', '-s', str(s))) for s in range(12)}
		        assert drawn <= set(best[:2]), (width, step, drawn)
	END
}

@test "the same seed gives the same text, another seed another" {
	many() { header 8; for i in {1..200}; do row 0 0 1 1 0 1 0 1 0 1 0 1; done; }
	many >rows
	llm-sample -t 2 -s 18446744073709551615 <rows >a
	llm-sample -t 2 -s 18446744073709551615 <rows >b
	llm-sample -t 2 -s 2 <rows >c
	llm-sample -t 2 <rows >d
	llm-sample -t 2 <rows >e
	cmp a b
	! cmp a c
	! cmp d e
}

@test "a sequence draws the same whatever the others do" {
	some() { for i in {1..40}; do row "$1" "$i" 1 1 0 1 0 1 0 1 0 1; done; }
	for s in 0 1 2; do { header 8; some $s; } | llm-sample -qt 2 -s 7 >alone$s; done
	{ header 8; some 0; some 1; some 2; } | llm-sample -qt 2 -s 7 | cmp - <(cat alone0 alone1 alone2)
	! cmp alone0 alone1
	! cmp alone1 alone2
}

@test "-t 0, -k 1, -P 0 and -m 1 take the likeliest, the lowest id among equals" {
	{ header 5; row 0 0 1 1 1 3 3 -inf 3; } >rows
	for o in '-t 0' '-t 0 -k 0 -P 1 -m 0' '-k 1' '-P 0' '-k 0 -P 0'; do
		[ "$(llm-sample -q $o <rows)" = '1 ' ]
	done
	{ header 5; row 0 0 1 1 1 3 4 -inf 3; } >rows
	[ "$(llm-sample -q -k 0 -P 1 -m 1 <rows)" = '2 ' ]
}

@test "a row of -infinity but for one token" {
	{ header 4; row 0 0 1 1 -inf -inf -100000 -inf; } >rows
	for o in '-t 0' '-t 1000' '-t 0.001 -k 0 -P 1 -m 0'; do
		[ "$(llm-sample -q $o <rows)" = '2 ' ]
	done
}

@test "200,000 wide, equal logits and rising ones: no step is slow" {
	need_python
	"$PYTHON" - <<-'END' >rows
		import struct, sys
		n = 200000
		out = sys.stdout.buffer
		out.write(b'llm-logits 1\nrows logits f32le %d\n\n' % n)
		organ = [float(min(i, n - i)) / n for i in range(n)]
		rows = [1.0] * n, [i / n for i in range(n)], [-i / n for i in range(n)], organ, [float(i % 2) for i in range(n)]
		for x in rows: out.write(struct.pack('<4I%df' % n, 0, 0, 0, 1, *x))
	END
	for o in '' '-k 0 -P 1 -m 0' '-k 0 -P 0.5' '-k 100000 -P 0.99'; do
		timeout 5 llm-sample -q $o <rows >out
		[ "$(wc -l <out)" -eq 5 ]
	done
}

## Turns

@test "a recording: a line a turn, ended by an end of generation or the next answer" {
	recording >rows
	[ "$(llm-sample -q -t 0 <rows)" = '2 3 
1 ' ]
	llm-sample -t 0 <rows | head -n 1 | grep -qx '# llm-tokens 1'
}

@test "-n ends a turn, the rest of it is skipped" {
	recording >rows
	[ "$(llm-sample -q -t 0 -n 1 <rows)" = '2 
1 ' ]
	[ "$(llm-sample -q -t 0 -n 2 <rows)" = '2 3 
1 ' ]
}

@test "without an end of generation a turn goes on as it was recorded" {
	recording | sed 's/^eog 0$/eog/' >rows
	[ "$(llm-sample -q -t 0 <rows)" = '2 3 0 
1 0 ' ]
}

@test "a turn that says nothing is an empty line" {
	{ header 2 'eog 0'; row 0 0 1 1 1 0; row 0 1 1 1 1 0; } >rows
	llm-sample -qt 0 <rows >out
	printf '\n\n' | cmp - out
}

@test "a full context ends the turn" {
	{ header 2; row 0 0 1 1 0 1; row 0 1 1 6 0 1; row 1 0 1 1 1 0; } >rows
	[ "$(llm-sample -qt 0 <rows)" = '1 
0 ' ]
	{ header 2; row 0 0 1 5 0 1; } >rows
	llm-sample -qt 0 <rows >out
	echo | cmp - out
}

@test "rows of the prompt are not answered" {
	{ header 2; row 0 0 1 0 0 1; row 0 1 1 0 0 1; row 0 2 0 1 1 0; } >rows
	[ "$(llm-sample -qt 0 <rows)" = '0 ' ]
}

@test "a stream that ends within a turn or without rows: what there is, exit 0" {
	{ header 2; row 0 0 1 0 0 1; } >rows
	llm-sample -q <rows >out
	cmp out /dev/null
	llm-sample -qp <rows >out
	echo '1 ' | cmp - out
	header 2 >rows
	[ "$(llm-sample <rows)" = '# llm-tokens 1' ]
}

@test "the header goes on to the output, unknown keys do not disturb" {
	{ header 2 'model a b.gguf' 'vocab 2 0123456789abcdef' 'what else' 'eog 0'; row 0 0 1 1 0 1; } >rows
	[ "$(llm-sample -t 0 <rows)" = '# llm-tokens 1
# model a b.gguf
# vocab 2 0123456789abcdef
1 ' ]
}

@test "-p writes the prompt before the answer" {
	{
		header 4 'eog 0'
		row 0 0 3 0 0 0 0 9
		row 0 1 2 1 0 0 9 0
		row 0 2 2 2 9 0 0 0
		row 0 3 1 0 0 9 0 0
		row 0 4 3 1 0 9 0 0
		row 1 0 2 1 9 0 0 0
		row 1 0 1 1 9 0 0 0
	} >rows
	[ "$(llm-sample -qpt 0 <rows)" = '3 2 2 
1 3 1 
2 
1 ' ]
}

@test "-p wants a row for every token" {
	{ header 2; row 0 4 1 1 0 1; } >rows
	fails 1 llm-sample -qp <rows
	[[ $stderr = *'position 4 where 0'*'llm-fwd -a'* ]]
	{ header 2; row 0 0 1 0 0 1; row 1 1 1 0 0 1; } >rows
	run --separate-stderr llm-sample -qp <rows
	[ "$status" -eq 1 ]
	[[ $stderr = *'position 1 where 0'* ]]
}

## Lists

@test "-l lists the likeliest of each row" {
	{ header 4; row 0 0 1 0 0 0 -inf 1; row 0 1 3 1 0 0 0 0; row 2 7 3 2 5 -inf -inf -inf; } >rows
	llm-sample -l 3 <rows >out
	printf '# sequence\tposition\trank\tid\tlogprob\tpiece
0\t0\t1\t3\t-0.5514\t\n0\t0\t2\t0\t-1.5514\t\n0\t0\t3\t1\t-1.5514\t
0\t1\t1\t0\t-1.3863\t\n0\t1\t2\t1\t-1.3863\t\n0\t1\t3\t2\t-1.3863\t
2\t7\t1\t0\t0.0000\t\n' | diff - out
	llm-sample -ql 1 <rows >out
	[ "$(cut -f 4 out | tr '\n' ' ')" = '3 0 0 ' ]
}

@test "-l says when the model of the stream is not here" {
	{ header 2 'model gone.gguf' 'eog 1'; row 0 0 1 1 0 1; } >rows
	run --separate-stderr llm-sample -ql 1 <rows
	[ "$status" -eq 0 ]
	[ "$output" = "$(printf '0\t0\t1\t1\t-0.3133\t')" ]
	[[ $stderr = *'gone.gguf'* ]]
}

@test "-l: pieces are escaped as printf %b reads them" {
	need_python
	ln -s "$REPO/m.bin" m.bin
	"$PYTHON" - <<-'END' >rows
		import struct, sys
		sys.stdout.buffer.write(b'llm-logits 1\nmodel m.bin\nrows logits f32le 2048\n\n')
		sys.stdout.buffer.write(struct.pack('<4I2048f', 0, 0, 0, 1, *[-i / 256 for i in range(2048)]))
	END
	llm-sample -ql 259 <rows >out
	{
		printf '<unk>\n<s>\n</s>\n'
		for ((b = 0; b < 256; b++)); do # the pieces of single bytes
			case $b in
			9) echo '\t' ;;
			10) echo '\n' ;;
			92) echo '\\' ;;
			*) if ((b < 32 || b >= 127)); then printf '\\0%03o\n' $b; else printf "\\x$(printf %x $b)\n"; fi ;;
			esac
		done
	} >want
	cut -f 6 out | diff want -
	llm-sample -l 1 "$REPO/m.bin" <rows | tail -n 1 | grep -q 'unk'
}

@test "-l: UTF-8 as it is, controls and halves of characters escaped" {
	need_python
	"$PYTHON" - <<-'END' # a llama2.c tokenizer.bin
		import struct
		pieces = [b'<unk>', b'\n<s>\n', b'\n</s>\n'] + [b'<0x%02X>' % i for i in range(256)] + [
			'café'.encode(), '\x85\x9b'.encode(), b'a\\b\tc\n', b'\xe2\x82', b'\x1b[31m', b'\xed\xa0\x80', '€𝄞'.encode(), b'\xc0\xaf']
		n = len(pieces)
		f = open('tokenizer.bin', 'wb')
		f.write(struct.pack('<I', 27))
		f.write(b''.join(struct.pack('<fI', -i, len(p)) + p for i, p in enumerate(pieces)))
		f = open('rows', 'wb')
		f.write(b'llm-logits 1\nrows logits f32le %d\n\n' % n)
		f.write(struct.pack('<4I%df' % n, 0, 0, 0, 1, *[float(i) for i in range(n)]))
	END
	llm-sample -ql 8 tokenizer.bin <rows | cut -f 6 >out
	cat >want <<-'END'
		\0300\0257
		€𝄞
		\0355\0240\0200
		\0033[31m
		\0342\0202
		a\\b\tc\n
		\0302\0205\0302\0233
		café
	END
	diff want out
}

@test "without the eog key the vocabulary of the model ends a turn" {
	need_python
	ln -s "$REPO/m.bin" m.bin
	"$PYTHON" - <<-'END' >rows
		import struct, sys
		sys.stdout.buffer.write(b'llm-logits 1\nmodel m.bin\nrows logits f32le 2048\n\n')
		for best in 5, 2: sys.stdout.buffer.write(struct.pack('<4I2048f', 0, 0, 0, 1, *[float(i == best) for i in range(2048)]))
	END
	[ "$(llm-sample -qt 0 <rows)" = '5 ' ]
	sed '2s/.*/model gone.x/' <rows >other
	[ "$(llm-sample -qt 0 <other)" = '5 
2 ' ]
	[ "$(llm-sample -qt 0 m.bin <other)" = '5 ' ]
	sed '2s/.*/eog 7/' <rows >other
	[ "$(llm-sample -t 0 m.bin <other | sed -n 2p)" = '# model m.bin' ] # for those behind us
	[ "$(llm-sample -qt 0 m.bin <other)" = '5 
2 ' ]
}

## The loop

@test "live: two turns, each token back and the last one too" {
	need_python
	play talk 1,5 2 | llm-sample -qt 0 >out
	[ "$(cat out)" = '6 7 8 
3 4 5 6 7 8 ' ]
	[ "$(tr '\n' ' ' <replies)" = '6 7 8  3 4 5 6 7 8  ' ]
	play talk 1,5 2 | llm-sample -qt 0 -n 2 >out
	[ "$(cat out)" = '6 7 
3 4 ' ]
	[ "$(tr '\n' ' ' <replies)" = '6 # last 7  3 # last 4  ' ]
	[ -z "$(ls -d llm-fwd.* 2>/dev/null)" ]
}

@test "live and recorded with tee give the same" {
	need_python
	play talk 1,5 2 3,3,3 | tee rows | llm-sample -q -t 3 -s 5 >live
	llm-sample -q -t 3 -s 5 <rows | diff live -
	play talk 1 2 3 4 | tee rows | llm-sample -q -t 3 -n 4 >live -s 5
	llm-sample -q -t 3 -n 4 -s 5 <rows | diff live -
}

@test "live: -p, a full context, -l" {
	need_python
	[ "$(play all 1,5 2 | llm-sample -pqt 0)" = '1 5 6 7 8 
2 3 4 5 6 7 8 ' ]
	run bash -c "'$PYTHON' '$BATS_TEST_DIRNAME/lib/play_fwd.py' talk 1,5 2 | llm-sample -pqt 0"
	[[ $output = *'position 1 where 0'* ]]
	[ "$(play full 1,3 | llm-sample -qt 0)" = '4 5 6 7 8 ' ]
	[ "$(play full 1,2,0 | llm-sample -qt 0)" = '1 2 3 4 ' ]
	play talk 1,5 2 | llm-sample -ql 1 >out
	[ "$(cut -f 2,4 out | tr '\t\n' ': ')" = '1:6 2:3 ' ]
	[ "$(wc -l <replies)" -eq 2 ]
}

@test "live: tokens appear at once, and the newline with the end of the turn" {
	need_python
	mkfifo pipe
	play quiet 1,5 >pipe 3>&- &
	llm-sample -qt 0 <pipe >out 3>&- &
	within 3 test -s replies
	[ "$(cat out)" = '6 ' ]
	kill $!
}

@test "live: the model dies within a turn: the line is finished, exit 0" {
	need_python
	set -o pipefail
	run --separate-stderr bash -c "'$PYTHON' '$BATS_TEST_DIRNAME/lib/play_fwd.py' die 1 |
		llm-sample -qt 0; echo \${PIPESTATUS[1]}"
	[ "$output" = '2 3 
0' ]
	[ -z "$stderr" ]
}

@test "live: a model that does not listen, or answers something else" {
	need_python
	run --separate-stderr bash -c "'$PYTHON' '$BATS_TEST_DIRNAME/lib/play_fwd.py' deaf 1 2 |
		llm-sample -qt 0; echo \${PIPESTATUS[1]}"
	[ "${output##* }" = 1 ]
	[[ $stderr = *'stopped listening'* ]]
	run --separate-stderr bash -c "'$PYTHON' '$BATS_TEST_DIRNAME/lib/play_fwd.py' wrong 1 2 2>/dev/null |
		llm-sample -qt 0; echo \${PIPESTATUS[1]}"
	[ "${output##* }" = 1 ]
	[[ $stderr = *'answers token 3, but 2 was sent'* ]]
}

@test "live: kill -9 of the model ends the sampler" {
	need_python
	mkfifo pipe
	play quiet 1 >pipe 3>&- &
	player=$!
	llm-sample -qt 0 <pipe >out 3>&- &
	sampler=$!
	within 3 test -s replies
	kill -9 $player
	within 1 bash -c "! kill -0 $sampler 2>/dev/null"
	wait $sampler
	[ "$(cat out)" = '2 ' ]
}

@test "the reader goes away while the sampler waits for rows: it ends" {
	mkfifo pipe
	(llm-sample -qt 0 <pipe || echo $? >status) 3>&- | head -n 1 >out 3>&- &
	exec 5>pipe
	{ header 2 'eog 0'; row 0 0 1 1 0 1; row 0 1 1 1 0 1; } >&5
	within 2 test -s status
	exec 5>&-
	[ "$(cat out)" = '1 ' ]
	(llm-sample -q <pipe || echo $? >status2) 3>&- | sleep 0.1 3>&- &
	exec 5>pipe
	within 2 test -s status2 # it had not even got the header
	exec 5>&-
}

@test "-r: the loop closed by hand" {
	mkfifo back rows
	llm-sample -qt 0 -r back <rows >out 3>&- &
	sampler=$!
	exec 5<>back # stands for llm-fwd, so that neither waits for the other
	{ # llm-fwd -a takes the replies from its standard input: no row is a reply
		read -r hello <&5; echo "$hello" >got
		header 4 'eog 0' "reply $PWD/nothing"
		row 0 0 1 0 9 9 9 9
		row 0 1 1 1 0 1 8 2
		read -r id <&5; echo "$id" >>got
		row 0 2 2 1 0 1 2 9
		read -r id <&5; echo "$id" >>got
		row 0 3 3 1 9 1 0 2
	} >rows
	exec 5<&-
	wait $sampler
	[ "$(cat out)" = '2 3 ' ]
	[ "$(tr '\n' ' ' <got)" = '# llm-tokens 1 2 3 ' ]
}

@test "-r: cat back ends with the first turn" {
	mkfifo back rows
	timeout 5 cat back >got 3>&- &
	copy=$!
	exec 5<>rows
	llm-sample -qt 0 -n 1 -r back <rows >out 3>&- 5>&- &
	sampler=$!
	{ header 4; row 0 1 1 1 0 1 8 2; } >&5
	wait $copy
	[ "$(cat got)" = '# llm-tokens 1' ] # nothing is fed that nothing would follow
	row 0 2 2 1 0 1 8 2 >&5
	! wait $sampler 2>err
	exec 5>&-
}

@test "-r: one question at a time" {
	touch back
	{ header 4; row 0 1 1 1 0 1 8 2; row 0 3 2 1 0 1 2 9; } >rows
	run --separate-stderr llm-sample -qt 0 -r back <rows
	[ "$status" -eq 1 ]
	[[ $stderr = *'one question at a time'* ]]
	{ header 4 'eog 2'; row 0 1 1 1 0 1 8 2; row 0 3 2 1 0 1 2 9; } >rows
	run --separate-stderr llm-sample -qt 0 -r back <rows
	[ "$status" -eq 1 ]
	[[ $stderr = *'one question at a time'* ]]
}

@test "-r: the file must exist and be writable" {
	recording >rows
	fails 1 llm-sample -r gone <rows
	[ ! -e gone ]
	fails 1 llm-sample -r . <rows
	fails 1 llm-sample -r '' <rows
}

## The reply path is not trusted

# refused WHY [PATH]: the header names PATH ($dir/reply), and that is an error.
refused()
{
	{ header 4 "reply ${2-$PWD/dir/reply}"; row 0 0 1 1 0 1 8 2; } >rows
	fails 1 llm-sample -t 0 <rows
	[[ $stderr = *"$1"* ]] || { echo "$stderr"; return 1; }
}

recorded() # [PATH]: that is a recording
{
	{ header 4 "reply ${1-$PWD/dir/reply}"; row 0 0 1 1 0 1 8 2; } >rows
	[ "$(llm-sample -qt 0 <rows)" = '2 ' ]
}

private_dir()
{
	mkdir -m 700 dir
}

@test "reply path: gone, or a FIFO that nobody reads: a recording" {
	recorded
	private_dir
	recorded
	mkfifo -m 600 dir/reply
	recorded
	[ "$(ls dir)" = reply ]
	recorded /nowhere/at/all/reply
}

@test "reply path: a FIFO with a reader in a private folder is taken" {
	private_dir
	mkfifo -m 600 dir/reply
	exec 5<>dir/reply
	{ header 4 'eog 3' "reply $PWD//dir//reply"; row 0 0 1 1 0 1 8 2; row 0 1 2 2 0 1 2 8; } >rows
	[ "$(llm-sample -qt 0 <rows)" = '2 ' ]
	read -r -t 2 a <&5
	read -r -t 2 b <&5
	read -r -t 2 c <&5
	exec 5<&-
	[ "$a$b$c" = '# llm-tokens 12' ]
}

@test "reply path: a link to a FIFO, to the folder, or dangling: refused" {
	private_dir
	mkfifo -m 600 dir/fifo
	exec 5<>dir/fifo
	ln -s fifo dir/reply
	refused 'symbolic link'
	ln -s dir link
	mv dir/fifo dir/reply2
	refused 'not in a directory' "$PWD/link/reply2"
	refused 'not in a directory' "$PWD/link//reply2"
	refused 'not a plain path' "$PWD/link/./reply2"
	refused 'not a plain path' "$PWD/dir/../link/../dir/../dir/./reply2"
	refused 'symbolic link' # dangling now
	exec 5<&-
}

@test "reply path: a regular file, a folder, a device, a socket: refused and untouched" {
	private_dir
	echo precious >dir/reply
	refused 'not a FIFO'
	[ "$(cat dir/reply)" = precious ]
	rm dir/reply
	mkdir dir/reply
	refused 'not a FIFO'
	[ "$(id -u)" != 0 ] || refused 'not a FIFO' /dev/null
}

@test "reply path: relative, empty parts, no file: refused" {
	private_dir
	mkfifo -m 600 dir/reply
	exec 5<>dir/reply
	refused 'absolute path' dir/reply
	refused 'absolute path' reply
	refused 'absolute path' "$PWD/dir/"
	refused 'absolute path' "$PWD/dir/."
	refused 'absolute path' "$PWD/dir/.."
	refused 'absolute path' /
	refused 'not in a directory' "$PWD/dir/reply/reply"
	refused '' "/$(printf 'x%.0s' {1..5000})/reply"
	exec 5<&-
}

@test "reply path: a folder that others may write to: refused" {
	private_dir
	mkfifo -m 600 dir/reply
	exec 5<>dir/reply
	chmod 720 dir
	refused 'others may write'
	chmod 702 dir
	refused 'others may write'
	chmod 755 dir
	{ header 4 'eog 3' "reply $PWD/dir/reply"; row 0 0 1 1 0 1 2 8; } >rows
	llm-sample -qt 0 <rows
	exec 5<&-
}

@test "reply path: a FIFO or a folder of another user: refused" {
	need_root
	private_dir
	mkfifo -m 600 dir/reply
	exec 5<>dir/reply
	chown 65534 dir/reply
	refused 'of another user'
	chown 0 dir/reply
	chown 65534 dir
	refused 'of another user'
	exec 5<&-
}

## Bad input

@test "no input: exit 1 in silence" {
	run --separate-stderr llm-sample </dev/null
	[ "$status" -eq 1 ]
	[ -z "$output$stderr" ]
}

@test "not a stream, another version, another kind of rows" {
	echo '1 2 3' >in
	fails 1 llm-sample <in
	head -c 100000 /dev/zero >in
	fails 1 llm-sample <in
	printf 'llm-logits 2\nrows logits f32le 4\n\n' >in
	fails 1 llm-sample <in
	[[ $stderr = *version* ]]
	printf 'llm-logits 1\nrows hidden f32le 4\n\n' >in
	fails 1 llm-sample <in
	printf 'llm-logits 1\n\n' >in
	fails 1 llm-sample <in
	for n in 0 -1 x 99999999999 '' '4 4'; do
		printf 'llm-logits 1\nrows logits f32le %s\n\n' "$n" >in
		fails 1 llm-sample <in
	done
	printf 'llm-logits 1\nvocab 5\nrows logits f32le 4\n\n' >in
	fails 1 llm-sample <in
	[[ $stderr = *contradict* ]]
	for e in 'eog x' 'eog 1 -1' 'eog 1  2' 'vocab x' 'vocab 4 12'; do
		header 4 "$e" >in
		fails 1 llm-sample <in
	done
}

@test "cut anywhere: an error, but not between rows" {
	{ header 3 'eog 0'; row 0 0 1 1 0 1 0; row 0 1 1 2 0 2 0; } >rows
	size=$(wc -c <rows)
	for ((n = 1; n < size; n++)); do
		head -c $n rows >in
		run --separate-stderr llm-sample -qt 0 <in
		if [ $n = $((size - 28)) ] || [ $n = $((size - 56)) ]; then
			[ "$status" -eq 0 ]
		else
			[ "$status" -eq 1 ]
			[ "${#stderr_lines[@]}" -eq 1 ]
		fi
	done
}

@test "NaN, +infinity, nothing but -infinity: an error that names the row" {
	for bad in '0 nan 1' '0 inf 1' '-inf -inf -inf'; do
		{ header 3; row 0 0 1 1 0 9 0; row 2 7 1 1 $bad; } >rows
		for o in '' '-t 0' '-n 1' '-l 2'; do
			run --separate-stderr llm-sample $o <rows
			[ "$status" -eq 1 ]
			[ "${#stderr_lines[@]}" -eq 1 ]
			[[ $stderr = *'row 2 (sequence 2, position 7)'* ]]
		done
	done
}

@test "a stream of a few bytes that promises much allocates little" {
	(ulimit -v 200000 && llm-sample -V) || skip 'an instrumented build maps more than that'
	header 16777216 'eog 1' >in
	(ulimit -v 200000; llm-sample -q <in)
	header 16777216 >in
	row 0 0 1 1 1 2 3 >>in
	run --separate-stderr bash -c 'ulimit -v 200000; llm-sample -q <in'
	[ "$status" -eq 1 ]
	[[ $stderr = *'ends within row 1'* ]]
}

@test "a full disk, a closed stdout, a closed stdin" {
	recording >rows
	[ ! -e /dev/full ] || fails 1 bash -c 'llm-sample <rows >/dev/full'
	[ ! -e /dev/full ] || fails 1 bash -c 'llm-sample -l 2 <rows >/dev/full'
	fails 1 bash -c 'llm-sample <rows >&-'
	fails 1 bash -c 'llm-sample <&-'
	fails 1 bash -c 'llm-sample <.'
}

@test "a model that is none, or of another vocabulary" {
	recording >rows
	fails 1 llm-sample gone.gguf <rows
	fails 1 llm-sample rows <rows
	fails 1 llm-sample "$REPO/m.bin" <rows
	[[ $stderr = *2048* ]]
}

@test "wrong options: one line, exit 2" {
	recording >rows
	for o in -t-1 -t1001 -tx -t -tnan -tinf -t1x -k-1 -k1.5 -k99999999999 -P-0.1 -P1.1 -Pnan -m-1 -m2 \
		-s-1 -s1.5 -sx -s18446744073709551616 -n-1 -nx -n99999999999 -l0 -l-1 -lx -x -r; do
		fails 2 llm-sample $o <rows
	done
	fails 2 llm-sample a b <rows
}

@test "-h and -V" {
	run --separate-stderr llm-sample -h
	[ "$status" -eq 0 ]
	[ "${lines[0]%% -*}" = 'usage: llm-sample [' ] || [[ ${lines[0]} = 'usage: llm-sample'* ]]
	[ -z "$stderr" ]
	run llm-sample -V
	[ "$status" -eq 0 ]
	[[ $output = 'llm-sample (llmutils) '* ]]
	fails 1 bash -c 'llm-sample -h >&-'
}
