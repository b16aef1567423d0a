# folder.bats - Hugging Face folders: made up models of every type against what transformers
# computes with them. t/oracle/folder.py made the fixtures, t/lib/mkfolder.py makes the folders.

load common

FIXTURES=$BATS_TEST_DIRNAME/fixtures/folder

setup()
{
	cd_scratch
	need_python
}

# make_folder FIXTURE FOLDER [DTYPE [SHARDS]] [old]; . . : of each fixture one of its name
make_folder()
{
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/mkfolder.py" "$FIXTURES/$1" "${@:2}"
}

# near FIXTURE [LIMIT]: the stream in the file "rows" has the logits of transformers.
near()
{
	local limit=${2:-1e-4}
	[[ $1 != *mxfp4 ]] || limit=${2:-0.5} # its inputs are rounded to 8 bits
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/rowdiff.py" "$FIXTURES/$1/logits.f32" $limit <rows >said || { cat said; return 1; }
}

models()
{
	cd "$FIXTURES" && ls -d */ | tr -d /
}

has() # KERNELS: this machine has them
{
	LLM_KERNELS=$1 llm-fwd </dev/null 2>err || ! grep -q LLM_KERNELS err
}

each() # HOW IT IS MADE...
{
	make_folder . . "$@"
	for m in $(models); do
		echo "$m"
		llm-fwd -1a -k f32 "$m" <"$FIXTURES/ids" >rows
		near "$m"
	done
}

@test "logits of all models: F32, unaligned" { each F32; }
@test "logits of all models: F16, in three files" { each F16 3; }
@test "logits of all models: BF16, as transformers 4 spells it" {
	! has avx512bf16 || export LLM_KERNELS=avx512 # which do not round
	each BF16 1 old
}

@test "logits of all models: portable kernels and AVX2" {
	make_folder . . BF16
	for m in $(models); do
		echo "$m"
		for k in portable avx2; do
			LLM_KERNELS=$k llm-fwd -1a -k f32 "$m/" <"$FIXTURES/ids" >rows 2>err || {
				grep -q LLM_KERNELS err && continue
				cat err
				return 1
			}
			near "$m"
		done
	done
}

