/*
 * pretok.c - pre-tokenizers; see pretok.h.
 *
 * The regular expressions are quoted from the models' tokenizer.json; \s, \p{L}
 * and the rest mean what they mean there (Oniguruma): White_Space and Unicode's
 * general categories.
 */
#include "pretok.h"

#include <string.h>

#include "compat_chunk.h"
#include "unicode/unicode.h"
#include "util.h"

/* [^\s\p{L}\p{N}] */
#define SET_OTHER (SET_ALL & ~(SET_SPACE | SET_L | SET_N))

/* A character at some place of the text; set: the bit of its category, 0 at the end. */
struct ch {
	uint32_t cp, set;
	size_t len;
};

static struct ch
ch_at(const unsigned char *s, size_t n)
{
	struct ch c = {0};
	if (n && s[0] < 0x80)
		return (struct ch){s[0], ascii_set(s[0]), 1};
	if (n) {
		c.len = utf8_next(s, n, &c.cp);
		c.set = U_BIT(unicode_cat(c.cp));
	}
	return c;
}

/* The bytes of [set]{0,max}. */
static size_t
run_max(const unsigned char *s, size_t n, uint32_t set, size_t max)
{
	size_t i = 0;
	for (; i < n && max; max--) {
		if (ascii_set(s[i]) & set) {
			i++;
			continue;
		}
		if (s[i] < 0x80)
			break;
		struct ch c = ch_at(s + i, n - i);
		if (!(c.set & set))
			break;
		i += c.len;
	}
	return i;
}

static size_t
run(const unsigned char *s, size_t n, uint32_t set)
{
	return run_max(s, n, set, SIZE_MAX);
}

/* [\r\n]*, with also '/' where `slash`. */
static size_t
newlines(const unsigned char *s, size_t n, bool slash)
{
	size_t i = 0;
	while (i < n && (s[i] == '\r' || s[i] == '\n' || (slash && s[i] == '/')))
		i++;
	return i;
}

/* A stage that isolates the matches of [set]+ in this way: they, and the rest. */
static size_t
run_or_rest(const unsigned char *s, size_t n, uint32_t set)
{
	size_t len = run(s, n, set);
	return len ? len : run(s, n, SET_ALL & ~set);
}

/* 's|'t|'re|'ve|'m|'ll|'d, or with (?i:...); 0: none here. U+017F, the long s,
 * is an s to (?i). */
static size_t
contraction(const unsigned char *s, size_t n, bool any_case)
{
	unsigned char fold = any_case ? 0x20 : 0;
	if (n < 2 || s[0] != '\'')
		return 0;
	unsigned char a = s[1] | fold, b = n > 2 ? s[2] | fold : 0;
	if (a == 's' || a == 't' || a == 'm' || a == 'd')
		return 2;
	if ((b == 'e' && (a == 'r' || a == 'v')) || (a == 'l' && b == 'l'))
		return 3;
	return any_case && n > 2 && s[1] == 0xC5 && s[2] == 0xBF ? 3 : 0;
}

/* \s+(?!\S)|\s+ : of white space before other text, all but the last character. */
static size_t
spaces(const unsigned char *s, size_t n)
{
	size_t i = 0, last = 0;
	while (i < n) {
		struct ch c = ch_at(s + i, n - i);
		if (!(c.set & SET_SPACE))
			return last ? last : i;
		last = i;
		i += c.len;
	}
	return i;
}

