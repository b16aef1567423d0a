#!/usr/bin/env bats
# chat.bats - llm-tok -c: conversations in the words of the model's own template.
#
# All templates of llama.cpp's tree against Jinja2: t/oracle/jinja.py; a chat with a real model
# against transformers: t/oracle/chat.py. Both run here where what they need is there.

load common

setup()
{
	cd_scratch
}

# model [TEMPLATE]: chat.gguf, with ChatML or that template.
model()
{
	need_python
	[ $# -eq 0 ] || printf '%s' "$1" >template
	"$PYTHON" "$REPO/t/lib/mkgguf.py" chat chat.gguf ${1+template}
	export LLM_MODEL=$PWD/chat.gguf
}

# refused TEMPLATE WHAT: one line that says what; within bounds.
refused()
{
	model "$1"
	printf 'hi\nho\n' >q
	fails 1 timeout 60 sh -c 'llm-tok -cq <q'
	[[ $stderr == *chat.gguf*$2* ]] || { echo "$stderr"; return 1; }
}

@test "a turn is what the template writes around it" {
	model
	printf 'hi\n' | llm-tok -cq | llm-detok -s >got
	printf '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n\n' | cmp - got
}

@test "what stands between an answer and the next question" {
	model
	printf 'hi\nho ho\n' | llm-tok -cq | sed -n 2p | llm-detok -s >got
	printf '<|im_end|>\n<|im_start|>user\nho ho<|im_end|>\n<|im_start|>assistant\n\n' | cmp - got
}

@test "-S is the system message, of each conversation" {
	model
	printf 'hi\n\nho\n' | llm-tok -cq -S 'Be kind.' | llm-detok -s >got
	turn='<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n%s<|im_end|>\n<|im_start|>assistant\n\n'
	# shellcheck disable=SC2059
	{ printf "$turn" hi; echo; printf "$turn" ho; } | cmp - got
	fails 2 sh -c 'echo hi | llm-tok -S kind'
}

@test "control tokens spelled by a user or in -S stay text; -s takes them as such" {
	model
	ids=$(printf '<|im_start|>system\n' | llm-tok -cq -S '<|im_end|>')
	[ "$(tr ' ' '\n' <<<"$ids" | grep -cx 2)" -eq 3 ]	# system, user, assistant
	[ "$(tr ' ' '\n' <<<"$ids" | grep -cx 1)" -eq 2 ]
	[ "$(printf '<|im_start|>system\n' | llm-tok -cqs | tr ' ' '\n' | grep -cx 2)" -eq 3 ]
}

@test "a control token half by the user, half by the template is none" {
	model '{{ messages[-1].content }}|>{{ messages[-1].content[:0] ~ "<|im_" }}{{ messages[-1].content[2:] }}'
	printf 'x<|im_end\n' | llm-tok -cq >ids
	! tr ' ' '\n' <ids | grep -qx '[012]'
}

@test "a user's text keeps what it is through filters and methods" {
	for e in 'c|trim' 'c|upper|lower' 'c.replace("q", "")' 'c|default("")' 'c|string' 'c|list|join' 'c|indent' \
		'c.title().lower()' 'c|reverse|reverse' 'c|tojson' 'c.split("%")[0]' '"%s"|format(c)' '"{}".format(c)' \
		'c[:4] ~ c[4:]' '[c]|join(",")' '{"a": c}.a' 'c.strip("q")' '(c ~ c)|replace(c, c)'; do
		model "{% set c = messages[0].content %}{{ $e }}"
		echo '<|im_end|>' | llm-tok -cq >ids
		[ "$(wc -w <ids)" -ge 10 ]
		! tr ' ' '\n' <ids | grep -qx '[012]' || { echo "$e: $(cat ids)"; false; }
	done
}

@test "bytes that are no UTF-8 pass" {
	model
	printf 'a\xff\xc3b\n' | llm-tok -cq | llm-detok -s >got
	printf '<|im_start|>user\na\xff\xc3b<|im_end|>\n<|im_start|>assistant\n\n' | cmp - got
}

@test "records, counts and lines as without -c" {
	model
	printf 'a\nb\0' | llm-tok -cqz | llm-detok -sz | tr '\0' '$' >got
	printf '<|im_start|>user\na\nb<|im_end|>\n<|im_start|>assistant\n$' | cmp - got
	[ "$(echo hi | llm-tok -cn)" -eq "$(echo hi | llm-tok -cq | wc -w)" ]
}

@test "a model without a template is told so" {
	fails 1 sh -c "echo hi | llm-tok -c $REPO/m.bin"
	[[ $stderr == *'no chat template'* ]]
}

# chats_as NAME: the folder's template says so.
chats_as()
{
	[ "$(echo hi | llm-tok -cq folder | llm-detok -s folder)" = "$1: hi" ]
}

@test "a folder's template: chat_template.jinja, else tokenizer_config.json, one or several, else chat_template.json" {
	need_python
	mkdir folder
	"$PYTHON" - >folder/tokenizer.json <<-'END'
		import json
		print(json.dumps(dict(model=dict(type='BPE', byte_fallback=True, unk_token=None, merges=[],
		    vocab={'<0x%02X>' % i: i for i in range(256)}), decoder=dict(type='Sequence', decoders=[dict(type='ByteFallback')]))))
	END
	fails 1 sh -c 'echo hi | llm-tok -c folder'
	[[ $stderr == *'no chat template'* ]]
	echo '{"chat_template": "A: {{ messages[-1].content }}"}' >folder/chat_template.json
	chats_as A
	echo '{"chat_template": "B: {{ messages[-1].content }}"}' >folder/tokenizer_config.json
	chats_as B
	echo '{"chat_template": [{"name": "tools", "template": "T"}, {"name": "default", "template": "C: {{ messages[-1].content }}"}]}' \
		>folder/tokenizer_config.json
	chats_as C
	echo 'D: {{ messages[-1].content }}' >folder/chat_template.jinja
	chats_as D
	rm folder/chat_template.jinja
	echo '{"chat_template": [{"name": "tools", "template": "T"}]}' >folder/tokenizer_config.json
	fails 1 sh -c 'echo hi | llm-tok -c folder'
	[[ $stderr == *folder/tokenizer_config.json*default* ]]
}

@test "a template that refuses is quoted" {
	refused '{{ raise_exception("no <system> here") }}' 'line 1: the template refuses: no <system> here'
}

@test "a template that leaves the answers out" {
	refused '{{ messages[-1].content }}' 'leaves the last answer out'
}

@test "templates that are none say the line" {
	refused $'a\n{{ x' 'line 2'
	refused '{% if x %}' 'endif'
	refused '{% endif %}' "'endif'"
	refused '{{ "a }}' 'a string has no end'
	refused '{{ x | nosuch }}' "filter 'nosuch'"
	refused '{{ x is nosuch }}' "test 'nosuch'"
	refused '{{ x.y }}' "'y' of an undefined value"
	refused '{{ nosuch() }}' "'nosuch'"
	refused '{% include "x" %}' "'include'"
	refused '{{ messages.append(1) }}' 'in place'
	refused '{{ 1 // 0 }}' 'zero'
	refused '{{ "\ud800" }}' 'no character'
	refused '{{ 9223372036854775807 + 1 }}' 'too large'
	refused '{# x' 'comment'
}

@test "templates without an end or a bound are stopped" {
	refused '{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}' 'deep'
	refused '{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}' 'it takes more than'
	refused '{{ "x" * 999999999 }}' 'repeated'
	refused '{{ "x" * 40000000 }}' 'memory'
	refused '{% set ns = namespace(s="x") %}{% for a in range(99) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}' 'memory'
	refused "{{ $(printf '(%.0s' $(seq 5000)) }}" 'deep'
	refused "{{ $(printf -- 'not %.0s' $(seq 5000)) x }}" 'deep'
	refused "{{ 1$(printf -- '+1%.0s' $(seq 5000)) }}" 'deep'
	refused "$(printf '{%% if 1 %%}%.0s' $(seq 5000))" 'deep'
	refused '{{ ("a" * 4000000) in ("a" * 3999999 ~ "b") * 4 }}' 's'
}

@test "the language: what Jinja2 prints" {
	need_python jinja2
	"$PYTHON" "$REPO/t/oracle/jinja.py" "$LLM_UNIT/jinja_test" "$REPO"/t/fuzz/seeds/jinja/* "$REPO"/t/fixtures/jinja/*
}

@test "all templates of llama.cpp's tree: what Jinja2 prints" {
	need_python jinja2
	[ -n "$LLM_TEMPLATES" ] || skip 'LLM_TEMPLATES does not name a folder of templates'
	"$PYTHON" "$REPO/t/oracle/jinja.py" "$LLM_UNIT/jinja_test" "$LLM_TEMPLATES"/*.jinja
}

@test "ten turns with SmolLM2: every prompt is apply_chat_template()'s" {
	need_python transformers
	M=$REPO/models/SmolLM2-135M-Instruct.Q4_1.gguf
	[ -e "$M" ] || skip 'no models/SmolLM2-135M-Instruct.Q4_1.gguf: make model'
	"$PYTHON" "$REPO/t/oracle/chat.py" "$M"
}
