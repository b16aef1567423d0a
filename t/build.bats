# Makefile: compilers and flags of the user's choice, install, uninstall.

load common

build() # VARIABLE=VALUE... - build in the scratch folder, silently
{
	run make -s -C "$REPO" BUILD="$BATS_TEST_TMPDIR/build" BIN="$BATS_TEST_TMPDIR/bin" "$@"
	echo "$output"
	[ "$status" -eq 0 ] && [ -z "$output" ]
}

answers() # the programs just built work
{
	[ "$(echo hi | PATH="$BATS_TEST_TMPDIR/bin:$PATH" sh -c \
		'llm-tok m.bin | llm-fwd m.bin | llm-sample -t 0 -n 5 | llm-detok')" = 'Once upon a time,' ]
}

setup()
{
	[ -z "$LLM_SANITIZER" ] || skip 'says nothing about instrumented programs'
	unset MAKEFLAGS MAKELEVEL # of the make that runs the tests
	cd "$REPO" || return
}

@test "make: strict C11 and POSIX, many warnings, none given" {
	build CFLAGS='-O1 -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror'
	answers
}

@test "make CC=clang" {
	need clang
	build CC=clang CFLAGS='-O1 -Wpedantic -Werror'
	answers
}

@test "make for aarch64: kernels against plain sums, and the text and the bits of x86-64's vectors" {
	need aarch64-linux-gnu-gcc
	need qemu-aarch64
	export QEMU_LD_PREFIX=/usr/aarch64-linux-gnu
	local fwd=$BATS_TEST_TMPDIR/bin/llm-fwd test=$BATS_TEST_TMPDIR/build/t/unit/kernels_test ids=t/fixtures/reference-ids.txt
	build CC=aarch64-linux-gnu-gcc CFLAGS='-O1 -Werror' "$fwd" "$test"
	for k in neon dotprod; do
		LLM_KERNELS=$k qemu-aarch64 "$test"
		[ "$(echo hi | llm-tok m.bin | LLM_KERNELS=$k qemu-aarch64 "$fwd" m.bin | llm-sample -t 0 -n 12 | llm-detok)" = \
			'Once upon a time, there was a little girl named Lily' ]
		LLM_KERNELS=$k qemu-aarch64 "$fwd" -1a m.bin <$ids >"$BATS_TEST_TMPDIR/$k"
	done
	cmp "$BATS_TEST_TMPDIR/neon" "$BATS_TEST_TMPDIR/dotprod"
	! LLM_KERNELS=avx2 llm-fwd -1a m.bin <$ids >"$BATS_TEST_TMPDIR/avx2" || cmp "$BATS_TEST_TMPDIR/avx2" "$BATS_TEST_TMPDIR/neon"
}

@test "make install, run from there, uninstall leaves nothing" {
	export DESTDIR=$BATS_TEST_TMPDIR/root PREFIX=/opt/llm
	make -s install DESTDIR="$DESTDIR" PREFIX=$PREFIX
	cd "$BATS_TEST_TMPDIR"
	[ "$(echo hi | PATH="$DESTDIR$PREFIX/bin:$PATH" sh -c \
		'llm-tok | llm-fwd | llm-sample -t 0 -n 5 | llm-detok')" = 'Once upon a time,' ]
	for page in llm-tok.1 llm-fwd.1 llm-sample.1 llm-detok.1 llm-tokens.5 llm-logits.5 llmutils.7; do
		cmp "$REPO/man/$page" "$DESTDIR$PREFIX/share/man/man${page##*.}/$page"
	done
	make -s -C "$REPO" uninstall DESTDIR="$DESTDIR" PREFIX=$PREFIX
	[ -z "$(find "$DESTDIR" -type f)" ]
}

@test "the programs need libc, libm and pthreads only" {
	need ldd
	for p in llm-tok llm-fwd llm-sample llm-detok; do
		run ldd "$BIN/$p"
		[ -z "$(echo "$output" | grep -vE 'linux-vdso|lib(c|m|pthread)\.so|ld-linux|ld-musl')" ]
	done
}

@test "bench: rows of the model that ships, where there is no other engine" {
	need_python
	mkdir "$BATS_TEST_TMPDIR/t"
	cp t/bench "$BATS_TEST_TMPDIR/t" # beside no other models
	cp m.bin "$BATS_TEST_TMPDIR"
	run env -u BENCH_MODELS LLM_BIN="$BIN" LLM_UNIT="${LLM_UNIT:-$REPO/build/t/unit}" PEER_BIN="$BATS_TEST_TMPDIR" "$PYTHON" "$BATS_TEST_TMPDIR/t/bench" -q -r 1 -o "$BATS_TEST_TMPDIR/log"
	echo "$output"
	[ "$status" -eq 0 ]
	for row in 'prompt 256' 'gen at 0' 'first 1/s' 'four programs' '8 at once' 'memory'; do
		echo "$output" | grep -qE "\.(bin|gguf) +$row +[0-9.]+"
		grep -q "\"test\": \"$row\"" "$BATS_TEST_TMPDIR/log"
	done
}
