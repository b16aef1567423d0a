# arch.bats - architectures: small random models against what transformers computes with them.
# t/oracle/arch.py made the fixtures: the GGUF files are those of llama.cpp's own converter.

load common

FIXTURES=$BATS_TEST_DIRNAME/fixtures/arch

setup()
{
	cd_scratch
	need_python
}

# near MODEL FILE: the stream in the file has the logits of transformers.
near() # MODEL FILE [LIMIT]
{
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/rowdiff.py" "$FIXTURES/$1.f32" "${3-1e-4}" <"$2" >said || { cat said; return 1; }
}

models()
{
	cd "$FIXTURES" && ls *.gguf | sed 's/\.gguf$//'
}

each() # KERNELS
{
	for m in $(models); do
		echo "$m"
		LLM_KERNELS=$1 llm-fwd -1a -k f32 "$FIXTURES/$m.gguf" <"$FIXTURES/$m.ids" >rows 2>err || {
			! grep -q LLM_KERNELS err || skip "$(cat err)"
			cat err
			return 1
		}
		near "$m" rows
	done
}

@test "every architecture has a model here" {
	LC_ALL=C sed 's/\(general.architecture.\{12\}\)llama/\1mamba/' "$FIXTURES/llama.gguf" >x.gguf
	fails 1 llm-fwd x.gguf
	[[ $stderr = "llm-fwd: x.gguf: architecture 'mamba' is not known; known: "* ]]
	echo "$stderr"
	for a in $(sed 's/.*known: //; s/,//g' <<<"$stderr"); do
		[ ! -e "$BATS_TEST_DIRNAME/fixtures/folder/$a" ] || continue # t/folder.bats
		cat "$FIXTURES"/*.gguf | tr '\0\n' '..' | grep -qa "general.architecture.\{12\}${a}.\{8\}general" || { echo "none of $a"; return 1; }
	done
}

@test "logits of a prompt: portable kernels" { each portable; }
@test "logits of a prompt: AVX2" { each avx2; }
@test "logits of a prompt: AVX-512" { each avx512; }

@test "Gemma 3 as older converters wrote it: the base of its sliding layers is not said" {
	LC_ALL=C sed 's/gemma3.rope.freq_base_swa/gemma3.rope.freq_base_old/' "$FIXTURES/gemma3.gguf" >old.gguf
	! cmp -s "$FIXTURES/gemma3.gguf" old.gguf
	llm-fwd -1a -k f32 old.gguf <"$FIXTURES/gemma3.ids" >rows
	near gemma3 rows
}

@test "logits of a prompt, keys and values of half precision" {
	for m in $(models | grep -v 'moe\|mixtral\|gpt-oss'); do # a token may go to another expert
		echo "$m"
		llm-fwd -1a "$FIXTURES/$m.gguf" <"$FIXTURES/$m.ids" >rows
		near "$m" rows 0.05
		! cmp -s rows <(llm-fwd -1a -k f32 "$FIXTURES/$m.gguf" <"$FIXTURES/$m.ids")
	done
}

# Positions, ids and bits of the rows.
bits()
{
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/rowsum.py" | awk '{ print $2, $3, $5 }'
}

@test "the same bits whether all rows are wanted or the last: the last layer leaves out what is not" {
	for m in $(models); do
		echo "$m"
		llm-fwd -1a "$FIXTURES/$m.gguf" <"$FIXTURES/$m.ids" | bits | tail -n 1 >all
		llm-fwd -1 "$FIXTURES/$m.gguf" <"$FIXTURES/$m.ids" | bits >last
		cmp all last
	done
}

@test "the same bits token by token, and for any number of threads" {
	for m in $(models); do
		echo "$m"
		llm-fwd -1a -t 1 "$FIXTURES/$m.gguf" <"$FIXTURES/$m.ids" | bits >want
		[ "$(wc -l <want)" -eq 48 ]
		tr ' ' '\n' <"$FIXTURES/$m.ids" | llm-fwd -1a -t 3 "$FIXTURES/$m.gguf" | bits | diff - want
	done
}

@test "the same bits with AVX2, AVX-VNNI and AVX-512" {
	for m in $(models); do
		for k in avx2 avxvnni avx512; do
			LLM_KERNELS=$k llm-fwd -1a "$FIXTURES/$m.gguf" <"$FIXTURES/$m.ids" >rows.$k 2>err || grep LLM_KERNELS err
			[ ! -s rows.$k ] || cmp rows.$k "$(ls rows.* | head -n 1)"
		done
		rm rows.*
	done
	LLM_KERNELS=avx2 llm-fwd </dev/null 2>err || ! grep -q LLM_KERNELS err || skip "$(cat err)"
}

@test "the same bits after a rewind, across the edge of a long context, too" {
	for m in $(models); do
		echo "$m"
		llm-fwd -1a "$FIXTURES/$m.gguf" <"$FIXTURES/$m.ids" >want
		{ cat "$FIXTURES/$m.ids"; echo "@20 $(cut -d ' ' -f 21- "$FIXTURES/$m.ids")"; } |
			llm-fwd -1a "$FIXTURES/$m.gguf" >got
		row=$((16 + 4 * 97))
		tail -c $((28 * row)) want | cmp - <(tail -c $((28 * row)) got)
	done
}
