#!/usr/bin/env bats
# docs.bats - what the man pages and the README say is so: their examples run as printed, in dash
# and in bash; every option of -h is described; the pages are clean mdoc.
#
# After a change of what a program prints: t/lib/renew-examples man/*.[1-7] README.md

load common

PAGES="llm-tok.1 llm-fwd.1 llm-sample.1 llm-detok.1 llm-tokens.5 llm-logits.5 llm-models.7 llmutils.7"

# examples SHELL DOC: run all examples of a document in a folder that holds only m.bin.
setup()
{
	cd_scratch
}

examples()
{
	command -v "$1" >/dev/null || skip "no $1 here"
	! grep -q python3 "$REPO/$2" || command -v python3 >/dev/null || skip "no python3 here"
	"$REPO/t/lib/run-examples" "$1" "$REPO/$2" >"$TMPDIR/out"
	awk -f "$REPO/t/lib/examples.awk" -v mode=compare "$REPO/$2" "$TMPDIR/out"
}

@test "llm-tok.1: examples (dash)" { examples dash man/llm-tok.1; }
@test "llm-fwd.1: examples (dash)" { examples dash man/llm-fwd.1; }
@test "llm-sample.1: examples (dash)" { examples dash man/llm-sample.1; }
@test "llm-detok.1: examples (dash)" { examples dash man/llm-detok.1; }
@test "llm-tokens.5: examples (dash)" { examples dash man/llm-tokens.5; }
@test "llm-logits.5: examples (dash)" { examples dash man/llm-logits.5; }
@test "llm-models.7: examples (dash)" { examples dash man/llm-models.7; }
@test "llmutils.7: examples (dash)" { examples dash man/llmutils.7; }
@test "README: examples (dash)" { examples dash README.md; }
@test "llm-tok.1: examples (bash)" { examples bash man/llm-tok.1; }
@test "llm-fwd.1: examples (bash)" { examples bash man/llm-fwd.1; }
@test "llm-sample.1: examples (bash)" { examples bash man/llm-sample.1; }
@test "llm-detok.1: examples (bash)" { examples bash man/llm-detok.1; }
@test "llm-tokens.5: examples (bash)" { examples bash man/llm-tokens.5; }
@test "llm-logits.5: examples (bash)" { examples bash man/llm-logits.5; }
@test "llm-models.7: examples (bash)" { examples bash man/llm-models.7; }
@test "llmutils.7: examples (bash)" { examples bash man/llmutils.7; }
@test "README: examples (bash)" { examples bash README.md; }

# Each page's as one script, and the scripts that it writes and has sh run. Not asked: for classes of letters where
# letters are meant (SC2018), nor whether a file that is read twice is written to (SC2094).
@test "examples: shellcheck finds nothing" {
	need shellcheck
	for doc in $PAGES README.md; do
		[ "$doc" = README.md ] || doc=man/$doc
		awk -f "$REPO/t/lib/examples.awk" -v mode=script "$REPO/$doc" >"$(basename "$doc").sh"
	done
	awk 'f && $0 == "EOF" { f = "" } f { print >f } /^cat >[a-z-]+ <<.EOF.$/ { f = substr($2, 2) }' llmutils.7.sh
	for name in $(sed -n 's/^.*\<sh \([a-z-]*\).*$/\1/p' llmutils.7.sh | sort -u); do
		[ ! -s "$name" ] || mv "$name" "$name.sh"
	done
	[ "$(ls -- *.sh | wc -l)" -gt 20 ]
	shellcheck -s sh -e SC2018,SC2094 -- *.sh
}

# Blocks that need more than the page's head says are left out where that is not installed.
@test "what examples need is here" {
	for program in $(sed -n 's/^\.\\" needs //p' "$REPO"/man/*); do
		need "$program"
	done
}

@test "every document has examples that run" {
	for doc in $PAGES; do
		[ -n "$(awk -f "$REPO/t/lib/examples.awk" -v mode=script "$REPO/man/$doc")" ]
	done
	[ -n "$(awk -f "$REPO/t/lib/examples.awk" -v mode=script "$REPO/README.md")" ]
}

@test "a wrong example is noticed" {
	printf '.Dt X 1\n.Bd -literal\n$ echo a\na\n$ echo 1.001 x\n1.002 x\n.Ed\n' >"$TMPDIR/good"
	printf '.Dt X 1\n.Bd -literal\n$ echo a\nb\n.Ed\n' >"$TMPDIR/bad"
	printf '.Dt X 1\n.Bd -literal\n$ echo a; exit\na\n.Ed\n' >"$TMPDIR/cut"
	for doc in good bad cut; do
		"$REPO/t/lib/run-examples" sh "$TMPDIR/$doc" >"$TMPDIR/$doc.out"
		run awk -f "$REPO/t/lib/examples.awk" -v mode=compare "$TMPDIR/$doc" "$TMPDIR/$doc.out"
		[ "$status" -eq "$([ $doc = good ]; echo $?)" ]
	done
}

# The letters of all options in a usage text.
options_of()
{
	"$1" -h | tr ' ' '\n' | sed -n 's/^\[\{0,1\}-\([A-Za-z0-9|]*\).*/\1/p' | tr -d '|\n' | fold -w 1 | sort -u
}

@test "every option of -h has its paragraph on the man page, and the reverse" {
	for p in llm-tok llm-fwd llm-sample llm-detok; do
		options_of $p >"$TMPDIR/help"
		sed -n 's/^\.It Fl \([A-Za-z0-9]\)\( .*\)*$/\1/p' "$REPO/man/$p.1" | sort -u >"$TMPDIR/page"
		[ -s "$TMPDIR/help" ]
		diff "$TMPDIR/help" "$TMPDIR/page"
	done
}

@test "every error of an option ends with status 2" {
	for p in llm-tok llm-fwd llm-sample llm-detok; do
		run -2 $p -Y </dev/null
	done
}

@test "man pages are clean mdoc" {
	command -v mandoc >/dev/null || skip "no mandoc here"
	for page in $PAGES; do
		mandoc -T lint -W warning "$REPO/man/$page"
	done
}

@test "README: each file that it links to is there" {
	for f in $(grep -o '](\([^)h][^)]*\))' "$REPO/README.md" | tr -d '()]'); do
		[ -e "$REPO/$f" ]
	done
}
