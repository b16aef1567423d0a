#!/usr/bin/env bats
# vocab.bats - text to token ids and back, against the ids of the models' own tokenizers.
#
# More of it, against whole tokenizers and on random strings: t/oracle/vocab.py.

load common

setup()
{
	cd_scratch
	M=$REPO/m.bin
}

# vectors VOCABULARY FILE [BOS]: the ids of all inputs are those of the file; BOS is the id
# that begins each sequence. Behind each input an empty record ends the sequence.
vectors()
{
	need_shared "vocab/$1"
	awk -v RS='\n__ggml_vocab_test__\n' '{ printf "%s%c%c", $0, 0, 0 }' "$SHARED/vocab/$2.inp" >in
	llm-tok -q -z "$SHARED/vocab/$1" <in | awk 'NR % 2' | sed "s/^$3 *//" >got
	sed 's/^ //; s/ *$//' "$SHARED/vocab/$2.out" >want
	[ "$(wc -l <want)" -ge 46 ]
	diff want got
	llm-tok -z "$SHARED/vocab/$1" <in | llm-detok -z | cmp - in
}

@test "ids of llama-spm" { vectors llama-spm.gguf llama-spm.gguf 1; }
@test "ids of phi-3" { vectors phi-3.gguf phi-3.gguf 1; }
@test "ids of gpt-2" { vectors gpt-2.gguf gpt-2.gguf; }
@test "ids of starcoder" { vectors starcoder.gguf starcoder.gguf; }
@test "ids of deepseek-coder" { vectors deepseek-coder.gguf deepseek-coder.gguf 32013; }
@test "ids of llama2.c's tokenizer.bin" { vectors llama2-tokenizer.bin llama-spm.gguf 1; }

# Texts that are hard to cut: words without an end, of one character and of some, and what may end them.
endless()
{
	local c
	for c in a A ' ' '\n' '\r\n' '!' 7 '\360\237\230\200' '\303\251' '\350\252\236' "'s" aB '\314\201' '\342\226\201' '\t' '\302\240' '.\n' '<' '\343\200' '<|end|>  '; do
		awk -v c="$c" 'BEGIN { for (i = 0; i < 3000; i++) printf c }'
		printf "x  $c,b'll$c ab\\0"
		awk -v c="$c" 'BEGIN { for (i = 0; i < 900; i++) printf "%s%s", i % 7 ? c : "", i % 5 ? c : "Ab" }'
		printf '\0'
	done
}

