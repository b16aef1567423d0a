#!/usr/bin/env bats
# tokenizer.bats - vocabularies of Hugging Face folders: tokenizer.json and tokenizer.model, against the
# ids of the libraries `tokenizers` and sentencepiece, which t/lib/mktokenizer.py wrote down.
#
# More of it, at random and with real files: t/oracle/tokenizer.py, t/oracle/onig.py.

load common

setup()
{
	cd_scratch
}

@test "regular expressions match as Oniguruma's do" {
	need python3
	python3 "$REPO/t/lib/regex_check.py" "$LLM_UNIT/regex_test" "$REPO/t/fixtures/tokenizer/regex.txt"
}

# matches PATTERN TEXT: how many there are, in bounded time.
matches()
{
	printf '%s\0%s\0' "$1" "$2" | timeout 20 "$LLM_UNIT/regex_test" -q
}

@test "no pattern takes more than its steps times the text" {
	as=$(head -c 200000 /dev/zero | tr '\0' a)
	[ "$(matches '(a*)*b' "$as")" -eq 0 ]
	[ "$(matches '(a|a)*b' "$as")" -eq 0 ]
	[ "$(matches '(a|aa)+b|a' "$as")" -eq 200000 ]
	[ "$(matches 'a*b|a' "$as")" -eq 200000 ]
	[ "$(matches '(?=a*b)a|a' "$as")" -eq 200000 ]
	[ "$(matches '(?<=a*a)a' "$as")" -eq 199999 ]
	[ "$(matches '(?:a?){200}a{200}' "$as")" -eq 500 ]
	fails 1 "$LLM_UNIT/regex_test" < <(printf '(x{1000}){1000}\0x\0')
	[[ $stderr == *'the pattern is too large' ]]
	fails 1 "$LLM_UNIT/regex_test" < <(printf '((){1000}){1000}\0x\0')
	fails 1 "$LLM_UNIT/regex_test" < <(head -c 100000 /dev/zero | tr '\0' '('; printf '\0x\0')
	[[ $stderr == *'nested too deep' ]]
}

