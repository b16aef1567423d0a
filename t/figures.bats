# figures.bats - -v: what each turn took; the progress of a long prompt at a terminal.

load common

LIMIT="timeout 60"	# nothing here takes that long: it hangs

setup()
{
	cd_scratch
	export LLM_MODEL=$REPO/m.bin
}

# Figures are words of the form key=value behind the program's name, in one order, and agree with each other.
agree() # PROGRAM <figures
{
	awk -v program="$1:" '
	$1 != program { print "not of " program " " $0; bad = 1 }
	{
		order = ""
		split("", v)
		for (i = 2; i <= NF; i++) {
			if ($i !~ /^[a-z_]+=[0-9.]+$/) { print "no figure: " $i; bad = 1 }
			split($i, a, "=")
			v[a[1]] = a[2]
			order = order " " a[1]
		}
		all = " turn sequence prompt prompt_rate tokens seconds first rate memory"
		want = ""
		n = split(all, key, " ")
		for (i = 1; i <= n; i++)
			if (key[i] in v)
				want = want " " key[i]
		if (order != want || !("memory" in v)) { print "order: " order; bad = 1 }
		if (v["turn"] != NR) { print "turn " v["turn"]; bad = 1 }
		if (v["first"] > v["seconds"]) { print "first " v["first"] " after " v["seconds"]; bad = 1 }
		time = v["prompt"] ? v["seconds"] - v["first"] : v["seconds"]
		if ("rate" in v && time > 0.001 && (v["rate"] * time / v["tokens"] - 1) ^ 2 > 1e-3) { print "rate: " $0; bad = 1 }
		if ("prompt_rate" in v && v["first"] > 0.001 && (v["prompt_rate"] * v["first"] / v["prompt"] - 1) ^ 2 > 1e-3) {
			print "prompt_rate: " $0
			bad = 1
		}
	}
	END { exit bad || !NR }'
}

# "SEQUENCE PROMPT TOKENS" of each turn.
counts() # <figures
{
	sed 's/.*sequence=\([0-9]*\)/\1/; s/ prompt=\([0-9]*\)/ \1/; s/ [a-z_]*_rate=[0-9.]*//
		s/ tokens=\([0-9]*\).*/ \1/' | awk '{ print $1, NF == 3 ? $2 : "-", $NF }'
}

@test "all four, in a chat of two turns and another sequence: tokens, prompt and answer, sequences" {
	printf 'hi\nWhat then?\n\nTom and Tom\n' >text
	llm-tok -q <text >ids
	llm-tok -v 2>tok <text | llm-fwd -v 2>fwd | llm-sample -vt 0 -n 9 2>sample | llm-detok -v 2>detok >out
	for p in tok fwd sample detok; do
		cat $p
		[ "$(wc -l <$p)" -eq 3 ]
		agree llm-$p <$p
	done
	awk 'NF { print sequence + 0, "-", NF } !NF { sequence++ }' ids | diff - <(counts <tok)
	awk 'NF { print sequence + 0, NF, 9 } !NF { sequence++ }' ids | diff - <(counts <fwd)
	printf '%s\n' '0 - 9' '0 - 9' '1 - 9' | diff - <(counts <sample)
	[ "$(counts <detok | awk '{ print $3 }' | sort -u)" = 9 ]
	# the same without
	llm-tok <text | llm-fwd | llm-sample -t 0 -n 9 | llm-detok | cmp - out
}

@test "memory is what the process has: a model that was read whole is in it" {
	echo hi | llm-tok | llm-fwd -1v 2>fwd >/dev/null
	[ "$(sed 's/.*memory=//' fwd)" -ge "$(stat -c %s m.bin 2>/dev/null || stat -c %s "$REPO/m.bin")" ]
	[ "$(sed 's/.*memory=//' fwd)" -lt 100000000 ]
}

