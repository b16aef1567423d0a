# choose.bats - llm-sample(1): further steps of choosing, biases, and what ends a turn.

load common

setup()
{
	cd_scratch
	ln -s "$REPO/m.bin" m.bin
}

steps() # DRAWS OPTIONS [ID...]
{
	need_python
	run "$PYTHON" "$BATS_TEST_DIRNAME/lib/steps.py" "$@"
	echo "$output"
	[ "$status" -eq 0 ]
}

fed="3 5 9 3 5 9 9 1 3 5"

@test "100,000 draws: typical" { steps 100000 typical=0.8; }
@test "100,000 draws: typical, few of them" { steps 100000 typical=0.3; }
@test "100,000 draws: XTC, half the time" { steps 100000 xtc=0.5,xtc-least=0.05; }
@test "100,000 draws: XTC, always" { steps 100000 xtc=1,xtc-least=0.02; }
@test "100,000 draws: typical, XTC and a temperature" { steps 100000 typical=0.9,xtc=0.5,temperature=0.6; }
@test "100,000 draws: mirostat's first" { steps 100000 mirostat=3,temperature=1.5; }
@test "20,000 draws: repeat" { steps 20000 repeat=1.5 $fed; }
@test "20,000 draws: frequency" { steps 20000 frequency=0.7 $fed; }
@test "20,000 draws: presence" { steps 20000 presence=1.1 $fed; }
@test "20,000 draws: all three, of the last four tokens" { steps 20000 repeat=1.2,frequency=0.4,presence=-0.5,last=4 $fed; }
@test "20,000 draws: DRY" { steps 20000 dry=1 $fed; }
@test "20,000 draws: DRY, another base and length" { steps 20000 dry=0.5,dry-base=3,dry-length=1 $fed; }
@test "20,000 draws: DRY, of the last five tokens" { steps 20000 dry=2,last=5 $fed; }

@test "random rows, wide and narrow, with random steps and biases" {
	need_python
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/anysteps.py" 60 500
}

@test "mirostat: the bound follows the draws, the mean is the aim" {
	need_python
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/mirostat.py" 3 0.1
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/mirostat.py" 5 0.5
}

# Likeliest after any of tokens 0 to 3: 1, then 2.
flat()
{
	header 4
	for token in "$@"; do row 0 $((at++)) $token 0 0 8 7 0; done
	row 0 $at 3 1 0 8 7 0
}

# after KEY ID...: rows of m.bin's vocabulary behind these tokens; the likeliest to come is always 287.
after()
{
	printf 'llm-logits 1\n%srows logits text 2048\neog 2\n\n' "$1"
	shift
	awk -v ids="$*" 'BEGIN {
		n = split(ids, id, " ")
		for (t = 1; t <= n; t++) {
			printf "0\t%d\t%d\t%d", t - 1, id[t], t == n
			for (i = 0; i < 2048; i++) printf "\t%d", i == 287 ? 5 : 0
			print ""
		}
	}'
}

@test "DRY: a repetition costs, and none is seen beyond a newline" {
	dry() { after "$@" | llm-sample -qt 0 -n 1 -o dry=100,dry-length=1; }
	named=$'model m.bin\n'
	[ "$(dry "$named" 400 287 400)" = "0 " ]
	[ "$(dry "$named" 400 287 401)" = "287 " ]
	[ "$(dry "$named" 400 13 287 400 13)" = "287 " ] # 13 is a newline
	[ "$(dry '' 400 13 287 400 13)" = "0 " ] # without a vocabulary, a token like others
}

# Of 20,000 tokens, those that were fed, 1 to 50, are the likeliest by far; then 11000, then 12000.
@test "many tokens: the likeliest behind those that became less likely" {
	awk 'BEGIN {
		print "llm-logits 1\nrows logits text 20000\n"
		for (t = 1; t <= 50; t++) {
			printf "0\t%d\t%d\t%d", t - 1, t, t == 50
			for (i = 0; t < 50 && i < 20000; i++) printf "\t0"
			for (i = 0; t == 50 && i < 20000; i++) printf "\t%s", i == 11000 ? 9 : i == 12000 ? 8 : i && i < 51 ? 10 + i / 10 : 0
			print ""
		}
	}' >rows
	most() { llm-sample -qt 0 "$@" <rows; }
	[ "$(most)" = "50 " ]
	[ "$(most -o repeat=3)" = "11000 " ]
	[ "$(most -o frequency=7)" = "11000 " ]
	[ "$(most -o presence=9 -b 11000=-2)" = "12000 " ]
	[ "$(most -o presence=9 -b 12000=2)" = "12000 " ]
	[ "$(most -o presence=9,last=49)" = "1 " ]
	[ "$(most -o presence=-9)" = "50 " ]
	[ "$(most -b 50=-6 -b 49=-inf)" = "48 " ]
}