@test "what regular expressions are not known is said" {
	while read -r pattern words; do
		fails 1 "$LLM_UNIT/regex_test" < <(printf '%s\0x\0' "$pattern")
		[[ $stderr == "regex_test: regex: regular expression, byte "*"$words" ]] || { echo "$pattern: $stderr"; return 1; }
	done <<-'END'
	(a)\1 back references are not known here
	(?>a|ab)c possessive repetition and atomic groups are known of single characters only
	(?:ab)*+c possessive repetition and atomic groups are known of single characters only
	\p{Klingon} a property that is not known here (general categories and some scripts are)
	[[:alpha:]] [:names:] are not known here
	\Ga an escape that is not known here
	(?x:a) this kind of group is not known here
	(a ')' is missing
	a) ')' without '('
	[a it ends too early
	[b-a] a range that has no end
	a{3,2} repeated from many to few times
	*a nothing to repeat
	\x{110000} no character's number
	END
}

# tokenizer NAME: the fixture of that name, as the folder NAME; its texts in the file texts, NUL behind each and an
# empty record (which ends the sequence) behind that; the ids in the file want.
tokenizer()
{
	local fixtures=$REPO/t/fixtures/tokenizer model head text ids
	{ read -r _ _ model && IFS= read -r head; } < <(grep -A 1 "^# $1 " "$fixtures/tokenizers.txt")
	mkdir -p "$1"
	{ printf '%s' "${head%\}}"; [ "$head" = '{}' ] || printf ,; printf '"model":'; cat "$fixtures/$model.json"; echo '}'; } >"$1/tokenizer.json"
	: >texts
	: >want
	while IFS=$'\t' read -r text ids; do
		printf '%b\0\0' "$text" >>texts
		echo "$ids" >>want
	done < <(awk -v name="$1" '/^# / { on = $2 == name; n = 0 } on && ++n > 2' "$fixtures/tokenizers.txt")
}

# right PATTERN COUNT: the ids of all the fixtures' texts are the library's; at least so many fixtures match.
right()
{
	local name n=0
	while read -r _ name _; do
		[[ $name =~ ^($1)$ ]] || continue
		tokenizer "$name"
		llm-tok -qsz "$name" <texts | awk 'NR % 2' >got
		[ -s want ]
		diff want got || { echo "$name"; return 1; }
		n=$((n + 1))
	done < <(grep '^# ' "$REPO/t/fixtures/tokenizer/tokenizers.txt")
	[ $n -ge "$2" ]
}

@test "tokenizer.json: byte-level BPE, byte fallback, unknown characters, suffixes" { right 'bpe_.*' 13; }
@test "tokenizer.json: Unigram, Metaspace" { right 'unigram.*|metaspace_.*' 9; }
@test "tokenizer.json: every normalizer" { right 'n_.*' 17; }
@test "tokenizer.json: Split in every way" { right 'split_.*' 21; }
@test "tokenizer.json: the other pre-tokenizers" { right 'punctuation_.*|digits.*|whitespace.*|delimiter|bert|sequence' 12; }
@test "tokenizer.json: added tokens: lstrip, rstrip, single_word, normalized" { right 'added.*' 5; }

@test "tokenizer.json: the same vocabulary laid out in other ways, and in other orders" {
	need python3
	local name how
	for name in bpe_bytes bpe_bytes_ignore bpe_llama bpe_suffix bpe_unk added_llama; do
		tokenizer "$name"
		llm-tok -qsz "$name" <texts | tee ids | awk 'NR % 2' >got
		diff want got
		llm-detok -z "$name" <ids >back
		cp "$name/tokenizer.json" as-it-was
		for how in compact lines indented spaced escaped backward shuffled 'last first' 'lines, last first'; do
			cp as-it-was "$name/tokenizer.json"
			python3 "$REPO/t/lib/relaid.py" "$name" "$how"
			llm-tok -qsz "$name" <texts | awk 'NR % 2' | diff want - || { echo "$name, $how"; return 1; }
			llm-detok -z "$name" <ids | cmp back - || { echo "$name, $how"; return 1; }
		done
	done
}

# Records that are hard to take in parts: what is one with what stands before it, in runs and at random.
hard()
{
	awk -v seed="$1" 'BEGIN {
		n = split("the|The|token|12|don|\047t|...|::|<s>|[X]|<n>|LO|wrd| |  |ab|``|\"|\303\251|\303\274ber|\303\237|\304\260|\346\227\245\346\234\254|\314\201|" \
			"\314\210|e\314\201|\357\254\201|\302\275|\357\275\201|\360\237\230\200|\360\237\221\251\342\200\215\360\237\221\251|\360\237\207\251|" \
			"\342\226\201|\r|\n|\t|\302\240|\340\244\225\340\245\215|\340\270\263|\342\200\213|\352\260\200|\341\204\200|\341\205\241|\341\206\250|\200|\377", w, "|")
		srand(seed)
		for (r = 0; r < 30; r++) {
			few = r % 3 ? n : 1 + r % 2
			for (k = 0; k < few; k++)
				x[k] = w[1 + int(rand() * n)]
			for (k = r % 5 ? 200 : 2000; k; k--)
				printf "%s", x[int(rand() * few)]
			printf "%c", 0
		}
	}'
}

@test "tokenizer.json: a text that comes in parts has the ids of the whole" {
	local name n=0 step
	hard 1 >in
	[ "$(tr -cd '\0' <in | wc -c)" -eq 30 ]
	while read -r _ name _; do
		[[ $name =~ ^(n_|bpe|unigram|metaspace|added|whitespace|split|sequence) ]] || continue
		tokenizer "$name"
		for step in 7 100; do
			"$LLM_UNIT/vocab_test" -r -p $step "$name" <in || { echo "$name"; return 1; }
			"$LLM_UNIT/vocab_test" -r -s -p $step "$name" <in || { echo "$name -s"; return 1; }
		done
		n=$((n + 1))
	done < <(grep '^# ' "$REPO/t/fixtures/tokenizer/tokenizers.txt")
	[ $n -ge 40 ]
}

@test "tokenizer.json: memory does not grow with a line" {
	[ -z "$LLM_SANITIZER" ] || skip "sanitizers keep what is free"
	local c mb
	for c in "bpe_bytes_cohere:é日 ab" "bpe_bytes_cohere:日" "n_precompiled:½ e" "metaspace_replaced:  " "metaspace_strip:the  token " \
		"unigram_bytes:the  token " "bpe_unk: " "bpe_suffix:日" "bpe_bytes_whole:a" "bpe_bytes_prefix:token, the " "metaspace_replaced:a" \
		"digits:the " "added:the token " "added_llama:a" "split_isolated_empty:the A1 " "whitespace:a"; do
		tokenizer "${c%%:*}"
		for mb in 3 8; do
			yes "${c#*:}" | tr -d '\n' | head -c ${mb}000000 | llm-tok -v "${c%%:*}" 2>&1 >/dev/null | sed 's/.*memory=//' >$mb
		done
		[ $(($(cat 8) - $(cat 3))) -lt 4000000 ] || { echo "$c"; return 1; }
	done
}

