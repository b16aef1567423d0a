#!/usr/bin/env bats
# grammar.bats - constraints: what is drawn matches, the shortest end, what is refused.

load common

setup()
{
	cd_scratch
}

check() # COUNT KIND [FILE...]
{
	local count=$1
	shift
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" "$PYTHON" "$BATS_TEST_DIRNAME/lib/grammar_check.py" "$LLM_UNIT/grammar_test" \
		"$REPO/m.bin" "$count" "$@"
}

answer() # OPTION...
{
	echo 'a fox' | llm-tok | llm-fwd "$REPO/m.bin" | llm-sample "$@"
}

## What is drawn

@test "random texts of grammars match, as another matcher has it" {
	need_python
	check 150 gbnf
}

# LLM_GBNF=folder: llama.cpp's grammars/, which are not in the tree.
@test "llama.cpp's grammars load and hold" {
	need_python
	[ -d "${LLM_GBNF:-}" ] || skip 'LLM_GBNF does not say where they are'
	check 400 gbnf "$LLM_GBNF"/*.gbnf
}

@test "random texts of regular expressions match, as Python's re has it" {
	need_python
	check 300 ere
}

@test "random expressions and strings match as in regexec(3) and Python's re" {
	need_python
	check 1200 match
}

@test "random texts of JSON schemas are valid, as Python's jsonschema has it" {
	need_python jsonschema
	check 240 schema
}

## The pipe

@test "whatever the model wants, live and from a recording, an answer matches; so do several turns" {
	for seed in 1 2 3; do
		run answer -q -s $seed -t 2 -e '[A-Z][a-z]{2,9}, [a-z ]{5,20}\.'
		[ "$status" -eq 0 ]
		llm-detok "$REPO/m.bin" <<<"$output" | grep -Ex '[A-Z][a-z]{2,9}, [a-z ]{5,20}\.'
	done
	printf 'hi\nand now?\n\nhi\n' | llm-tok | llm-fwd "$REPO/m.bin" | llm-sample -e '(yes|no)!' | llm-detok >out
	[ "$(grep -Ecx '(yes|no)!' out)" -eq 3 ]
	echo hi | llm-tok | llm-fwd "$REPO/m.bin" | tee rows | llm-sample -s 5 -e '(yes|no)!' >one
	llm-sample -s 5 -e '(yes|no)!' <rows >two
	cmp one two
}

@test "with -p the text behind the prompt matches" {
	echo 'Once upon a' | llm-tok | llm-fwd -a "$REPO/m.bin" | llm-sample -p -t 0 -e ' (time|day)' | llm-detok >out
	grep -Ex 'Once upon a (time|day)' out
}

@test "where nothing can follow, the turn ends without another row" {
	echo hi | llm-tok | llm-fwd "$REPO/m.bin" | tee rows | llm-sample -q -e 'yes' >out
	n=$(wc -w <out)
	size=$(($(stat -c %s rows) - $(sed '/^$/q' rows | wc -c)))
	[ "$size" -le $((n * (16 + 4 * 2048))) ] || [ "$size" -le $(((n + 1) * (16 + 4 * 2048))) ]
}

## The shortest end

@test "a text is finished within -n tokens, the least that is possible too" {
	printf 'root ::= "<" [a-z ]+ ("," [a-z]+){2,9} ">"\n' >g
	for n in 40 12 8 7; do
		answer -q -s $n -n $n -g g >ids
		[ "$(wc -w <ids)" -le $n ]
		llm-detok "$REPO/m.bin" <ids | grep -Ex '<[a-z ]+(,[a-z]+){2,9}>'
	done
	fails 1 answer -q -n 2 -g g
	[[ $stderr == *'g: its shortest text takes '*' tokens, -n allows 2' ]]
}

@test "fewer tokens, if more bytes, are found where -n asks for it" {
	answer -q -n 4 -e 'zqxjv|once upon a time' >ids
	[ "$(llm-detok "$REPO/m.bin" <ids)" = 'once upon a time' ]
}

@test "a text that the context or the recording cuts is said to be" {
	run --separate-stderr answer -q -e '.{4000}'
	[ "$status" -eq 1 ]
	[[ $stderr == *'the context is full: the text is not finished' ]]
	echo hi | llm-tok | llm-fwd "$REPO/m.bin" | tee rows | llm-sample -n 2 >/dev/null
	run --separate-stderr llm-sample -q -e 'once upon a time in a wood' <rows
	[ "$status" -eq 1 ]
	[[ $stderr == *'the stream ends: the text is not finished' ]]
}

## What is refused

refused() # OPTION TEXT MESSAGE
{
	local file=$1
	case $1 in
	-e) file=$2 ;;
	*) printf '%b' "$2" >f; file=f ;;
	esac
	fails 1 answer "$1" "$file"
	[[ $stderr == *"$3"* ]] || { echo "$2: $stderr"; return 1; }
}

@test "grammars that are broken are refused, with the line" {
	refused -g 'root ::= "a"\nx y\n' "f:2: at 'y': '::=' should stand"
	refused -g 'root ::= expr\nexpr ::= expr "+" [0-9] | [0-9]\n' "f:2: rule 'expr' begins with itself"
	refused -g 'root ::= ws expr\nws ::= " "*\nexpr ::= ws expr "x" | "y"\n' "f:3: rule 'expr' begins with itself"
	refused -g 'root ::= "a" b\nb ::= "b" b\n' "rule 'b' can never end"
	refused -g 'root ::= "a"\n\nb ::= c\n' "f:3: there is no rule 'c'"
	refused -g 'a ::= "a"\n' "f: there is no rule 'root'"
	refused -g 'root ::= "a\n' 'f:1: '
	refused -g 'root ::= [b-a]\n' 'ends before it begins'
	refused -g 'root ::= "a"{3,2}\n' 'most is less'
	refused -g 'root ::= "a"{70000}\n' 'more than 65536'
	refused -g 'root ::= "a"{2 "b"\n' "f:1: at '\"b\"': '}' is missing"
	refused -g "root ::= $(printf '[a-z]{60000} %.0s' {1..20})\n" 'too large: it takes more than 1048576 states'
	refused -g 'root ::= <think>\n' 'tokens (<...>) are not taken'
	refused -g 'root ::= "a"\nroot ::= "b"\n' "f:2: rule 'root' is defined twice, first on line 1"
	refused -g 'root ::= "\\q"\n' 'an escape that is none of'
	refused -g '' 'f: the file is empty'
}

@test "regular expressions that are broken are refused, with the byte" {
	refused -e '(a' "byte 3, at '': ')' is missing"
	refused -e 'a)' "byte 2"
	refused -e '*a' 'nothing to repeat'
	refused -e '[a' 'too early'
	refused -e '[z-a]' 'ends before it begins'
	refused -e '(a)\1' 'back references are not taken'
	refused -e '\d+' 'POSIX has no such escape'
	refused -e 'a{2,1}' 'most is less'
	refused -e 'a{2,x}' "byte 5, at 'x}': a number should stand here"
	refused -e 'a^b' 'no text matches'
	refused -e '[[:word:]]' 'no class of that name'
}

@test "schemas that cannot be guaranteed are refused by name, with line and pointer" {
	refused -j '{"type": "array",\n "uniqueItems": true}' "f:2: #/uniqueItems: 'uniqueItems' is not taken"
	refused -j '{"properties": {"a": {\n"not": {}}}}' "f:2: #/properties/a/not: 'not' is not taken"
	refused -j '{"properties": {"a/b~c": {"not": {}}}}' "f:1: #/properties/a~1b~0c/not: 'not' is not taken"
	refused -j '{"foo": 1}' "'foo' is not taken"
	refused -j '{"$ref": "#"}' 'leads back to itself'
	refused -j '{"$ref": "http://x/y"}' 'only references within the file'
	refused -j '{"$ref": "#/a/b"}' 'nothing at'
	refused -j '{"type": "strin"}' 'this is no type'
	refused -j '{"oneOf": [{"type": "string"}, {"enum": ["a"]}]}' 'might be valid by this and by number 0'
	refused -j '{"type": "string", "format": "x"}' 'this format is not known'
	refused -j '{"type": "string", "pattern": "(?=a)"}' 'lookahead'
	refused -j '{"type": "object", "properties": {"a": {"$ref": "#"}}, "required": ["a"]}' 'can never end'
	refused -j '{"type": "string",\n "maxLength": -1}' 'f:2: #/maxLength: a count is a whole number from 0 up'
	refused -j '{"type": ' 'not JSON'
	refused -j 'false' 'can never end'
	refused -j '{"items": {"minLength": 100000}}' 'f:1: #/items/minLength: a count of more than 65536'
}

@test "what can be read in very many ways matches, too, and is finished" {
	need_python
	for e in '.*a.{20}' '.*[aeiou].{20}' '(.{0,100}){0,100}x' '.*(a|b).{9}(c|d).{9}'; do
		for n in 25 60; do
			answer -q -s $n -n $n -t 2 -e "$e" | llm-detok "$REPO/m.bin" >text
			timeout 30 "$PYTHON" -c 'import re, sys
assert re.fullmatch(sys.argv[1], open("text", encoding="utf-8", newline="").read()[:-1], re.S)' "$e"
		done
	done
}

@test "whether a token may come is the same asked of it alone, of all, and of the likeliest" {
	for e in '.*a.{20}' '.*(a|b).{9}(c|d).{9}' '(.{1,100} ){0,100}' '(([a-z]{1,9} ){1,9}\.){1,9}' '[^e]*(the|then|thin)x{2}' '.{300}'; do
		"$LLM_UNIT/grammar_test" -e "$e" -n 60 same "$REPO/m.bin" 2>said
		read -r checked tokens <said
		[ "${checked#checked=}" -gt 0 ]
		[ "${checked#checked=}" -eq "${tokens#tokens=}" ]
	done
	printf 'root ::= x\nx ::= [a-z ] x? x? x? x?\n' >g
	"$LLM_UNIT/grammar_test" -g g -n 40 same "$REPO/m.bin"
	printf '{"enum": ["mouse", "mouth", "moth", "mo", 12, 123]}' >j
	"$LLM_UNIT/grammar_test" -j j -n 9 -c 9 same "$REPO/m.bin"
}

@test "a grammar too ambiguous to tell all that may come: the text matches, and is finished" {
	{
		printf 'root ::= "." '
		for c in {a..z}; do printf '| "%s" root "%s" ' $c $c; done
	} >g
	for o in '-k 0' '-k 40' '-t 0 -k 1' '-b 5=-inf'; do
		answer -q -s 3 -t 2 $o -n 12 -g g | llm-detok "$REPO/m.bin" >text
		read -r text <text
		[ "$text" = "$(rev <text)" ]
		[[ $text == *.* ]]
	done
}

@test "a grammar may come from a pipe; a folder is none" {
	answer -q -g <(echo 'root ::= "yes" | "no"') | llm-detok "$REPO/m.bin" | grep -Ex 'yes|no'
	answer -q -j /dev/fd/3 3< <(echo '{"const": 12}') | llm-detok "$REPO/m.bin" | grep -x 12
	mkdir folder
	fails 1 answer -g folder
	[[ $stderr == *'llm-sample: folder: Is a directory' ]]
}

@test "one constraint at a time; the vocabulary must be there" {
	fails 2 llm-sample -e a -g b
	fails 2 llm-sample -l 3 -e a
	header 4 'eog 0' >rows
	row 0 0 1 1 0 1 8 2 >>rows
	run --separate-stderr llm-sample -e a <rows
	[ "$status" -eq 1 ]
	[[ $stderr == *'these options need'* ]]
}
