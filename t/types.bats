# types.bats - the formats of weights: what they unpack to, on every set of kernels.
# The references are in t/fixtures/types, made by t/lib/weights.py with the Python package gguf.

load common

TEST=${LLM_UNIT:-$REPO/build/t/unit}/types_test
FIXTURES=$BATS_TEST_DIRNAME/fixtures/types

setup()
{
	cd_scratch
	[ -x "$TEST" ] || { echo "$TEST is missing: make unit"; return 1; }
}

@test "the table has every type that the reference has, and no other" {
	diff <("$TEST" -l | cut -d ' ' -f 1,2) <(cut -d ' ' -f 1,2 "$FIXTURES/cksums")
}

@test "blocks of every type unpack as the Python package gguf unpacks them" {
	"$TEST" -l | while read -r number name _; do
		"$TEST" "$number" <"$FIXTURES/$name.blocks" | cmp - "$FIXTURES/$name.f32" || exit
	done
}

@test "65536 blocks of every type, with all half-precision scales: the package's checksums" {
	"$TEST" -l | while read -r number name _; do
		"$TEST" -b 65536 "$number" >blocks
		echo "$number $name $("$TEST" "$number" <blocks | cksum)"
	done >got
	diff got "$FIXTURES/cksums"
}

@test "the codebooks of the IQ formats are what their generator writes" {
	need_python gguf
	PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$REPO/t/gen/iq_grids.py" | cmp - "$REPO/lib/weights/iq_grids.h"
}

@test "the package itself, if it is here, on other blocks" {
	need_python gguf
	"$PYTHON" "$BATS_TEST_DIRNAME/lib/weights.py" "$TEST" 4096
}

multiply() # with one set of kernels
{
	LLM_KERNELS=$1 llm-fwd </dev/null 2>err || ! grep -q 'LLM_KERNELS' err || skip "$(cat err)"
	"$TEST" -l | while read -r number name _; do
		"$TEST" -b 256 "$number" | LLM_KERNELS=$1 "$TEST" -k "$number" || exit
	done
}

@test "every type in products: portable kernels" { multiply portable; }
@test "every type in products: AVX2" { multiply avx2; }
@test "every type in products: AVX-VNNI" { multiply avxvnni; }
@test "every type in products: AVX-512" { multiply avx512; }
@test "every type in products: NEON" { multiply neon; }
@test "every type in products: NEON with dot products" { multiply dotprod; }

kernels() # one set: products of all types and shapes, attention, the rest
{
	LLM_KERNELS=$1 llm-fwd </dev/null 2>err || ! grep -q 'LLM_KERNELS' err || skip "$(cat err)"
	for seed in 1 2 3; do
		LLM_KERNELS=$1 "${TEST%/*}/kernels_test" $seed || exit
	done
}

@test "kernels against plain sums: portable" { kernels portable; }
@test "kernels against plain sums: AVX2" { kernels avx2; }
@test "kernels against plain sums: AVX-VNNI" { kernels avxvnni; }
@test "kernels against plain sums: AVX-512" { kernels avx512; }
@test "kernels against plain sums: AVX-512 with BF16" { kernels avx512bf16; }
@test "kernels against plain sums: AVX-512 with AMX" { kernels amx; }
@test "kernels against plain sums: NEON" { kernels neon; }
@test "kernels against plain sums: NEON with dot products" { kernels dotprod; }

@test "a type that cannot be read is named" {
	cp "$REPO/m.bin" bad.gguf
	at=$(grep -abo 'blk.0.attn_q.weight' bad.gguf | head -n 1 | cut -d : -f 1)
	printf '\x2b' | dd of=bad.gguf bs=1 seek=$((at + 19 + 4 + 16)) conv=notrunc status=none
	fails 1 bash -c 'echo hi | llm-tok bad.gguf | llm-fwd bad.gguf'
	[[ $stderr = *attn_q*unknown\ type* ]]
}