/* \s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t
spaces_newlines(const unsigned char *s, size_t n)
{
	size_t len = run(s, n, SET_SPACE), i = len;
	while (i && s[i - 1] != '\r' && s[i - 1] != '\n')
		i--;
	return i ? i : spaces(s, n);
}

/* " ?[set]+", or 0. */
static size_t
space_run(const unsigned char *s, size_t n, uint32_t set)
{
	size_t lead = *s == ' ', len = run(s + lead, n - lead, set);
	return len ? lead + len : 0;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static size_t
gpt2(const unsigned char *s, size_t n)
{
	size_t len = contraction(s, n, false);
	if (len)
		return len;
	struct ch c = ch_at(s + (*s == ' '), n - (*s == ' '));
	if (c.set & SET_L)
		return space_run(s, n, SET_L);
	if (c.set & SET_N)
		return space_run(s, n, SET_N);
	if (c.set & SET_OTHER)
		return space_run(s, n, SET_OTHER);
	return spaces(s, n);
}

/* What follows the letters in the families below:
 * \p{N}{1,digits}| ?[other]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * Every character that is not in `other` nor a number nor space was taken before. */
static size_t
no_letters(const unsigned char *s, size_t n, size_t digits, uint32_t other, bool slash)
{
	size_t len = run_max(s, n, SET_N, digits);
	if (len)
		return len;
	len = space_run(s, n, other);
	if (len)
		return len + newlines(s + len, n - len, slash);
	return spaces_newlines(s, n);
}

/*
 * (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?[letters]+|\p{N}{1,digits}
 * | ?[^\s letters \p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 */
static size_t
cl100k(const unsigned char *s, size_t n, uint32_t letters, size_t digits)
{
	size_t len = contraction(s, n, true);
	if (len)
		return len;
	struct ch c = ch_at(s, n);
	if (c.set & letters)
		return run(s, n, letters);
	if (!(c.set & SET_N) && c.cp != '\r' && c.cp != '\n') {
		len = run(s + c.len, n - c.len, letters);
		if (len)
			return c.len + len;
	}
	return no_letters(s, n, digits, SET_OTHER & ~letters, false);
}

static size_t
llama3(const unsigned char *s, size_t n)
{
	return cl100k(s, n, SET_L, 3);
}

static size_t
qwen2(const unsigned char *s, size_t n)
{
	return cl100k(s, n, SET_L, 1);
}

static size_t
qwen35(const unsigned char *s, size_t n)
{
	return cl100k(s, n, SET_L | SET_M, 1);
}

#define SET_UPPER (U_BIT(U_LU) | U_BIT(U_LT) | U_BIT(U_LM) | U_BIT(U_LO) | SET_M)
#define SET_LOWER (U_BIT(U_LL) | U_BIT(U_LM) | U_BIT(U_LO) | SET_M)

/* [upper]*[lower]+, or 0. */
static size_t
upper_lower(const unsigned char *s, size_t n)
{
	size_t i = 0, both = 0;
	while (i < n) {
		struct ch c = ch_at(s + i, n - i);
		if (!(c.set & SET_UPPER))
			break;
		i += c.len;
		if (c.set & SET_LOWER)
			both = i; /* as far as [upper]* can give back to [lower]+ */
	}
	size_t low = run(s + i, n - i, SET_LOWER);
	return low ? i + low : both;
}

/*
 * [^\r\n\p{L}\p{N}]?[upper]*[lower]+|[^\r\n\p{L}\p{N}]?[upper]+[lower]*, or 0:
 * words that begin where small letters are followed by a capital.
 */
static size_t
cased(const unsigned char *s, size_t n)
{
	struct ch c = ch_at(s, n);
	size_t lead = c.set & (SET_L | SET_N) || c.cp == '\r' || c.cp == '\n' ? 0 : c.len, len;
	if (lead && (len = upper_lower(s + lead, n - lead)))
		return lead + len;
	if ((len = upper_lower(s, n)))
		return len;
	if (lead && (len = run(s + lead, n - lead, SET_UPPER)))
		return lead + len;
	return run(s, n, SET_UPPER);
}

/* The above, (?i:'s|'t|'re|'ve|'m|'ll|'d)?, |\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*
 * |\s*[\r\n]+|\s+(?!\S)|\s+ */
static size_t
gpt4o(const unsigned char *s, size_t n)
{
	size_t len = cased(s, n);
	return len ? len + contraction(s + len, n - len, true) : no_letters(s, n, 3, SET_OTHER, true);
}

/* The same without contractions, digits one by one. */
static size_t
tekken(const unsigned char *s, size_t n)
{
	size_t len = cased(s, n);
	return len ? len : no_letters(s, n, 1, SET_OTHER, true);
}

/* \p{N} */
static size_t
number(const unsigned char *s, size_t n)
{
	size_t len = run_max(s, n, SET_N, 1);
	return len ? len : run(s, n, SET_ALL & ~SET_N);
}

/* PRETOK_NUMBER */
static size_t
number17(const unsigned char *s, size_t n)
{
	const size_t len = number(s, n);
	const unsigned char *p = s;
	while ((p = memchr(p, 0xF0, len - (size_t)(p - s)))) {
		const uint32_t cp = ch_at(p, len - (size_t)(p - s)).cp;
		if ((cp >= 0x11DE0 && cp <= 0x11DE9) || (cp >= 0x16FF4 && cp <= 0x16FF6))
			return p > s ? (size_t)(p - s) : 4;
		p++;
	}
	return len;
}

/* \p{N}{1,3} */
static size_t
numbers3(const unsigned char *s, size_t n)
{
	size_t len = run_max(s, n, SET_N, 3);
	return len ? len : run(s, n, SET_ALL & ~SET_N);
}

/* \p{N}+ */
static size_t
numbers(const unsigned char *s, size_t n)
{
	return run_or_rest(s, n, SET_N);
}

/* [0-9][0-9][0-9] */
static size_t
digits3(const unsigned char *s, size_t n)
{
	for (size_t i = 0, digits = 0; i < n; i++) {
		digits = s[i] >= '0' && s[i] <= '9' ? digits + 1 : 0;
		if (digits == 3)
			return i == 2 ? 3 : i - 2;
	}
	return n;
}

/* [\p{P} and `more`]+ */
static size_t
punctuation(const unsigned char *s, size_t n, const char *more)
{
	bool first = false;
	for (size_t i = 0; i < n;) {
		struct ch c = ch_at(s + i, n - i);
		bool in = c.set & SET_P || (c.cp && c.cp < 128 && strchr(more, (int)c.cp));
		if (!i)
			first = in;
		else if (in != first)
			return i;
		i += c.len;
	}
	return n;
}

static size_t
punctuation_default(const unsigned char *s, size_t n)
{
	return punctuation(s, n, "$+<=>^~|");
}

static size_t
punctuation_falcon(const unsigned char *s, size_t n)
{
	return punctuation(s, n, "$+<=>^~|`");
}

/* [\r\n] */
static size_t
newline(const unsigned char *s, size_t n)
{
	if (*s == '\r' || *s == '\n')
		return 1;
	size_t i = 1;
	while (i < n && s[i] != '\r' && s[i] != '\n')
		i++;
	return i;
}

/* \s?[set]+ */
static size_t
space_set(const unsigned char *s, size_t n, uint32_t set)
{
	size_t space = 0; /* bytes of the white space just before i */
	for (size_t i = 0; i < n;) {
		struct ch c = ch_at(s + i, n - i);
		if (c.set & set)
			return i > space ? i - space : i + run(s + i, n - i, set);
		space = c.set & SET_SPACE ? c.len : 0;
		i += c.len;
	}
	return n;
}

static size_t
space_letters(const unsigned char *s, size_t n)
{
	return space_set(s, n, SET_L);
}

static size_t
space_punctuation(const unsigned char *s, size_t n)
{
	return space_set(s, n, SET_P);
}

/* Isolate runs of the characters that `in` says. */
static size_t
ranges(const unsigned char *s, size_t n, bool (*in)(uint32_t cp))
{
	bool first = false;
	for (size_t i = 0; i < n;) {
		struct ch c = ch_at(s + i, n - i);
		if (!i)
			first = in(c.cp);
		else if (in(c.cp) != first)
			return i;
		i += c.len;
	}
	return n;
}

static bool
in_deepseek_coder(uint32_t cp)
{
	return (cp >= 0x800 && cp <= 0x9FA5) || (cp >= 0xAC00 && cp <= 0xD7FF);
}

/* [一-龥ࠀ-一가-퟿]+ */
static size_t
asian_deepseek_coder(const unsigned char *s, size_t n)
{
	return ranges(s, n, in_deepseek_coder);
}

static bool
in_deepseek3(uint32_t cp)
{
	return (cp >= 0x4E00 && cp <= 0x9FA5) || (cp >= 0x3040 && cp <= 0x30FF);
}

/* [一-龥぀-ゟ゠-ヿ]+ */
static size_t
asian_deepseek3(const unsigned char *s, size_t n)
{
	return ranges(s, n, in_deepseek3);
}

/*
 * [!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+
 * | ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+, or 0
 */
static size_t
deepseek3_match(const unsigned char *s, size_t n)
{
	struct ch c = ch_at(s, n);
	size_t i = 1, len;
	while (i < n && ((s[i] | 0x20) >= 'a' && (s[i] | 0x20) <= 'z'))
		i++;
	if (c.cp < 128 && c.set & (SET_P | SET_S) && i > 1)
		return i;
	if (c.set & (SET_L | SET_M))
		return run(s, n, SET_L | SET_M);
	if (!(c.set & (SET_P | SET_S)) && c.cp != '\r' && c.cp != '\n' &&
		(len = run(s + c.len, n - c.len, SET_L | SET_M)))
		return c.len + len;
	len = space_run(s, n, SET_P | SET_S);
	if (len)
		return len + newlines(s + len, n - len, false);
	return spaces_newlines(s, n);
}

/* Digits and control characters are matched by nothing: they stay together. */
static size_t
deepseek3(const unsigned char *s, size_t n)
{
	size_t len = deepseek3_match(s, n), i = 0;
	if (len)
		return len;
	while (i < n && !deepseek3_match(s + i, n - i))
		i += ch_at(s + i, n - i).len;
	return i;
}

/* White space, brackets, bars and ends of sentences in several scripts. */
static bool
in_bloom(struct ch c)
{
	static const uint32_t wide[] = {0x2026, 0x3002, 0xFF0C, 0x3001, 0x0964, 0x06D4, 0x060C};
	for (size_t i = 0; i < sizeof wide / sizeof *wide; i++)
		if (c.cp == wide[i])
			return true;
	return c.set & SET_SPACE || (c.cp && c.cp < 128 && strchr("(|.,!?)", (int)c.cp));
}

/*  ?[^(\s|[.,!?…。，、।۔،])]+, and what is between. */
static size_t
bloom(const unsigned char *s, size_t n)
{
	size_t i = *s == ' ', len = 0;
	while (i + len < n && !in_bloom(ch_at(s + i + len, n - i - len)))
		len += ch_at(s + i + len, n - i - len).len;
	if (len)
		return i + len;
	for (i = 0; i < n; i += ch_at(s + i, n - i).len) {
		size_t lead = s[i] == ' ';
		if (i && i + lead < n && !in_bloom(ch_at(s + i + lead, n - i - lead)))
			break;
	}
	return i;
}

/* Letters of alphabets that have small and capital ones; of deepseek-llm's tokenizer.json, as it stands there. */
#define CASED_LETTERS \
	"A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-Ֆ" \
	"Ⴀ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄ" \
	"ῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲ" \
	"ⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"

/* Expressions as tokenizer.json files spell them. */
#define CONTRACTION "(?i:'s|'t|'re|'ve|'m|'ll|'d)"
#define CASED(upper, lower, end) \
	"[^\\r\\n\\p{L}\\p{N}]?[" upper "]*[" lower "]+" end "|[^\\r\\n\\p{L}\\p{N}]?[" upper "]+[" lower "]*" end
#define UPPER "\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}"
#define LOWER "\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}"
#define NO_HAN "&&[^\\p{Han}]"
#define BLANKS "|\\s+(?!\\S)|\\s+"
#define SPACES "|\\s*[\\r\\n]+" BLANKS
#define OTHERS " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define CASED_TEXT(end, digits) CASED(UPPER, LOWER, end) "|" digits "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*" SPACES
#define WORDS(digits) CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|" digits "|" OTHERS SPACES
#define ASCII_WORDS "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+"
#define CJK "[一-龥぀-ゟ゠-ヿ]+"

static const struct pretok table[] = {
	{"default", .stage = {punctuation_default, gpt2, numbers, digits3}, .plain = PLAIN_LETTERS},
	{"gpt-2 phi-2 jina-es jina-de jina-v2-es jina-v2-de jina-v1-en jina-v2-code roberta-bpe "
	 "gigachat a.x-4.0 mellum modern-bert mpt olmo jais trillion granite-docling exaone4",
		.stage = {gpt2}, .plain = PLAIN_GPT2},
	{"starcoder smollm refact command-r codeshell exaone minerva-7b mellum2",
		.stage = {number, gpt2}, .plain = PLAIN_GPT2_DIGITS},
	{"llama-bpe llama3 llama-v3 falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano",
		.stage = {llama3}, .ignore_merges = true, .add_bos = true, .plain = PLAIN_LLAMA3},
	{"dbrx smaug-bpe chatglm-bpe", .stage = {llama3}, .plain = PLAIN_LLAMA3},
	{"glm4 glm5", .stage = {llama3}, .ignore_merges = true, .plain = PLAIN_LLAMA3},
	{"qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2",
		.stage = {qwen2}, .plain = PLAIN_QWEN2},
	{"qwen35", .stage = {qwen35}, .plain = PLAIN_LETTERS},
	{"deepseek-coder",
		.stage = {newline, space_letters, space_punctuation, asian_deepseek_coder, number}, .plain = PLAIN_LETTERS},
	{"deepseek-v3 hunyuan-dense joyai-llm hy_v4",
		.stage = {numbers3, asian_deepseek3, deepseek3}, .plain = PLAIN_LETTERS},
	{"falcon", .stage = {punctuation_falcon, gpt2, digits3}, .plain = PLAIN_LETTERS},
	{"tekken", .stage = {tekken}, .ignore_merges = true, .add_bos = true, .plain = PLAIN_CASED},
	{"bloom poro-chat gpt3-finnish", .stage = {bloom}, .joins = true},
	{"gpt-4o llama4 kanana2 talkie minimax-m2", .stage = {gpt4o}, .plain = PLAIN_CASED},
	{"viking", .stage = {bloom, number}, .joins = true},
	{"deepseek-llm", .regex = {"[\\r\\n]", "\\s?[" CASED_LETTERS "]+", "\\s?[!-/:-~！-／：-～‘-‟　-。]+", "\\s+$",
		"[一-龥ࠀ-一가-퟿]+", "\\p{N}+"}},
	{"seed-coder", .regex = {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+" SPACES}},
	{"minicpm5", .ignore_merges = true, .regex = {"\\p{N}{1,3}", WORDS("\\p{N}+")}},
	{"ufakzeka", .regex = {"[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}|" OTHERS SPACES}},
	{"superbpe", .regex = {"\\p{N}+", "(?=(\\d{3})+(?!\\d))"}},
	/* llama.cpp has U+8C48 for U+F900, which is normalized so. */
	{"afmoe", .regex = {"\\p{N}{1,3}(?=(?:\\p{N}{3})*(?!\\p{N}))",
		"[一-鿿㐀-䶿\\x{F900}-\\x{FAFF}぀-ゟ゠-ヿ･-ﾟ⼀-\\x{2FDF}\\x{E40}-\\x{E7F}\\x{E80}-\\x{EFF}\\x{1780}-\\x{17FF}\\x{1000}-\\x{109F}"
		"\\x{AA60}-\\x{AA7F}\\x{A9E0}-\\x{A9FF}가-\\x{D7AF}\\x{1100}-\\x{11FF}]+",
		ASCII_WORDS "[\\r\\n]*" SPACES}},
	{"bailingmoe bailingmoe2 llada-moe", .regex = {"'(?i:[sdmt]|ll|ve|re)|[^\\r\\n\\p{L}\\p{N}]?+\\p{L}+|\\p{N}"
		"| ?[^\\s\\p{L}\\p{N}]++[\\r\\n]*|\\s*[\\r\\n]" BLANKS}},
	{"chameleon", .add_bos = true, .regex = {"<sentinel:[0-9]+>", "(IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z", "([\\t\\n]|    |  )",
		"\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]", "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+" BLANKS}},
	{"exaone-moe", .regex = {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}"
		"| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]" BLANKS}},
	{"granite-embed-multi-97m", .stage = {gpt4o}, .ignore_merges = true, .plain = PLAIN_CASED},
	{"kimi-k2", .regex = {"[\\p{Han}]+|" CASED(UPPER NO_HAN, LOWER NO_HAN, CONTRACTION "?") "|\\p{N}{1,3}|" OTHERS SPACES}},
	/* qwen2's, of lines and newlines by themselves: one expression, as a line may be long */
	{"laguna", .regex = {CONTRACTION "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+\\r*|[^\\S\\n]*\\r+|\\n+"
		"|[^\\S\\n]+(?!\\S)|[^\\S\\n]+"}},
	{"spark2_5", .regex = {"\\p{N}{1,3}", CJK, ASCII_WORDS "|[\\r\\n]" BLANKS, "\\p{N}"}},
	{"tiny_aya cohere2moe", .regex = {"\\d{1,3}(?=(?:\\d{3})*\\b)", CASED_TEXT(CONTRACTION "?", "\\p{N}{1,3}")}},
	{"youtu", .ignore_merges = true, .regex = {"[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" CJK,
		CASED_TEXT(CONTRACTION "?", "\\p{N}")}},
};
#define ROWS (sizeof table / sizeof *table)

const struct pretok *
pretok_find(const char *name, size_t n)
{
	for (size_t i = 0; i < ROWS; i++)
		for (const char *p = table[i].names; *p; p += *p == ' ') {
			size_t len = strcspn(p, " ");
			if (len == n && !memcmp(p, name, n))
				return &table[i];
			p += len;
		}
	return NULL;
}

char *
pretok_names(void)
{
	size_t n = 1, at = 0;
	for (size_t i = 0; i < ROWS; i++)
		n += strlen(table[i].names) + 1;
	char *all = xcalloc(n, 1);
	for (size_t i = 0; i < ROWS; i++) {
		size_t len = strlen(table[i].names);
		if (i)
			all[at++] = ' ';
		memcpy(all + at, table[i].names, len);
		at += len;
	}
	return all;
}

/* Those of the stages above, and whether the stage finds plain words. */
static const struct known {
	const char *regex;
	pretok_fn *stage;
	enum pretok_plain plain;
} known[] = {
	{"'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", gpt2, PLAIN_GPT2},
	{WORDS("\\p{N}{1,3}"), llama3, PLAIN_LLAMA3},
	{WORDS("\\p{N}"), qwen2, PLAIN_QWEN2},
	{CASED_TEXT(CONTRACTION "?", "\\p{N}{1,3}"), gpt4o, PLAIN_CASED},
	{CASED_TEXT("", "\\p{N}"), tekken, PLAIN_CASED},
	{"\\p{N}{1,3}", numbers3, PLAIN_NONE},
	{"\\p{N}", number, PLAIN_NONE},
	{PRETOK_NUMBER, number17, PLAIN_NONE},
	{CJK, asian_deepseek3, PLAIN_NONE},
	{ASCII_WORDS "[\\r\\n]*" SPACES, deepseek3, PLAIN_LETTERS},
};

/* What is plain to the stages of p and to another behind them. */
static enum pretok_plain
plain_of_two(const struct pretok *p, const struct known *k, size_t at)
{
	if (at == 1 && (p->stage[0] == number || p->stage[0] == number17) && k->plain == PLAIN_GPT2)
		return PLAIN_GPT2_DIGITS;
	const enum pretok_plain a = p->plain > PLAIN_CASED ? PLAIN_LETTERS : p->plain, b = k->plain > PLAIN_CASED ? PLAIN_LETTERS : k->plain;
	return a > b ? a : b;
}

/* Whether a regex is this one; some files have the newlines themselves in it. */
static bool
same_regex(const char *row, const char *regex, size_t n)
{
	size_t i = 0;
	for (; i < n && *row; i++, row++)
		if (*row == '\\' && ((regex[i] == '\r' && row[1] == 'r') || (regex[i] == '\n' && row[1] == 'n')))
			row++;
		else if (*row != regex[i])
			return false;
	return i == n && !*row;
}

bool
pretok_add(struct pretok *p, const char *regex, size_t n)
{
	size_t at = 0;
	while (at < PRETOK_STAGES && p->stage[at])
		at++;
	for (size_t i = 0; at < PRETOK_STAGES && i < sizeof known / sizeof *known; i++) {
		const struct known *k = known + i;
		if (!same_regex(k->regex, regex, n))
			continue;
		p->stage[at] = k->stage;
		p->plain = at ? plain_of_two(p, k, at) : k->plain;
		return true;
	}
	return false;
}

/* The bytes of " ?letters", or 0, as p->plain says of them; x: the first of s. */
static inline size_t
plain_letters(const struct pretok *p, chunk x, size_t lead, const unsigned char *s, size_t n, bool padded)
{
	const size_t end = padded ? n : n - PRETOK_PAD; /* where chunks can be read */
	const bool cased = p->plain == PLAIN_CASED;
	bool small = false;
	size_t i = 0, run = CHUNK;
	for (uint64_t skip = CHUNK_ALL << lead * MARK_STEP; run == CHUNK && i < end; i += run, skip = CHUNK_ALL) {
		if (i)
			x = chunk_at(s + i);
		const uint64_t letters = chunk_within(chunk_small(x), 'a', 'z');
		run = chunk_run(letters, i ? 0 : lead);
		if (!cased)
			continue;
		const uint64_t word = letters & skip & chunk_up_to(~letters & CHUNK_MARKS & skip);
		const uint64_t up = chunk_within(x, 'A', 'Z') & word, low = word & ~up;
		if (up && (small || (low && up > (low & (0 - low)))))
			return 0;
		small |= low != 0;
	}
	if (padded && i >= n)
		i = n;
	else if (run == CHUNK)
		return 0;
	if (i <= lead)
		return 0;
	return i < n && (s[i] >= 0x80 || (cased && s[i] == '\'')) ? 0 : i;
}

static inline size_t
clamp(size_t i, size_t n)
{
	return i < n ? i : n;
}

/* What begins with no letters: " ?other", " ?digits", blanks; 0: it takes a look at the stages. A chunk is enough for most. */
static inline size_t
plain_signs(const struct pretok *p, chunk x, const unsigned char *s, size_t n)
{
	const bool gpt2 = p->plain == PLAIN_GPT2 || p->plain == PLAIN_GPT2_DIGITS;
	const uint64_t letters = chunk_within(chunk_small(x), 'a', 'z'), digits = chunk_within(x, '0', '9');
	const uint64_t spaces = chunk_within(x, '\t', '\r') | chunk_is(x, ' ');
	const size_t blank = *s == ' ', blanks = chunk_run(spaces, 0);
	const bool letter_next = letters >> MARK_STEP & (MARK_STEP == 1 ? 1 : 0x80); /* before a character that takes a look */
	if (letter_next && (blanks == 1 || (!gpt2 && !blanks)))
		return 0;
	size_t i = chunk_run(~(letters | digits | spaces | chunk_high(x)), blank);
	const bool other = i > blank && n > blank;
	if (other) /* and newlines */
		i = i == CHUNK || (!gpt2 && i < n && (s[i] == '\r' || s[i] == '\n')) ? 0 : i;
	else if (p->plain == PLAIN_GPT2)
		i = chunk_run(digits, blank);
	else if (p->plain == PLAIN_GPT2_DIGITS)
		i = (digits & (CHUNK_ALL >> (CHUNK - 1) * MARK_STEP << blank * MARK_STEP)) != 0;
	else
		i = clamp(chunk_run(digits, 0), p->plain == PLAIN_LLAMA3 ? 3 : 1);
	if (p->plain == PLAIN_GPT2_DIGITS && !other && i)
		return 1;
	if (other || (i > (gpt2 ? blank : 0) && n > blank)) {
		const bool full = !gpt2 && !other && i == (p->plain == PLAIN_LLAMA3 ? 3 : 1);
		return i == CHUNK ? 0 : i >= n ? n : s[i] >= 0x80 && !full ? 0 : i;
	}
	if (blanks == CHUNK || !blanks)
		return 0;
	const uint64_t newlines = (chunk_is(x, '\n') | chunk_is(x, '\r')) & chunk_up_to(~spaces & CHUNK_MARKS);
	if (!gpt2 && newlines)
		return 0;
	if (blanks >= n)
		return n;
	if (s[blanks] >= 0x80 || (p->plain == PLAIN_GPT2_DIGITS && s[blanks] >= '0' && s[blanks] <= '9'))
		return 0;
	return blanks > 1 ? blanks - 1 : 1;
}

/* The bytes of a word as p->plain says, or 0. */
static inline size_t
plain_word(const struct pretok *p, const unsigned char *s, size_t n, bool padded)
{
	const chunk x = chunk_at(s);
	size_t lead = *s == ' ';
	if (p->plain >= PLAIN_GPT2 && *s == '\'')
		return 0; /* perhaps a contraction */
	if (p->plain >= PLAIN_LLAMA3) /* [^\r\n\p{L}\p{N}]? */
		lead = *s < 0x80 && !(ascii_set(*s) & (SET_L | SET_N)) && *s != '\r' && *s != '\n';
	const size_t word = plain_letters(p, x, lead, s, n, padded);
	return word || p->plain < PLAIN_GPT2 ? word : plain_signs(p, x, s, n);
}

size_t
pretok_next(const struct pretok *p, struct pretok_state *st, const unsigned char *s, size_t n, bool padded)
{
	size_t part = n, plain = 0;
	int k = 0;
	if (p->plain != PLAIN_NONE && (padded || n > PRETOK_PAD))
		plain = plain_word(p, s, n, padded);
	if (plain) {
		/* parts of stages that it lies in end nowhere within it */
		for (; k < PRETOK_STAGES && st->left[k]; k++)
			st->left[k] -= plain;
		return plain;
	}
	for (; k < PRETOK_STAGES && p->stage[k]; k++) {
		if (!st->left[k])
			st->left[k] = p->stage[k](s, part);
		part = st->left[k];
	}
	while (k-- > 0)
		st->left[k] -= part;
	return part;
}

/* The character that ends at s + i, i > 0. */
static struct ch
ch_before(const unsigned char *s, size_t i)
{
	size_t len = 1;
	while (len < 4 && len < i && (s[i - len] & 0xC0) == 0x80)
		len++;
	const struct ch c = ch_at(s + i - len, len);
	return c.len == len ? c : (struct ch){CP_INVALID, SET_S, 1};
}

/*
 * Whether a word begins at s[i], i > 0, whatever stands before s[0..i) and behind s[0..n), so that all stages may as well begin there.
 * Letters and digits before it end no later than there, in all rows; and the ends of words do not depend on more than
 * that something else follows, an apostrophe perhaps. What is at s[i] begins a word of its own: a sign, a newline, a blank before
 * a letter or digit, a digit behind a letter, a letter behind a digit,
 * but where words join these.
 */
static bool
word_begins(const struct pretok *p, const unsigned char *s, size_t i, size_t n)
{
	const unsigned char c = s[i];
	if (n - i <= 4 || c == '\'' || (c >= 0x80 && c < 0xE3))
		return false;
	const uint32_t before = ch_before(s, i).set, set = ch_at(s + i, n - i).set;
	if (!(before & (SET_L | SET_N)))
		return false;
	if (c == ' ')
		return ch_at(s + i + 1, n - i - 1).set & (SET_L | SET_N);
	if (c >= 0x80) /* U+3001, U+3002, U+FF0C: commas and the stop */
		return (c == 0xE3 && s[i + 1] == 0x80 && (s[i + 2] == 0x81 || s[i + 2] == 0x82)) || (c == 0xEF && s[i + 1] == 0xBC && s[i + 2] == 0x8C);
	if (c == '\n' || c == ',' || c == '.')
		return true;
	if (p->joins)
		return false;
	return c > ' ' && c < 0x7F && !(set & SET_L && before & SET_L) && !(set & SET_N && before & SET_N);
}

/* What a run is made of: the categories that the expressions of `plain` rows tell apart, all categories for others, and
 * what has a part of its own. */
static uint32_t
run_class(const struct pretok *p, struct ch c)
{
	static const uint32_t sets[] = {SET_L, SET_N, SET_SPACE, SET_OTHER}, NEWLINES = 1u << 31;
	if ((c.cp == '\r' || c.cp == '\n') && p->plain != PLAIN_GPT2 && p->plain != PLAIN_GPT2_DIGITS)
		return NEWLINES;
	if (p->plain < PLAIN_GPT2)
		return c.cp == '\'' || c.cp == '/' ? 0 : c.set;
	for (size_t i = 0; i < sizeof sets / sizeof *sets; i++)
		if (c.set & sets[i])
			return sets[i];
	return 0;
}

/* The bytes of the first characters of a word, if all but its first one are of a kind; or 0. */
static size_t
run_head(const struct pretok *p, const unsigned char *s, size_t n)
{
	enum { HEAD = 4 };
	size_t i = ch_at(s, n).len, head = 0;
	uint32_t kind = 0;
	for (size_t k = 1; i < n; k++) {
		const struct ch c = ch_at(s + i, n - i);
		const uint32_t now = run_class(p, c);
		if (!now || (k > 1 && now != kind))
			return 0;
		kind = now;
		i += c.len;
		if (k + 1 == HEAD)
			head = i;
	}
	return head;
}

struct pretok_end
pretok_end(const struct pretok *p, struct pretok_state *st, const unsigned char *s, size_t n)
{
	struct pretok_end e = {0, 0, 0};
	for (size_t i = n; i-- > 1;)
		if (word_begins(p, s, i, n)) {
			e.cut = i;
			return e;
		}
	const size_t sure = n - utf8_incomplete((const char *)s, n); /* where characters are whole */
	for (size_t i = 0, len; i < sure; i += len) {
		len = pretok_next(p, st, s + i, sure - i, false);
		e.word = i;
		/* digits that are counted off: from here, or from where they begin */
		if (i && sure - i > 16 && ch_before(s, i).set & SET_N && ch_at(s + i, sure - i).set & SET_N)
			e.cut = i;
	}
	if (e.cut || !sure)
		return e;
	const uint32_t before = e.word ? ch_before(s, e.word).set : 0, first = ch_at(s + e.word, sure - e.word).set;
	const uint32_t words = SET_L | SET_M;
	if (!(before & words && first & words) && !(before & SET_SPACE && first & SET_SPACE))
		e.head = run_head(p, s + e.word, sure - e.word);
	return e;
}