@test "every architecture has a model here" {
	mkdir x
	echo '{"model_type":"bert"}' >x/config.json
	make_folder llama y
	cp y/model.safetensors x
	fails 1 llm-fwd x
	[[ $stderr = "llm-fwd: x/config.json: model_type 'bert' is not known; known: "* ]]
	for t in $(sed 's/.*known: //; s/,//g' <<<"$stderr"); do
		grep -q "\"model_type\": \"$t\"" "$FIXTURES"/*/config.json || { echo "none of $t"; return 1; }
	done
}

@test "what comes later is refused by name" {
	make_folder llama x
	for t in deepseek_v3 mamba2 qwen3_next kimi_k2 falcon_h1 granitemoehybrid; do
		echo "{\"model_type\":\"$t\"}" >x/config.json
		fails 1 llm-fwd x
		[[ $stderr = "llm-fwd: x/config.json: model_type '$t' has "*", which are not supported yet; known: "* ]]
	done
}

# Positions, ids and bits of the rows.
bits()
{
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/rowsum.py" | awk '{ print $2, $3, $5 }'
}

@test "the same bits token by token, and for any number of threads" {
	make_folder . . F16
	for m in $(models); do
		echo "$m"
		llm-fwd -1a -t 1 "$m" <"$FIXTURES/ids" | bits >want
		[ "$(wc -l <want)" -eq 40 ]
		tr ' ' '\n' <"$FIXTURES/ids" | llm-fwd -1a -t 3 "$m" | bits | diff - want
	done
}

@test "BF16 that meets BF16: near, the same bits token by token, and for any number of threads" {
	has avx512bf16 || skip "$(cat err)"
	export LLM_KERNELS=avx512bf16
	make_folder . . BF16
	for m in $(models); do
		echo "$m"
		llm-fwd -1a -k f32 -t 1 "$m" <"$FIXTURES/ids" >rows
		near "$m" 1 # a token may go to another expert
		bits <rows >want
		tr ' ' '\n' <"$FIXTURES/ids" | llm-fwd -1a -k f32 -t 3 "$m" | bits | diff - want
	done
}

@test "a model that also sees: its text alone" {
	make_folder gemma3 x F16
	llm-fwd -1a x <"$FIXTURES/ids" >want
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" "$PYTHON" - "$FIXTURES/gemma3" <<-'END'
		import json, os, sys, mkfolder
		config, tensors = mkfolder.read(sys.argv[1])
		made = [(name, 'F16', dims, mkfolder.data(name, 'F16', dims, 'gemma3_text')) for name, _, dims in tensors]
		for prefix in 'language_model.', 'model.language_model.':
		    path = prefix + 'dir'
		    os.mkdir(path)
		    json.dump(dict(model_type='gemma3', text_config=config, vision_config={}, tie_word_embeddings=True), open(path + '/config.json', 'w'))
		    with open(path + '/model.safetensors', 'wb') as f:
		        f.write(mkfolder.safetensors([(prefix + (n if prefix[0] == 'l' else n.removeprefix('model.')), *rest) for n, *rest in made] +
		            [('vision_tower.vision_model.embeddings.position_embedding.weight', 'F32', [1, 1, 1, 1, 1], b'\0' * 4)]))
	END
	for d in language_model.dir model.language_model.dir; do
		llm-fwd -1a $d <"$FIXTURES/ids" | cmp <(tail -c 15000 want) <(tail -c 15000)
	done
}

@test "an output matrix beside tied embeddings is not used" {
	make_folder gemma x F16
	llm-fwd -1a x <"$FIXTURES/ids" >want
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" "$PYTHON" - "$FIXTURES/gemma" <<-'END'
		import sys, mkfolder
		config, tensors = mkfolder.read(sys.argv[1])
		made = [(name, 'F16', dims, mkfolder.data(name, 'F16', dims, 'gemma')) for name, _, dims in tensors]
		made.append(('lm_head.weight', 'F16', [97, 24], b'\0' * 97 * 48))
		open('x/model.safetensors', 'wb').write(mkfolder.safetensors(made))
	END
	llm-fwd -1a x <"$FIXTURES/ids" | cmp - want
}

@test "nothing of the matrices is copied" {
	[ -z "$LLM_SANITIZER" ] || skip 'sanitizers have memory of their own'
	[ -r /proc/self/smaps_rollup ] || skip 'no /proc/PID/smaps_rollup here'
	for m in gpt2 falcon40 gptneox; do
		"$PYTHON" - "$FIXTURES/$m" "$m" <<-'END'
			import json, os, struct, sys # the fixture's tensors, but wide, and all zeros
			config = json.load(open(sys.argv[1] + '/config.json'))
			for k in 'hidden_size', 'n_embd':
			    if k in config: config[k] *= 16
			for k in 'intermediate_size', 'ffn_hidden_size':
			    if k in config: config[k] *= 16
			config['num_attention_heads' if 'num_attention_heads' in config else 'n_head'] *= 16
			if 'num_kv_heads' in config: config['num_kv_heads'] *= 16
			head, at = {}, 0
			for line in open(sys.argv[1] + '/tensors'):
			    name, _, *dims = line.split()
			    dims = [int(d) * (1 if int(d) in (97, 64) else 16) for d in dims]
			    n = 4
			    for d in dims: n *= d
			    head[name] = dict(dtype='F32', shape=dims, data_offsets=[at, at + n])
			    at += n
			os.mkdir(sys.argv[2])
			json.dump(config, open(sys.argv[2] + '/config.json', 'w'))
			text = json.dumps(head).encode()
			with open(sys.argv[2] + '/model.safetensors', 'wb') as f:
			    f.write(struct.pack('<Q', len(text)) + text)
			    f.truncate(8 + len(text) + at)
		END
		[ "$(stat -c %s $m/model.safetensors)" -gt 10000000 ]
		mkfifo in
		llm-fwd -1 -t 1 $m <in >rows &
		exec 8>in
		echo 1 2 3 >&8
		within 10 sh -c '[ $(wc -c <rows) -gt 400 ]'
		awk -v m=$m '/^Private_Dirty/ { print m, $2 " kB"; bad = $2 > 2000 } END { exit bad }' /proc/$!/smaps_rollup
		exec 8>&-
		wait $!
		rm in
	done
}

broken()
{
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" run "$PYTHON" "$BATS_TEST_DIRNAME/lib/badfolder.py" "$1"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "small folders of every kind are read: what the next tests break" { broken good; }
@test "safetensors: cut, headers, dtypes, shapes, offsets, names that lie" { broken tensors; }
@test "config.json: text, types, numbers, rope, layers, other models'" { broken configs; }
@test "the index: names of files, tensors elsewhere, shards missing" { broken index; }
@test "random bytes in configurations and headers: no signal" { broken noise; }

@test "ids that no piece has: the vocabulary goes as far as config.json says, and the whole pipe runs" {
	make_folder llama x
	"$PYTHON" - <<-'END'
		import json
		pieces = [chr(c) for c in range(33, 93)] + ['</s>', '<|im_end|>']
		json.dump(dict(added_tokens=[dict(id=60, content='</s>', special=True), dict(id=61, content='<|im_end|>', special=True)],
		    model=dict(type='BPE', vocab={p: i for i, p in enumerate(pieces)}, merges=[])), open('x/tokenizer.json', 'w'))
		json.dump(dict(eos_token_id=[60, 70]), open('x/generation_config.json', 'w'))
	END
	echo ABC | llm-tok x >ids
	vocab=$(sed -n 's/^# vocab //p' ids)
	[[ $vocab = "97 "* ]]
	llm-fwd -1 x <ids >rows
	grep -aqx "vocab $vocab" rows
	grep -aqx 'eog 2 60 61 70' rows
	llm-tok x <<<ABC | llm-fwd x | llm-sample -t 0 -n 4 | llm-detok >text
	[ "$(wc -l <text)" -eq 1 ]
	{ seq 62 96 | tr '\n' ' '; echo; } | llm-detok x | cmp - <(echo)
	sed -i 's/"vocab_size": *[0-9]*/"vocab_size": 400000/' x/config.json
	fails 1 llm-tok x <<<ABC
	[[ $stderr = 'llm-tok: x/config.json: a vocab_size of 400000 beside 62 pieces' ]]
}
