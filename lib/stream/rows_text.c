/* rows_text.c - rows as lines of text; see rows.h and llm-logits(5). */
#include "rows_text.h"

#include "text.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BUF = 1 << 16, FIELD_MAX = 63 };

static int
next_byte(struct row_reader *r)
{
	if (!r->buf)
		r->buf = xreallocarray(NULL, BUF, 1);
	if (r->at == r->have) {
		r->at = 0;
		r->have = read_some(r->in, r->out, r->buf, BUF, r->name);
	}
	return r->at < r->have ? r->buf[r->at++] : -1;
}

/* The next field without what ends it, which is returned: a tab, a newline, or -1, the end. */
static int
next_field(struct row_reader *r, char field[FIELD_MAX + 1])
{
	size_t n = 0;
	int c;
	while ((c = next_byte(r)) != '\t' && c != '\n' && c >= 0) {
		if (n == FIELD_MAX) {
			field[n] = 0;
			die("%s: row %ju: '%s...' is too long for a number", r->name, (uintmax_t)r->n + 1, field);
		}
		field[n++] = (char)(c ? c : '?');
	}
	field[n] = 0;
	return c;
}

static uint32_t
head_number(const struct row_reader *r, const char *s)
{
	char *end;
	const unsigned long long v = strtoull(s, &end, 10);
	if (*s < '0' || *s > '9' || *end || v > UINT32_MAX)
		die("%s: row %ju: '%s' is not a whole number up to 4294967295", r->name, (uintmax_t)r->n + 1, s);
	return (uint32_t)v;
}

/* A decimal number that a float can hold, or an infinity, or NaN: whether these may be here, others know. */
static float
float_number(const struct row_reader *r, const char *s)
{
	char *end;
	errno = 0;
	const float x = strtof(s, &end);
	if (!*s || *end || s[strspn(s, "+-.0123456789eEinfaINFA")])
		die("%s: row %ju: '%s' is not a number", r->name, (uintmax_t)r->n + 1, s);
	if (errno == ERANGE && isinf(x))
		die("%s: row %ju: '%s' is more than a float holds; -inf masks a token", r->name,
			(uintmax_t)r->n + 1, s);
	return x;
}

bool
rows_next_text(struct row_reader *r)
{
	char field[FIELD_MAX + 1];
	uint32_t head[4];
	const size_t width = r->h.width;
	if (!r->x)
		r->x = xreallocarray(NULL, width, sizeof *r->x);
	for (size_t i = 0; i < 4 + width; i++) {
		const int c = next_field(r, field);
		if (c < 0 && i == 0 && !*field)
			return false;
		if (c < 0)
			die("%s: the stream ends within row %ju", r->name, (uintmax_t)r->n + 1);
		if ((c == '\n') != (i == 3 + width))
			die("%s: row %ju has %s than %zu fields: four numbers and %zu floats, divided by tabs", r->name,
				(uintmax_t)r->n + 1, c == '\n' ? "fewer" : "more", 4 + width, width);
		if (i < 4)
			head[i] = head_number(r, field);
		else
			r->x[i - 4] = float_number(r, field);
	}
	r->row = (struct row_head){head[0], head[1], head[2], head[3]};
	r->n++;
	return true;
}

/* m, which has n digits, with the decimal point behind the first `whole` of them (none or fewer: zeros
 * come before), without zeros at the end of a fraction. */
static size_t
fixed(char *s, uint64_t m, int n, int whole)
{
	char *p = s;
	for (; n > whole && n > 1 && m % 10 == 0; n--)
		m /= 10;
	if (whole <= 0) {
		memcpy(p, "0.0000000", 9);
		p += 2 - whole;
	}
	for (int i = n - 1; i >= 0; i--, m /= 10)
		p[i + (whole > 0 && i >= whole)] = (char)('0' + m % 10);
	if (whole > 0 && n > whole)
		p[whole] = '.';
	return (size_t)(p - s) + (size_t)n + (whole > 0 && n > whole);
}

/* Whether d becomes x as a float, and not for being in the middle between two. */
static bool
is_float(double d, float x)
{
	uint64_t bits;
	memcpy(&bits, &d, sizeof bits);
	return (float)d == x && (bits & 0x1fffffff) != 0x10000000;
}

/* Positive numbers of a common size, by the exact powers of ten that a double holds: m / 10^k is rounded
 * once to a double, which then is the float that the digits stand for. 0: it is none of these. */
static size_t
print_common(char *s, double v, float x)
{
	static const double power[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13};
	int whole = 1; /* digits before the point; none or fewer: so many zeros behind it */
	if (!(v >= 1e-4 && v < 1e6))
		return 0;
	while (v >= power[whole])
		whole++;
	while (whole <= 1 && v * power[1 - whole] < 1)
		whole--;
	for (int digits = 6; digits <= 9; digits++) {
		const int k = digits - whole;
		const uint64_t m = (uint64_t)(v * power[k] + 0.5);
		const int n = digits + ((double)m >= power[digits]); /* rounded up to one more */
		if (is_float((double)m / power[k], x))
			return fixed(s, m, n, n - k);
	}
	return 0;
}

size_t
float_print(char s[FLOAT_TEXT], float x)
{
	size_t sign = 0;
	if (signbit(x))
		s[sign++] = '-';
	const size_t n = print_common(s + sign, fabs((double)x), fabsf(x));
	if (n)
		return sign + n;
	for (int digits = fabsf(x) < FLT_MIN ? 1 : 6;; digits++) { /* six are never more than needed, but there */
		const int len = snprintf(s, FLOAT_TEXT, "%.*g", digits, (double)x);
		if (digits == 9 || strtof(s, NULL) == x)
			return (size_t)len;
	}
}

void
rows_write_text(int fd, const struct row_head *r, const float *x, uint32_t width)
{
	struct bytes line = {0};
	bytes_print(&line, "%u\t%u\t%u\t%u", r->sequence, r->position, r->token, r->flags);
	for (uint32_t i = 0; i < width; i++) {
		char s[FLOAT_TEXT + 1] = "\t";
		bytes_add(&line, s, 1 + float_print(s + 1, x[i]));
	}
	bytes_add(&line, "\n", 1);
	write_all(fd, line.s, line.n, "stdout");
	xfree(line.s);
}
