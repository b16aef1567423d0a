# llm-tok -i and llm-fwd -i: what a vocabulary is, what a model is.

load common

setup()
{
	cd_scratch
}

# value KEY: of the lines on stdin.
value()
{
	awk -v key="$1" '$1 == key { sub(/^[^ ]* /, ""); print }'
}

@test "llm-fwd -i: shapes, types and sizes are those that the package gguf reads" {
	need_python gguf
	for m in "$REPO"/m.bin "$REPO"/t/fixtures/arch/{gemma2,gpt-oss,falcon,mpt,qwen2moe}.gguf; do
		"$PYTHON" "$REPO/t/lib/gguf_info.py" "$m" >want
		llm-fwd -i "$m" | grep -E '^(arch|layers|width|heads|context|type|params|bytes) ' >got
		diff want got
	done
}

@test "llm-fwd -i: the cache in memory grows by what kv says" {
	[ "$(llm-fwd -i "$REPO/m.bin" | value kv)" = 'f16 2560' ] # 5 layers, 4 heads, 32 wide, k and v, 2 bytes
	[ "$(llm-fwd -ik f32 "$REPO/m.bin" | value kv)" = 'f32 5120' ]
	[ "$(llm-fwd -ik q8 "$REPO/m.bin" | value kv)" = 'q8 1360' ] # 34 bytes for 32 numbers
	[ "$(llm-fwd -i "$REPO/m.bin" | value kv_bytes)" = $((512 * 2560)) ]
}

@test "llm-fwd -i -l: stages add up to the whole" {
	m=$REPO/t/fixtures/arch/llama.gguf
	n=$(llm-fwd -i "$m" | value layers)
	for key in params bytes kv_bytes; do
		whole=$(llm-fwd -i "$m" | value $key)
		first=$(llm-fwd -il 0:1 "$m" | value $key)
		rest=$(llm-fwd -il 1: "$m" | value $key)
		[ $((first + rest)) -eq "$whole" ]
		[ "$first" -gt 0 ] && [ "$rest" -gt 0 ]
	done
	[ "$(llm-fwd -il 1: "$m" | value layers)" = "$n 1:$n" ]
}

@test "llm-fwd -i: folders, llama2.c's files, adapters" {
	llm-fwd -iL "$REPO/t/fixtures/adapter/llama/one=0.5" "$REPO/t/fixtures/adapter/llama/base.gguf" >out
	[[ $(value adapter <out) == '0.5 '*" $REPO/t/fixtures/adapter/llama/one" ]]
	need_python
	"$PYTHON" "$REPO/t/lib/mkfolder.py" "$REPO/t/fixtures/folder/llama" folder
	llm-fwd -i folder >out
	[ "$(value format <out)" = folder ] && [ "$(value arch <out)" = llama ]
	need_shared models/stories260K/stories260K.bin
	llm-fwd -i "$SHARED/models/stories260K/stories260K.bin" >out
	[ "$(value format <out)" = llama2.c ] && [ "$(value width <out)" = 64 ]
}

@test "llm-tok -i: counts add up, and the table holds what is neither normal, unused nor a byte" {
	for m in "$REPO/m.bin" "$REPO"/t/fixtures/sentencepiece/*.model; do
		llm-tok -i "$m" | sed '/^$/q' >keys
		llm-tok -i "$m" | sed '1,/^$/d' >table
		all=$(value vocab <keys)
		sum=0
		for t in normal unknown control user unused byte; do
			n=$(value $t <keys)
			sum=$((sum + n))
			case $t in unknown | control | user) [ "$(cut -f 2 table | grep -cx $t)" = "$n" ] ;; esac
		done
		[ "$sum" -eq "${all% *}" ]
		[ "$(head -n 1 table)" = "$(printf '# id\ttype\tuse\tpiece')" ]
		[ "# vocab $all" = "$(llm-tok "$m" </dev/null | grep vocab)" ]
	done
}

@test "llm-tok -i: bos is what a text begins with, eog what llm-fwd says" {
	[ "$(llm-tok -i "$REPO/m.bin" | value bos)" = "$(echo hi | llm-tok -q "$REPO/m.bin" | cut -d ' ' -f 1)" ]
	[ "$(llm-tok -i "$REPO/m.bin" | awk -F '\t' '$3 ~ /eog/ { print $1 }')" = "$(llm-fwd -i "$REPO/m.bin" | value eog)" ]
}

@test "llm-tok -i: kinds and pre-tokenizers" {
	cat >tokenizer.json <<-'END'
		{"model": {"type": "BPE", "vocab": {"a": 0, "b": 1, "ab": 2}, "merges": ["a b"]},
		"added_tokens": [{"id": 3, "content": "<tab>\t", "special": true}, {"id": 4, "content": "<you>"}],
		"pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits"}, {"type": "ByteLevel"}]},
		"decoder": {"type": "ByteLevel"}}
	END
	llm-tok -i tokenizer.json >out
	[ "$(value kind <out)" = 'byte-level BPE' ] && [ "$(value pre <out)" = 'Digits ByteLevel' ]
	[ "$(tail -n 2 out)" = "$(printf '3\tcontrol\t-\t<tab>\\t\n4\tuser\t-\t<you>')" ]
	need_shared vocab/gpt-2.gguf
	llm-tok -i "$SHARED/vocab/gpt-2.gguf" >out
	[ "$(value kind <out)" = 'byte-level BPE' ] && [ "$(value pre <out)" = gpt-2 ]
	llm-tok -i "$SHARED/vocab/phi-3.gguf" >out
	[ "$(value kind <out)" = 'SentencePiece BPE' ] && [ -z "$(value pre <out)" ]
}

@test "-i: a broken file is one line, as ever; an empty input is not read" {
	printf 'GGUF' >bad
	fails 1 llm-fwd -i bad
	fails 1 llm-tok -i bad
	(exec <&-; llm-fwd -i "$REPO/m.bin") >/dev/null
	(exec <&-; llm-tok -i "$REPO/m.bin") >/dev/null
}
