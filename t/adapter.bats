# adapter.bats - low-rank adapters: what peft and transformers compute with them, merged, is what
# llm-fwd -L computes beside the base. t/oracle/adapter.py made the fixtures.

load common

FIXTURES=$BATS_TEST_DIRNAME/fixtures/adapter
IDS=$BATS_TEST_DIRNAME/fixtures/folder/ids

setup()
{
	cd_scratch
	need_python
}

# make_base NAME: the folder that the adapters of that name are for.
make_base()
{
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/mkfolder.py" "$BATS_TEST_DIRNAME/fixtures/folder/$1" "$1"
}

make_model() # KIND FILE
{
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/mkgguf.py" "$1" "$2"
}

names()
{
	cd "$FIXTURES" && ls
}

# near FILE OPTION...: llm-fwd gives the logits of the file of the fixtures.
near()
{
	local want=$FIXTURES/$1
	shift
	llm-fwd -1a -k f32 "$@" <"$IDS" >rows
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/rowdiff.py" "$want" 1e-4 <rows >said || { echo "$*: $(cat said)"; return 1; }
}

# each KIND: adapters of one kind (nothing, or .gguf) on folders and on GGUF files.
each()
{
	local n=0
	for m in $(names); do
		[ -e "$FIXTURES/$m/one$1" ] || continue
		n=$((n + 1))
		[ -e $m ] || make_base $m
		for base in $m "$FIXTURES/$m/base.gguf"; do
			near $m/one.f32 -L "$FIXTURES/$m/one$1" "$base"
			near $m/both.f32 -L "$FIXTURES/$m/one$1=0.5" -L "$FIXTURES/$m/two$1=-1.5" "$base"
		done
	done
	[ $n -ge 9 ]
}

@test "logits of folders of PEFT: one and two at once, on folders and on GGUF" { each ''; }
@test "logits of adapters in GGUF: one and two at once, on GGUF and on folders" { each .gguf; }

@test "ranks and alphas by patterns, alpha over the root of the rank, one parameter of experts" {
	for m in $(names); do
		[ -e "$FIXTURES/$m/three" ] || continue
		make_base $m
		grep -q 'rslora": true\|rank_pattern": {$\|target_parameters": \[' "$FIXTURES/$m/three/adapter_config.json"
		near $m/three.f32 -L "$FIXTURES/$m/three" $m
		near $m/three.f32 -L "$FIXTURES/$m/three/=1e0" "$FIXTURES/$m/base.gguf"
	done
	[ -e llama ] && [ -e qwen2 ] && [ -e qwen3moe ] && [ -e gpt-oss ]
}

@test "logits with portable kernels; the same bits with AVX2, AVX-VNNI and AVX-512" {
	for m in llama qwen2 mixtral; do
		for k in portable avx2 avxvnni avx512; do
			echo '' | LLM_KERNELS=$k llm-fwd "$FIXTURES/$m/base.gguf" >/dev/null 2>err || { grep LLM_KERNELS err; continue; }
			LLM_KERNELS=$k near $m/one.f32 -L "$FIXTURES/$m/one" "$FIXTURES/$m/base.gguf"
			[ $k = portable ] || mv rows rows.$k
		done
		for r in rows.*; do
			[ ! -e "$r" ] || cmp "$r" "$(ls rows.* | head -n 1)"
		done
	done
}

@test "the same bits token by token, for any number of threads, in stages" {
	for m in llama qwen2 mixtral gpt2; do
		local with=(-L "$FIXTURES/$m/one" -L "$FIXTURES/$m/two=0.3" "$FIXTURES/$m/base.gguf")
		llm-fwd -1a -t 1 "${with[@]}" <"$IDS" >want
		llm-fwd -1a -t 3 "${with[@]}" <"$IDS" | cmp - want
		tr ' ' '\n' <"$IDS" | llm-fwd -1a -t 2 "${with[@]}" | "$PYTHON" "$BATS_TEST_DIRNAME/lib/rowsum.py" | awk '{ print $2, $3, $5 }' >rows
		"$PYTHON" "$BATS_TEST_DIRNAME/lib/rowsum.py" <want | awk '{ print $2, $3, $5 }' | diff - rows
		llm-fwd -1 -l :1 "${with[@]}" <"$IDS" | llm-fwd -1 -l 1:2 "${with[@]}" | llm-fwd -1a -l 2: "${with[@]}" | cmp - want
	done
}

@test "scale 0 is the base, bit for bit; scales add up" {
	for m in $(names); do
		llm-fwd -1a "$FIXTURES/$m/base.gguf" <"$IDS" >base
		llm-fwd -1a -L "$FIXTURES/$m/one=0" -L "$FIXTURES/$m/two=-0" "$FIXTURES/$m/base.gguf" <"$IDS" | cmp - base
		! llm-fwd -1a -L "$FIXTURES/$m/one=1e-2" "$FIXTURES/$m/base.gguf" <"$IDS" | cmp -s - base
	done
	near llama/one.f32 -L "$FIXTURES/llama/one=0.25" -L "$FIXTURES/llama/one=0.75" "$FIXTURES/llama/base.gguf"
	near llama/one.f32 -L "$FIXTURES/llama/one=2" -L "$FIXTURES/llama/one.gguf=-1" "$FIXTURES/llama/base.gguf"
}

