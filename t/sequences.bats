# sequences.bats - several sequences at once: the same text as one at a time.

load common

LIMIT="timeout 60"	# nothing here takes that long: it hangs
UNIT=${LLM_UNIT:-$REPO/build/t/unit}
ARCH=$BATS_TEST_DIRNAME/fixtures/arch

setup()
{
	cd_scratch
}

@test "sequences in one pass have the rows that they have alone" {
	[ -x "$UNIT/beside_test" ] || { echo "$UNIT/beside_test is missing: make unit"; return 1; }
	for m in "$REPO/m.bin" "$ARCH/"{phi3-long,gpt2,gemma3,olmoe,gpt-oss}.gguf; do
		echo "$m"
		$LIMIT "$UNIT/beside_test" "$m"
	done
}