@test "a text that comes in parts has the ids of the whole" {
	endless >in
	noise | tr '\0' '\1' >>in
	printf '\0' >>in
	for v in "$M" "$SHARED"/vocab/*.gguf "$SHARED"/vocab/*.bin; do
		[ -e "$v" ] || continue
		for step in 61 1000; do
			"$LLM_UNIT/vocab_test" -r -p $step "$v" <in
		done
	done
	for v in "$M" "$SHARED"/vocab/phi-3.gguf; do
		[ -e "$v" ] || continue
		"$LLM_UNIT/vocab_test" -r -s -p 100 "$v" <in
	done
}

@test "a text that comes in parts has the ids of the whole: tokenizer.model, with a normalizer and without, Unigram" {
	local v step
	endless >in
	noise | tr '\0' '\1' >>in
	printf '\0' >>in
	for _ in 1 2 3 4 5 6 7 8; do cat "$BATS_TEST_FILENAME" "$REPO/README.md"; printf '  \342\200\213 e\314\201 '; done >>in
	printf '\0' >>in
	for v in "$REPO"/t/fixtures/sentencepiece/*.model; do
		for step in 7 61 1000 20000; do
			"$LLM_UNIT/vocab_test" -r -p $step "$v" <in
		done
	done
	"$LLM_UNIT/vocab_test" -r -s -p 100 "$v" <in
}

@test "memory does not grow with a line" {
	[ -z "$LLM_SANITIZER" ] || skip "sanitizers keep what is free"
	local c sp=$REPO/t/fixtures/sentencepiece
	for c in "$M:a" "$M: " "$M:text, and words " "$sp/bpe_bytes.model:text, and words " "$sp/bpe_bytes.model:a" "$sp/bpe_user.model:a" \
		"$sp/bpe_plain.model:é " "$sp/unigram_bytes.model:text, and words " "$sp/unigram_user.model:  " "$sp/unigram_user.model:語"; do
		for mb in 2 6; do
			yes "${c#*:}" | tr -d '\n' | head -c ${mb}000000 | llm-tok -v "${c%%:*}" 2>&1 >/dev/null | sed 's/.*memory=//' >$mb
		done
		[ $(($(cat 6) - $(cat 2))) -lt 4000000 ]
	done
}

@test "pre-tokenizers that are regular expressions: text in parts has the ids of the whole, memory does not grow with it" {
	local pre mb c
	endless >in
	for pre in deepseek-llm seed-coder minicpm5 ufakzeka superbpe; do
		made "add_bpe(g, pre='$pre')"
		for step in 61 1000; do
			"$LLM_UNIT/vocab_test" -r -p $step made.gguf <in
		done
		[ -z "$LLM_SANITIZER" ] || continue
		for c in 'text, and words 12 ' a; do
			[ "$pre$c" != superbpea ] || continue
			for mb in 2 6; do
				yes "$c" | tr -d '\n' | head -c ${mb}000000 | llm-tok -v made.gguf 2>&1 >/dev/null | sed 's/.*memory=//' >$mb
			done
			[ $(($(cat 6) - $(cat 2))) -lt 4000000 ]
		done
	done
}

# The same bytes in every run, most of them no UTF-8.
noise()
{
	awk 'BEGIN { for (x = 1; n < 20000; n++) { x = (x * 16807) % 2147483647; printf "%c", int(x / 65536) % 256 } }'
}

# back MODEL: what is in the file `in` comes back byte for byte, in lines and in records.
back()
{
	llm-tok "$1" <in | llm-detok | cmp - in
	llm-tok -z "$1" <in | llm-detok -z | cmp - in
}

@test "any bytes come back: the model that ships" {
	noise >in
	[ "$(wc -c <in)" -ge 19000 ]
	back "$M"
}

@test "any bytes come back: gpt-2, llama-spm, tokenizer.bin" {
	noise >in
	for v in gpt-2.gguf llama-spm.gguf llama2-tokenizer.bin; do
		need_shared "vocab/$v"
		back "$SHARED/vocab/$v"
	done
}

@test "spaces at every place come back" {
	printf ' \n  \n a\na \n a  b   c \n\n   \n\t\n \t \r\n\302\240\n\343\200\200 x' >in
	back "$M"
}

@test "U+2581, SentencePiece's own spelling of a space, is no space in text" {
	printf 'a\342\226\201b \342\226\201 \342\226\201\342\226\201  c\n\342\226\201\n \342\226\201' >in
	back "$M"
	[ "$(printf 'x\342\226\201x' | llm-tok -q "$M")" = '1 1969 2004 229 153 132 2004' ]
}

@test "text is never a control token" {
	printf '<s></s><unk><0x0A>\n' >in
	back "$M"
	! llm-tok -q "$M" <in | tr ' ' '\n' | sed 1d | grep -qx '[0-2]'
	[ "$(printf '<s></s><unk>' | llm-tok -qs "$M")" = '1 1 2 0' ]
	[ "$(printf '<s></s>' | llm-tok -s "$M" | llm-detok -s)" = '<s><s></s>' ]
}

@test "a user-defined token is found in any text, a control token only with -s" {
	need_shared vocab/deepseek-coder.gguf
	v=$SHARED/vocab/deepseek-coder.gguf
	printf 'a<|User|>b<|EOT|>\n' >in
	[ "$(llm-tok -q "$v" <in)" = '32013 64 32019 65 32021' ]
	back "$v"
	end='<｜end▁of▁sentence｜>'
	[ "$(printf %s "$end" | llm-tok -qs "$v")" = '32013 32014' ]
	! printf %s "$end" | llm-tok -q "$v" | grep -qw 32014
}

@test "words of all pre-tokenizers, as the library tokenizers cuts them" {
	local n=0
	for f in "$BATS_TEST_DIRNAME"/fixtures/pretok/*.words; do
		name=$(basename "$f" .words)
		"$LLM_UNIT/pretok_test" "$name" <"$BATS_TEST_DIRNAME/fixtures/pretok/texts" >got
		diff "$f" got >differ || { echo "$name"; head differ; false; }
		n=$((n + 1))
	done
	[ $n -ge 30 ]
}

@test "10 MB without a word's end take seconds" {
	head -c 10000000 /dev/zero | tr '\0' a >in
	[ "$(timeout 60 llm-tok -n "$M" <in)" -gt 1000 ]
	tr a ' ' <in >spaces
	[ "$(timeout 60 llm-tok -n "$M" <spaces)" -gt 1000 ]
	need_shared vocab/gpt-2.gguf
	[ "$(timeout 60 llm-tok -n "$SHARED/vocab/gpt-2.gguf" <in)" -gt 1000 ]
	[ "$(timeout 60 llm-tok -n "$SHARED/vocab/gpt-2.gguf" <spaces)" -eq 10000000 ]
}

@test "a line of 10 MB that is one word takes no more than 20 bytes of memory for each of its own" {
	need_shared vocab/gpt-2.gguf
	(ulimit -v 200000 && llm-tok -V) || skip 'an instrumented build maps more than that'
	for c in a ' '; do
		head -c 10000000 /dev/zero | tr '\0' "$c" | (ulimit -v 200000; timeout 60 llm-tok -q "$SHARED/vocab/gpt-2.gguf" >ids)
		llm-detok "$SHARED/vocab/gpt-2.gguf" <ids | cmp - <(head -c 10000000 /dev/zero | tr '\0' "$c")
	done
}

# made PYTHON: a vocabulary of t/lib/mkgguf.py, changed by a statement on g, in made.gguf.
made()
{
	need_python
	PYTHONPATH=$REPO/t/lib PYTHONDONTWRITEBYTECODE=1 "$PYTHON" - <<-END
	from mkgguf import *
	g = Gguf()
	$1
	open('made.gguf', 'wb').write(g.bytes())
	END
}

@test "unknown kinds of vocabularies are named, with those that are known" {
	made 'add_bpe(g, pre="martian")'
	fails 1 llm-tok made.gguf
	[[ $stderr == *"'martian'; known: default gpt-2 "*qwen2* ]]
	made 'add_bpe(g); g.set("tokenizer.ggml.model", scalar(STRING, "bert"))'
	fails 1 llm-tok made.gguf
	[[ $stderr == *"'bert'; known: llama gpt2 gemma4 t5" ]]
}

@test "merges that lead nowhere, doubled pieces, missing types" {
	made 'add_bpe(g); g.set("tokenizer.ggml.merges", array(STRING, "h i,h i,hi hi,x,, ,a , b,z z,zz z".split(",")))'
	printf 'hihi hi zzzzz xyz' >in
	llm-tok made.gguf <in | llm-detok | cmp - in
	made 'add_spm(g); p = [x[0] for x in spm_pieces(True)]; g.set("tokenizer.ggml.token_type", None)
g.set("tokenizer.ggml.tokens", array(STRING, p[:-2] + [b"", p[-3]]))'
	llm-tok made.gguf <in | llm-detok | cmp - in
}

@test "Gemma 4's in GGUF: the ids of the same tokenizer.json, but for U+2581, which comes back" {
	local gemma='p, m = add_gemma(g)' step
	mkdir json
	made "$gemma"'
import json
n = len(p)
json.dump({"added_tokens": [{"id": i, "content": p[i], "special": True} for i in range(5)],
	"normalizer": {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"},
	"pre_tokenizer": {"type": "Split", "pattern": {"String": " "}, "behavior": "MergedWithPrevious", "invert": False},
	"decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]},
	"model": {"type": "BPE", "unk_token": "<unk>", "fuse_unk": True, "byte_fallback": True, "vocab": {p[i]: i for i in range(n)}, "merges": m}},
	open("json/tokenizer.json", "w"))'
	{ printf 'hi  hi   abb\n\n\nbbb xé\n <|turn>hi\0 h\0 \0'; endless | sed 's/\xe2\x96\x81/-/g'; } >in
	llm-tok -q -z made.gguf <in | sed 's/^2 //' >got
	llm-tok -q -z json <in >want
	cmp want got
	llm-tok -q -z -s made.gguf <in | sed 's/^2 //' >got
	llm-tok -q -z -s json <in >want
	cmp want got
	printf '\342\226\201hi\342\226\201\342\226\201 \377\342\226' >in
	llm-tok made.gguf <in | llm-detok | cmp - in
	{ endless; noise | tr '\0' '\1'; printf '\0'; } >in
	for step in 7 61 1000; do
		"$LLM_UNIT/vocab_test" -r -p $step made.gguf <in
	done
	made "$gemma; g.set('tokenizer.ggml.merges', None)"
	fails 1 llm-tok made.gguf
	[[ $stderr == *'a gemma4 vocabulary without merges (tokenizer.ggml.merges)' ]]
}

@test "Unigrams in GGUF: rules and scores that lie" {
	t5='add_spm(g); g.set("tokenizer.ggml.model", scalar(STRING, "t5"))'
	made "$t5"
	printf 'hi  ab é\n\377\342\226x' >in
	llm-tok made.gguf <in | llm-detok | cmp - in
	made "$t5; g.set('tokenizer.ggml.scores', None)"
	fails 1 llm-tok made.gguf
	[[ $stderr == *'a t5 vocabulary without tokenizer.ggml.scores' ]]
	for rules in 'U8, [1, 2]' 'I8, [0] * 9' 'U8, [4, 0, 0, 0, 0, 4, 0, 0, 97]' 'U8, [255] * 4 + [0] * 9' 'F32, [1, 2, 3]'; do
		made "$t5; g.set('tokenizer.ggml.precompiled_charsmap', array($rules))"
		fails 1 llm-tok made.gguf
		[[ $stderr == *precompiled_charsmap* ]]
	done
}

@test "the other tables of Unicode are what their generators write" {
	need_python tokenizers unicodedata2
	for name in normal:unicode_normal scripts:unicode_scripts graphemes:grapheme_tables; do
		PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$REPO/t/gen/${name%:*}.py" | cmp - "$REPO/lib/unicode/${name#*:}.h"
	done
}

@test "the Unicode table is what its generator writes" {
	need_python unicodedata2
	"$PYTHON" "$REPO/t/gen/unicode.py" | cmp - "$REPO/lib/unicode/unicode_tables.h"
}