@test "tokenizer.json against the library, at random" {
	need_python tokenizers
	PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$REPO/t/lib/mktokenizer.py" -n 2000 -s "$RANDOM"
}

@test "tokenizer.json: any bytes come back, where nothing is normalized and each byte has a piece" {
	local name
	head -c 20000 "$BIN/llm-tok" >noise
	for name in bpe_bytes bpe_bytes_ignore bpe_bytes_falcon bpe_llama; do
		tokenizer "$name"
		llm-tok "$name" <noise | llm-detok | cmp - noise
		llm-tok -z "$name" <noise | llm-detok -z | cmp - noise
	done
	# also from a file alone, whatever its name
	cp bpe_llama/tokenizer.json some.file
	llm-tok some.file <noise | llm-detok | cmp - noise
}

@test "tokenizer.json: decoders" {
	local x
	for x in bpe_bytes bpe_llama unigram unigram_bytes bpe_suffix n_nfc; do
		tokenizer $x
		echo 'the token' | llm-tok -q $x >ids
		case $x in
		n_nfc) [ "$(llm-detok $x <ids)" = 't h e</w> t o k e n</w>' ] ;; # no decoder: pieces stand apart
		*) [ "$(llm-detok $x <ids)" = 'the token' ] ;;
		esac
	done
	[ "$(echo '<s>the</s>x' | llm-tok -qs bpe_llama | llm-detok bpe_llama)" = 'thex' ]
	[ "$(echo '<s>the</s>x' | llm-tok -qs bpe_llama | llm-detok -s bpe_llama)" = '<s><s>the</s>x' ]
}

# refused WORDS JSON: a tokenizer.json is refused with these words.
refused()
{
	mkdir -p refused
	printf '%s' "$2" >refused/tokenizer.json
	fails 1 llm-tok refused <<<'a b'
	[[ $stderr == "llm-tok: refused/tokenizer.json: "*"$1"* ]] || { echo "$2: $stderr"; return 1; }
}

@test "tokenizer.json: what is not known is refused by name" {
	local bpe='"model":{"type":"BPE","vocab":{"a":0},"merges":[]}'
	refused "model 'WordPiece' is not known here; known: BPE Unigram" '{"model":{"type":"WordPiece","vocab":{"a":0}}}'
	refused "model 'WordLevel' is not known here; known: BPE Unigram" '{"model":{"type":"WordLevel","vocab":{"a":0}}}'
	refused "model '' is not known here" '{"model":{"vocab":{"a":0}}}'
	refused "continuing_subword_prefix is not known here" '{"model":{"type":"BPE","vocab":{"a":0},"merges":[],"continuing_subword_prefix":"##"}}'
	refused "normalizer 'BertNormalizer' is not known here" '{"normalizer":{"type":"BertNormalizer"},'"$bpe}"
	refused "pre-tokenizer 'UnicodeScripts' is not known here" '{"pre_tokenizer":{"type":"UnicodeScripts"},'"$bpe}"
	refused "behavior 'Left' is not known here" '{"pre_tokenizer":{"type":"Punctuation","behavior":"Left"},'"$bpe}"
	refused "decoder 'WordPiece' is not known here" '{"decoder":{"type":"WordPiece"},'"$bpe}"
	refused "back references are not known here" '{"pre_tokenizer":{"type":"Split","pattern":{"Regex":"(a)\\1"},"behavior":"Isolated","invert":false},'"$bpe}"
	refused "more than one token in front" '{"post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"a"}},
		{"SpecialToken":{"id":"a"}},{"Sequence":{"id":"A"}}]},'"$bpe}"
}

@test "tokenizer.model: Unigram and BPE as sentencepiece has them; in a folder and alone" {
	local name text ids
	for name in unigram_user unigram_bytes bpe_user bpe_plain bpe_bytes; do
		mkdir "$name"
		cp "$REPO/t/fixtures/sentencepiece/$name.model" "$name/tokenizer.model"
		: >texts
		: >want
		while IFS=$'\t' read -r text ids; do
			printf '%b\0\0' "$text" >>texts
			echo "$ids" >>want
		done <"$REPO/t/fixtures/sentencepiece/$name.cases"
		[ "$(wc -l <want)" -eq 24 ]
		llm-tok -qz "$name" <texts | awk 'NR % 2' | diff want -
		llm-tok -qz "$name/tokenizer.model" <texts | awk 'NR % 2' | diff want -
	done
}