@test "-b: by id, by text, never" {
	at=0
	flat 0 >rows
	[ "$(llm-sample -qt 0 <rows)" = "1 " ]
	[ "$(llm-sample -qt 0 -b 2=1.5 <rows)" = "2 " ]
	[ "$(llm-sample -qt 0 -b 1=-inf -b 2=-inf -b 3=1 <rows)" = "3 " ]
	fails 1 llm-sample -qt 0 -b 0=-inf -b 1=-inf -b 2=-inf -b 3=-inf <rows
	echo hi | llm-tok | llm-fwd -1 m.bin >rows
	[ "$(llm-sample -qt 0 <rows | llm-detok)" = Once ]
	[ "$(llm-sample -qt 0 -b ' Once=-inf' <rows | llm-detok)" = One ]
	[ "$(llm-sample -qt 0 -b ' Sam=9' <rows | llm-detok)" = Sam ]
}

story() { echo hi | llm-tok | llm-fwd m.bin | llm-sample -t 0 -n 40 "$@" | llm-detok; }

@test "-u: the text ends before it, wherever tokens end" {
	all=$(story)
	for stop in ' girl' girl 'irl na' 'me, th' , 'y. She' O 'a'; do
		[ "$(story -u "$stop")" = "${all%%"$stop"*}" ]
	done
	[ "$(story -u 'not there')" = "$all" ]
	[ "$(story -u ', there' -u 'upon')" = 'Once ' ]
}

@test "-u: the context holds what was written" {
	need_python
	printf 'hi\nThen what?\n' >questions
	llm-tok -q m.bin <questions >ids
	llm-fwd m.bin <ids | tee rows | llm-sample -qt 0 -n 30 -u 'ved to play' >answers
	[[ $(head -n 1 answers | llm-detok) == *'She lo' ]]
	at=$("$PYTHON" "$BATS_TEST_DIRNAME/lib/rowsum.py" <rows | awk '$4 % 2 { at = $2 } END { print at }')
	[ "$at" -eq $(($(cat ids <(head -n 1 answers) | wc -w) - 1)) ]
	# and the second answer is that to just these tokens
	{ head -n 1 ids; head -n 1 answers; tail -n 1 ids; } | tr '\n' ' ' | llm-fwd m.bin |
		llm-sample -qt 0 -n 30 -u 'ved to play' | cmp - <(tail -n 1 answers)
}

@test "-U: before the token; -N: so many lines" {
	all=$(story)
	[ "$(story -U 1985)" = "${all%%.*}" ]
	lines() { echo hi | llm-tok | llm-fwd m.bin | llm-sample -t 0 "$@" | llm-detok; }
	lines >all
	for n in 1 2 3; do
		lines -N $n >some
		head -n $n all | cmp - some
	done
	lines -N 99 | cmp - all
}

@test "refused, with one line" {
	for o in '-o typical' '-o nothing=1' '-o typical=2' '-o last=0.5' '-b 3' '-b =3' '-b 3=x' '-b 99999999999=1' '-N -1' '-U x'; do
		fails 2 llm-sample $o </dev/null
	done
	fails 2 llm-sample -u '' </dev/null
	header 4 >rows
	fails 1 llm-sample -u x <rows
	echo 1 | llm-fwd -1 m.bin >rows
	fails 1 llm-sample -b 'no such piece=1' <rows
	[[ $stderr == *'no such piece'* ]]
	header 4 'eog 0' >rows
	row 0 0 1 1 0 1 8 2 >>rows
	fails 1 llm-sample -q -b 4=1 <rows
	[[ $stderr == *'-b 4: no token has that id: '*' 4 logits' ]]
	fails 1 llm-sample -q -U 7 <rows
	[[ $stderr == *'-U 7: no token has that id: '*' 4 logits' ]]
}