@test "a base with weights in blocks: what is added is not rounded" {
	make_model q8_0 base.gguf
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/mkadapter.py" types
	for t in f16 bf16 q8_0; do
		echo 1 2 3 4 5 0 | llm-fwd -1a -L $t.gguf base.gguf >rows
		echo 1 2 3 4 5 0 | llm-fwd -1a -L $t-f32.gguf base.gguf | cmp - rows
		! echo 1 2 3 4 5 0 | llm-fwd -1a base.gguf | cmp -s - rows
	done
}

@test "many adapters, and a rank of thousands" {
	local many=()
	for i in {1..100}; do
		many+=(-L "$FIXTURES/llama/one=0.01")
	done
	llm-fwd -1a -k f32 "${many[@]}" "$FIXTURES/llama/base.gguf" <"$IDS" >rows
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/rowdiff.py" "$FIXTURES/llama/one.f32" 1e-3 <rows
	make_model bare base.gguf
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" "$PYTHON" -c '
import mkadapter
g = mkadapter.add(mkadapter.gguf(), "blk.0.attn_q.weight", 8, 8, 70000)
open("wide.gguf", "wb").write(g.bytes())'
	echo 1 2 3 4 5 0 | llm-fwd -1a -t 2 -L wide.gguf base.gguf >rows
	for i in 1 2 3 4 5 0; do echo $i; done | llm-fwd -1a -t 1 -L wide.gguf base.gguf >one
	cmp <(tail -c 40 rows) <(tail -c 40 one)
}

@test "an adapter of another base is refused: by architecture, name, shape" {
	local a=$FIXTURES
	fails 1 llm-fwd -L "$a/qwen2/one.gguf" "$a/llama/base.gguf"
	[ "$stderr" = "llm-fwd: $a/qwen2/one.gguf: an adapter for architecture 'qwen2', and $a/llama/base.gguf is 'llama'" ]
	fails 1 llm-fwd -L "$a/gpt2/one" "$a/llama/base.gguf"
	[[ $stderr = *'adapter_model.safetensors: module transformer.h.0.attn.c_attn: in a model of architecture '*' nothing of that name is known' ]]
	fails 1 llm-fwd -L "$a/mixtral/one" "$a/llama/base.gguf"
	[[ $stderr = *'tensor blk.0.ffn_'*' has no matrix of that name to add to: an adapter of another model' ]]
	fails 1 llm-fwd -L "$a/phi3/one" "$a/mpt/base.gguf"
	[[ $stderr = *'tensor blk.0.attn_qkv.weight is 24 x 48 x 1, in '*'base.gguf 24 x 72 x 1: an adapter of another model' ]]
	for a in one.gguf one; do
		fails 1 llm-fwd -L "$FIXTURES/llama/$a" "$REPO/m.bin"
		[[ $stderr = *'tensor blk.0.attn_q.weight is 24 x 24 x 1, in '*'m.bin 256 x 256 x 1: an adapter of another model' ]]
	done
}

@test "a model as adapter, an adapter as model, neither" {
	local a=$FIXTURES/llama
	fails 1 llm-fwd -L "$a/base.gguf" "$a/base.gguf"
	[ "$stderr" = "llm-fwd: $a/base.gguf: not an adapter: its 'general.type' is model" ]
	fails 1 llm-fwd -L "$REPO/m.bin"
	make_base llama
	fails 1 llm-fwd -L llama "$a/base.gguf"
	[ "$stderr" = 'llm-fwd: llama: a folder without adapter_config.json: not an adapter of PEFT' ]
	fails 1 llm-fwd -L "$a/one/adapter_model.safetensors" "$a/base.gguf"
	[ "$stderr" = "llm-fwd: $a/one/adapter_model.safetensors: not an adapter: neither a GGUF file nor a folder of PEFT" ]
	fails 1 llm-fwd "$a/one.gguf"
	[ "$stderr" = "llm-fwd: $a/one.gguf: an adapter, which llm-fwd -L adds to a model, not a model" ]
	fails 1 llm-fwd "$a/one"
	[ "$stderr" = "llm-fwd: $a/one: a folder without config.json: an adapter, which llm-fwd -L adds to a model" ]
	mkdir old
	cp "$a/one/adapter_config.json" old
	fails 1 llm-fwd -L old "$a/base.gguf"
	[[ $stderr = *'(an adapter_model.bin must be converted)' ]]
	fails 1 llm-fwd -L missing "$a/base.gguf"
	for x in "$a/one=" "$a/one=x" "$a/one=1x" "$a/one=nan" "$a/one=inf" "$a/one=1e7"; do
		fails 2 llm-fwd -L "$x" "$a/base.gguf"
	done
	cp -r "$a/one" a=b
	near llama/one.f32 -L a=b=1 "$a/base.gguf"
}

broken()
{
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" run "$PYTHON" "$BATS_TEST_DIRNAME/lib/badadapter.py" "$1"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "small adapters of every kind are read: what the next tests break" { broken good; }
@test "adapters in GGUF: cut, keys, names, shapes, halves, types" { broken gguf; }
@test "adapter_config.json: text, types, numbers, patterns, methods that are not done" { broken configs; }
@test "adapter_model.safetensors: names, halves, shapes, dtypes, ranks" { broken tensors; }
@test "random bytes in adapters: no signal" { broken noise; }