@test "tokenizer.model and t5 in GGUF against sentencepiece, at random" {
	need_python sentencepiece
	PYTHONDONTWRITEBYTECODE=1 "$PYTHON" "$REPO/t/oracle/spiece.py" -n 1000 -s "$RANDOM"
}

@test "tokenizer.model of Llama 2: ids of llama-spm, every byte comes back" {
	need_shared vocab/llama2-tokenizer.model
	v=$SHARED/vocab/llama2-tokenizer.model
	awk -v RS='\n__ggml_vocab_test__\n' '{ printf "%s%c%c", $0, 0, 0 }' "$SHARED/vocab/llama-spm.gguf.inp" >in
	llm-tok -q -z "$v" <in | awk 'NR % 2' | sed 's/^1 *//' >got
	sed 's/^ //; s/ *$//' "$SHARED/vocab/llama-spm.gguf.out" | diff - got
	llm-tok -z "$v" <in | llm-detok -z | cmp - in
	head -c 20000 "$BIN/llm-tok" >noise
	llm-tok "$v" <noise | llm-detok | cmp - noise
	printf 'a\342\226\201b \342\226\201 \n\342\226\201\n \342\226\201' >in
	llm-tok "$v" <in | llm-detok | cmp - in
}

@test "a folder's tokenizer.json goes before its tokenizer.model; added tokens beside a model" {
	mkdir both
	cp "$REPO/t/fixtures/sentencepiece/bpe_user.model" both/tokenizer.model
	n=$(llm-tok both </dev/null | awk '$2 == "vocab" { print $3 }')
	echo '{"<extra>":'$((n + 1))'}' >both/added_tokens.json
	echo '{"added_tokens_decoder":{"'"$n"'":{"content":"<mine>","special":false}},"add_bos_token":false,"eos_token":"<extra>"}' >both/tokenizer_config.json
	[ "$(echo 'a<mine>' | llm-tok both | awk '/^[0-9]/ { print $NF }; $2 == "vocab" { print $3 }' | xargs)" = "$((n + 2)) $n" ]
	[ "$(printf '<extra>' | llm-tok -qs both)" = $((n + 1)) ]
	! printf '<extra>' | llm-tok -q both | grep -qw $((n + 1))
	printf 'a<mine>b<extra>c\n' >in
	llm-tok both <in | llm-detok | cmp - in
	echo '{"model":{"type":"BPE","vocab":{"a":0,"b":1},"merges":[]}}' >both/tokenizer.json
	[ "$(echo ab | llm-tok -q both)" = '0 1' ]
}

broken()
{
	need_python
	PYTHONPATH="$BATS_TEST_DIRNAME/lib" PYTHONDONTWRITEBYTECODE=1 run "$PYTHON" "$BATS_TEST_DIRNAME/lib/badvocab.py" "$1"
	echo "$output"
	[ "$status" -eq 0 ]
}

@test "small vocabularies of odd kinds are read" { broken good; }
@test "tokenizer.json: cut, types, ids, merges, scores, patterns, rules that lie" { broken json; }
@test "tokenizer.model: cut, fields, types, rules that lie, added tokens" { broken model; }
@test "random bytes in both: no signal" { broken changed; }

@test "Unigram: a long text, written as far as it is decided, as sentencepiece has it" {
	need_python sentencepiece
	"$PYTHON" - "$BATS_TEST_DIRNAME/fixtures/sentencepiece/unigram_bytes.model" <<-'END'
		import random, subprocess, sys, sentencepiece
		model, r = sys.argv[1], random.Random(1)
		sp = sentencepiece.SentencePieceProcessor(model_file=model)
		words = [sp.id_to_piece(r.randrange(sp.vocab_size())).replace('▁', ' ') for _ in range(300)] + ['xq', 'é', '日本', 'zzzzzz']
		text = ''.join(r.choice(words) for _ in range(100000)) + 'a' * 50000
		def ids(text):
		    out = subprocess.run(['llm-tok', '-qz', model], input=text.encode(), stdout=subprocess.PIPE, check=True).stdout
		    return [int(i) for i in out.split()]
		got, want = ids(text), sp.encode(text)
		assert len(want) > 100000 and got[-len(want):] == want, next(i for i in range(len(want)) if got[i] != want[i])
	END
}
