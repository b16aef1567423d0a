# Completion for bash and zsh: options are those of -h, values what they want.

load common

setup()
{
	cd_scratch
	: >model.gguf
	: >'a file'
}

# complete LAST-WORD WORD-BEFORE PROGRAM: what bash would offer.
offered()
{
	bash -c '. "$0"; _llmutils "$3" "$1" "$2"; printf "%s\n" "${COMPREPLY[@]}"' \
		"$REPO/man/complete/llmutils.bash" "$1" "$2" "$3" 2>/dev/null
}

@test "bash: every option of -h, for each program" {
	need bash
	for p in llm-tok llm-fwd llm-sample llm-detok; do
		offered - $p $p >got
		sed -n 's/^\.It Fl \([A-Za-z0-9]\)\( .*\)*$/-\1/p' "$REPO/man/$p.1" | LC_ALL=C sort -u | diff - got
	done
}

@test "bash: files where a file belongs, names where there are few, nothing for a number" {
	need bash
	[ "$(offered mo llm-fwd llm-fwd)" = model.gguf ]
	[ "$(offered a -S llm-fwd)" = 'a file' ]
	[ "$(offered a -1S llm-fwd)" = 'a file' ]
	[ "$(offered mo -L llm-fwd)" = model.gguf ]
	[ "$(offered '' -k llm-fwd)" = "$(printf 'f16\nf32\nq8')" ]
	[ -z "$(offered '' -t llm-fwd)" ]
	[ -z "$(offered '' -k llm-sample)" ]
	[ "$(offered mo -q llm-sample)" = model.gguf ]
}

@test "bash: registered for the four programs" {
	need bash
	[ "$(bash -c '. "$0"; complete -p llm-tok llm-fwd llm-sample llm-detok' "$REPO/man/complete/llmutils.bash" |
		grep -c -- '-F _llmutils')" -eq 4 ]
}

@test "the names that bash offers for -k are those that llm-fwd takes" {
	for k in $(offered '' -k llm-fwd); do
		llm-fwd -ik "$k" "$REPO/m.bin" >/dev/null
	done
}

# ^U takes back what was typed; ^C might come while zsh is busy.
@test "zsh: options and files" {
	need zsh
	need_python
	cat >.zshrc <<-END
		fpath=($REPO/man/complete \$fpath)
		autoload -U compinit; compinit -u -D
		PS1='> '; unsetopt beep; setopt no_list_beep
	END
	ZDOTDIR=$PWD "$PYTHON" "$REPO/t/lib/terminal.py" 'zsh -i' 'expect > ' 'send llm-fwd -S mo\t' 'expect model.gguf' \
		'send \x15llm-fwd -\t' 'expect -L' 'send \x15\x04' end >/dev/null
}
