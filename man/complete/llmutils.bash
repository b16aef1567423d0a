# bash completion of llm-tok, llm-fwd, llm-sample and llm-detok. Options, and which of them take a
# value, are what -h says.

# The usage of a program without its explanations: "-k type" for an option with a value.
_llm_usage()
{
	"$1" -h 2>/dev/null | sed '/^\(usage:\|       \)/!d'
}

_llm_options()
{
	"$1" -h 2>/dev/null | tr ' ' '\n' | sed -n 's/^\[\{0,1\}-\([A-Za-z0-9|]*\).*/\1/p' |
		tr -d '|\n' | fold -w 1 | sort -u | sed 's/^/-/'
}

# What the value of the last letter of a word of options is called; nothing: it takes none.
_llm_value()
{
	# shellcheck disable=SC2020 # one character for one
	case $2 in
	-?*) _llm_usage "$1" | tr '[]' '\n\n' | sed -n "s/.*-${2#"${2%?}"} \([a-z]*\).*/\1/p" | sed 1q ;;
	esac
}

_llmutils()
{
	local word=$2 value
	COMPREPLY=()
	value=$(_llm_value "$1" "$3")
	case $value in
	'')
		case $word in
		-*) mapfile -t COMPREPLY < <(compgen -W "$(_llm_options "$1")" -- "$word") ;;
		*) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;; # a model
		esac
		;;
	file | schema) compopt -o filenames 2>/dev/null; mapfile -t COMPREPLY < <(compgen -f -- "$word") ;;
	type) mapfile -t COMPREPLY < <(compgen -W 'f16 f32 q8' -- "$word") ;;
	esac
}

complete -F _llmutils llm-tok llm-fwd llm-sample llm-detok
