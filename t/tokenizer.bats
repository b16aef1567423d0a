#!/usr/bin/env bats
# tokenizer.bats - vocabularies of Hugging Face folders: tokenizer.json and tokenizer.model, against the
# ids of the libraries `tokenizers` and sentencepiece, which t/lib/mktokenizer.py wrote down.
#
# More of it, at random and with real files: t/oracle/tokenizer.py, t/oracle/regex.py.

load common

setup()
{
	cd_scratch
}

@test "regular expressions match as Oniguruma's do" {
	need python3
	python3 "$REPO/t/lib/regex_check.py" "$LLM_UNIT/regex_test" "$REPO/t/fixtures/tokenizer/regex.txt"
}

# matches PATTERN TEXT: how many there are, in bounded time.
matches()
{
	printf '%s\0%s\0' "$1" "$2" | timeout 20 "$LLM_UNIT/regex_test" -q
}

@test "no pattern takes more than its steps times the text" {
	as=$(head -c 200000 /dev/zero | tr '\0' a)
	[ "$(matches '(a*)*b' "$as")" -eq 0 ]
	[ "$(matches '(a|a)*b' "$as")" -eq 0 ]
	[ "$(matches '(a|aa)+b|a' "$as")" -eq 200000 ]
	[ "$(matches 'a*b|a' "$as")" -eq 200000 ]
	[ "$(matches '(?=a*b)a|a' "$as")" -eq 200000 ]
	[ "$(matches '(?<=a*a)a' "$as")" -eq 199999 ]
	[ "$(matches '(?:a?){200}a{200}' "$as")" -eq 500 ]
	fails 1 "$LLM_UNIT/regex_test" < <(printf '(x{1000}){1000}\0x\0')
	[[ $stderr == *'the pattern is too large' ]]
	fails 1 "$LLM_UNIT/regex_test" < <(printf '((){1000}){1000}\0x\0')
	fails 1 "$LLM_UNIT/regex_test" < <(head -c 100000 /dev/zero | tr '\0' '('; printf '\0x\0')
	[[ $stderr == *'nested too deep' ]]
}

@test "what regular expressions are not known is said" {
	while read -r pattern words; do
		fails 1 "$LLM_UNIT/regex_test" < <(printf '%s\0x\0' "$pattern")
		[[ $stderr == "regex_test: regex: regular expression, byte "*"$words" ]] || { echo "$pattern: $stderr"; return 1; }
	done <<-'END'
	(a)\1 back references are not known here
	(?>a|ab)c possessive repetition and atomic groups are known of single characters only
	(?:ab)*+c possessive repetition and atomic groups are known of single characters only
	\p{Klingon} a property that is not known here (general categories and some scripts are)
	[[:alpha:]] [:names:] are not known here
	\Ga an escape that is not known here
	(?x:a) this kind of group is not known here
	(a ')' is missing
	a) ')' without '('
	[a it ends too early
	[b-a] a range that has no end
	a{3,2} repeated from many to few times
	*a nothing to repeat
	\x{110000} no character's number
	END
}
