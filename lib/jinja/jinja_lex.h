/* jinja_lex.h - a template's tags, a word at a time: what jinja_lex.c and jinja_parse.c share. */
#ifndef JINJA_LEX_H
#define JINJA_LEX_H

#include "jinja_impl.h"

enum token { T_END, T_NAME, T_STRING, T_INT, T_FLOAT, T_OP };

struct parser {
	struct jinja *j;
	jstr s;
	size_t at;
	int nest;		/* of expressions and blocks, bounded */
	int brackets;		/* open ones: a tag does not end within them */
	enum token tok;
	jstr text;		/* of a name or string */
	int64_t i;
	double f;
	int op;
	size_t begin;		/* of the token */
	/* Of the tag's end that was read last. */
	bool strip, line_start;
	jstr closing;		/* the statement that ended a body: "endif", "else" */
	int takes;		/* enum macro_takes, of the names read so far */
};

/* The character so many ahead; 0 at the end. */
uint32_t lex_peek(const struct parser *p, size_t ahead);
/* How many characters end the tag at p->at, "%}", "-%}", "+%}"; of an output "}}"; 0: it goes on. */
size_t lex_tag_end(const struct parser *p);
/* The next token within a tag. */
void lex_next(struct parser *p);

#endif
