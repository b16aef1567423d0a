# fuzz.mk - make fuzz: every parser against mutated input (libFuzzer; needs clang).
#   FUZZ_SECONDS=60  of each harness	FUZZ_RUNS=0  only the seeds, for regressions
#   FUZZ='gguf pretok'  only these	FUZZ_FLAGS  more options of libFuzzer
# Kernels are the portable ones: it is not them that are looked at, and the others take minutes to be built so.
# What is found is left in build/fuzz/; put it into t/fuzz/seeds/ with the fix.

FUZZ_SECONDS = 60
FUZZ_RUNS = -1
FUZZ = $(filter-out hooks,$(basename $(notdir $(wildcard t/fuzz/*.c))))
FUZZ_BUILD = build/fuzz
FUZZ_SAN = address,undefined -fno-sanitize-recover=all

fuzz:
	@command -v clang >/dev/null || { echo 'make fuzz: needs clang (its libFuzzer)' >&2; exit 1; }
	+@$(MAKE) --no-print-directory CC=clang MACHINE= KERNELS=-O1 BUILD=$(FUZZ_BUILD) CFLAGS='-O1 -g -fsanitize=fuzzer-no-link,$(FUZZ_SAN)' $(FUZZ:%=fuzz-%)

fuzz-%: $(FUZZ_BUILD)/t/fuzz/%
	@mkdir -p $(FUZZ_BUILD)/corpus/$*
	$< -max_total_time=$(FUZZ_SECONDS) -runs=$(FUZZ_RUNS) -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
		-verbosity=0 -artifact_prefix=$(FUZZ_BUILD)/$*- $(FUZZ_FLAGS) $(FUZZ_BUILD)/corpus/$* $(wildcard t/fuzz/seeds/$*)

# An archive: a harness takes what it needs, and may have stand-ins for the rest.
$(FUZZ_BUILD)/all.a: $(filter-out $(foreach p,$(PROGRAMS),%/$(p).o),$(OBJ)) $(FUZZ_BUILD)/t/fuzz/hooks.o
	@rm -f $@
	ar qcs $@ $^

$(FUZZ_BUILD)/t/fuzz/%: $(FUZZ_BUILD)/t/fuzz/%.o $(FUZZ_BUILD)/all.a
	clang -fsanitize=fuzzer,$(FUZZ_SAN) -pthread -o $@ $^ -lm

$(FUZZ_BUILD)/t/fuzz/%.o: CPPFLAGS += -Ifwd -Isample
$(FUZZ_BUILD)/lib/util.o: CPPFLAGS += $(foreach f,calloc realloc posix_memalign free exit read write poll close,-D$(f)=fuzz_$(f))
$(FUZZ_BUILD)/lib/stream/tokens.o $(FUZZ_BUILD)/fwd/flight.o: CPPFLAGS += -Dpoll=fuzz_poll
$(FUZZ_BUILD)/fwd/turns.o $(FUZZ_BUILD)/fwd/flight.o: CPPFLAGS += -Dexit=fuzz_exit -Draise=fuzz_raise
$(FUZZ_BUILD)/lib/vocab/vocab%.o $(FUZZ_BUILD)/t/fuzz/vocab%.o: CPPFLAGS += -DWORD_WINDOW=24
-include $(wildcard $(FUZZ_BUILD)/t/fuzz/*.d)
.PRECIOUS: $(FUZZ_BUILD)/t/fuzz/%.o $(FUZZ_BUILD)/t/fuzz/%
.PHONY: fuzz