@test "several sequences, drafts, stages, a state: the same turns" {
	printf '%s\n' 'Tom and Tom and Tom' '' hi 'What then?' '' 'A fox' '' | llm-tok >q
	llm-fwd -v <q 2>want | llm-sample -t 0 -n 20 >text
	agree llm-fwd <want
	for o in '-j 3' '-d 0' '-d 7' '-S state'; do
		llm-fwd $o -v <q 2>got | llm-sample -t 0 -n 20 | cmp - text
		agree llm-fwd <got
		diff <(counts <want | sort) <(counts <got | sort)
	done
	llm-fwd -v -l 0:2 <q 2>first | llm-fwd -v -l 2:3 2>second | llm-fwd -v -l 3: 2>third | llm-sample -t 0 -n 20 | cmp - text
	for s in first second third; do
		agree llm-fwd <$s
		diff <(counts <want) <(counts <$s)
	done
}

@test "a loop that is closed by hand: lines of one token are the answer's" {
	printf '1 271 1976\n454\n450\n261\n5 6 7\n8\n\n9\n@1 4\n' >q
	llm-fwd -1v <q 2>fwd >/dev/null
	agree llm-fwd <fwd
	printf '%s\n' '0 3 3' '0 3 1' '1 1 0' '1 1 0' | diff - <(counts <fwd)
	llm-fwd -1 -l 0:2 <q | llm-fwd -v -l 2: 2>stage >/dev/null
	agree llm-fwd <stage
	printf '%s\n' '0 3 3' '0 3 1' | diff - <(counts <stage | head -n 2)
	mkfifo back
	{ echo 1 271 1976; cat back; } | llm-fwd -v 2>fwd | llm-sample -t 0 -n 9 -r back >/dev/null
	[ "$(counts <fwd)" = '0 3 8' ] # the last one ends the loop, unfed
}

@test "lines that are scored and listed; nothing is said of no turn" {
	printf 'hi\nWhat then?\n\nTom\n' | llm-tok -q >ids
	for o in -S '-l 2'; do
		llm-fwd -1a <ids | llm-sample -v $o 2>sample >/dev/null
		agree llm-sample <sample
		awk 'NF { print sequence + 0, "-", NF } !NF { sequence++ }' ids | diff - <(counts <sample)
	done
	for p in llm-tok llm-fwd llm-detok; do
		printf '\n\n' | $p -v >/dev/null 2>err
		[ ! -s err ]
	done
}

@test "an answer without a token has figures, too" {
	header 4 'eog 0' >rows
	row 0 0 1 1 9 0 0 0 >>rows
	llm-sample -qvt 0 <rows 2>err >/dev/null
	agree llm-sample <err
	[ "$(counts <err)" = '0 - 0' ]
}

# A model whose prompt takes several passes, and a reader who holds the first one up.
@test "progress: at a terminal, of a prompt that takes long; wiped at the end" {
	need_python
	PYTHONPATH=$REPO/t/lib "$PYTHON" -c \
		'import mkgguf; open("m", "wb").write(mkgguf.bare(n_vocab=2048, ctx=4096).bytes())'
	seq -s ' ' 3000 | awk '{ for (i = 1; i <= NF; i++) $i %= 2048; print }' >q
	llm-fwd -1a m <q >want 2>err
	[ ! -s err ]
	at_terminal() # OPTION...
	{
		"$PYTHON" "$REPO/t/lib/terminal.py" "$LIMIT llm-fwd -1a $* m <q | { sleep 0.6; cat >got; }" end >seen
		tr '\r' '\n' <seen | sed 's/ *$//' | grep . >lines
	}
	for o in '' '-j 2'; do
		at_terminal "$o"
		cat lines
		cmp <(sed '1,/^$/d' want) <(sed '1,/^$/d' got)
		[ "$(wc -l <lines)" -ge 2 ]
		grep -Ex 'llm-fwd: 5[0-9]* of 3000 tokens, [0-9]+ s left' lines
		! grep -vEx 'llm-fwd: [0-9]+ of 3000 tokens, [0-9]+ s left' lines
		[ "$(tr '\r' '\n' <seen | tail -n 1 | tr -d ' ')" = '' ] # wiped,
		[ "$(tail -c 1 seen)" = $'\r' ] # and the cursor is at its start
	done
	# what does not take long is not shown
	cut -d ' ' -f 1-40 q >short
	mv short q
	at_terminal || true
	[ ! -s lines ]
}
