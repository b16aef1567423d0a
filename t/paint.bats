# llm-detok -C: text painted by the notes of its tokens.

load common

setup()
{
	cd_scratch
	export LLM_MODEL=$REPO/m.bin TERM=xterm-256color
	unset NO_COLOR CLICOLOR_FORCE
	printf '454/-0.2 450/-1.5 261/-20\n' >notes
}

# Escape sequences taken out.
plain()
{
	sed 's/\x1b\[[0-9;]*m//g'
}

@test "a pipe gets no colours, CLICOLOR_FORCE lets them through, NO_COLOR forbids them" {
	llm-detok <notes >want
	llm-detok -C <notes | cmp - want
	CLICOLOR_FORCE=0 llm-detok -C <notes | cmp - want
	NO_COLOR=1 CLICOLOR_FORCE=1 llm-detok -C <notes | cmp - want
	! CLICOLOR_FORCE=1 llm-detok -C <notes | cmp - want
	CLICOLOR_FORCE=1 NO_COLOR='' llm-detok -C <notes | plain | cmp - want
}

@test "a terminal gets colours, a dumb one none" {
	need_python
	"$PYTHON" "$REPO/t/lib/terminal.py" 'llm-detok -C <notes' end | grep -q $'\033\\[38;5;16;48;5;205m a'
	"$PYTHON" "$REPO/t/lib/terminal.py" 'NO_COLOR=1 llm-detok -C <notes' end | grep -qx 'Once upon a'
	"$PYTHON" "$REPO/t/lib/terminal.py" 'TERM=dumb llm-detok -C <notes' end | grep -qx 'Once upon a'
	"$PYTHON" "$REPO/t/lib/terminal.py" 'llm-detok <notes' end | grep -qx 'Once upon a'
}

@test "the levels are those of the man page" {
	export CLICOLOR_FORCE=1
	sed -n 's/^\.It .* Ta \(-[0-9.]*\)\( or less\)* Ta .* Ta \([0-9]*\), .*/\1 \3/p' "$REPO/man/llm-detok.1" >legend
	[ "$(wc -l <legend)" -eq 6 ]
	while read -r note colour; do
		echo "1990/$note" | llm-detok -C | grep -q "48;5;${colour}m,"
		# a little less surprise is the level above
		! echo "1990/$(awk -v x="$note" 'BEGIN { print x + 0.02 }')" | llm-detok -C | grep -q "48;5;${colour}m,"
	done <legend
	for note in -0.6 0 3 nan inf; do
		[ "$(echo "1990/$note" | llm-detok -C)" = , ]
	done
	[ "$(echo 1990 | llm-detok -C)" = , ]
	echo 1990/-inf | llm-detok -C | grep -q '48;5;205m,'
}

@test "a character of several tokens is not cut by colours, and has the most surprising one's" {
	export CLICOLOR_FORCE=1
	printf '\360\237\220\213!\n' | llm-tok -q >ids # a whale, in byte pieces
	[ "$(wc -w <ids)" -ge 6 ]
	awk '{ for (i = 1; i <= NF; i++) printf "%s/%s ", $i, i == 4 ? -3 : 0; print "" }' ids |
		llm-detok -C >out
	printf '\033[38;5;16;48;5;221m\360\237\220\213\033[m!\n' | cmp - out
	# half of one at the end of a line
	printf '243/-20\n1990/0\n' | llm-detok -C | plain >out
	printf '243\n1990\n' | llm-detok | cmp - out
}

@test "newlines are not painted" {
	printf '13/-20 1990/-20 13/-20\n' | CLICOLOR_FORCE=1 llm-detok -C >out
	printf '\n\033[38;5;16;48;5;205m,\033[m\n\n' | cmp - out
}

@test "without its colours the text is the text, whatever tokens and notes" {
	need_python
	"$PYTHON" -c 'import random
random.seed(1)
for i in range(300):
    print(*("%d/%g" % (random.randrange(3, 2048), -random.expovariate(0.2)) for _ in range(random.randrange(1, 20))))' >noise
	llm-detok <noise >want
	CLICOLOR_FORCE=1 llm-detok -C <noise | LC_ALL=C plain | cmp - want
}

@test "a note that is no number is no error, a bad byte in one is" {
	CLICOLOR_FORCE=1 llm-detok -C <<<'1990/-e 1990/1e 1990/' >out
	[ "$(cat out)" = ',,,' ]
	fails 1 llm-detok -C <<<'1990/-0.5x'
	[[ $stderr == *"'x' where a token id should be"* ]]
}
