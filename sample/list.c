/* list.c - the likeliest tokens of a row as lines of text; see list.h. */
#include "list.h"

#include "score.h"

void
list_header(void)
{
	static const char names[] = "# sequence\tposition\trank\tid\tlogprob\tpiece\n";
	write_all(1, names, sizeof names - 1, "stdout");
}

void
list_row(struct list *l, const struct row_reader *r)
{
	const double norm = score_norm(r);
	logits_take(&l->row, r);
	candidates_load(&l->all, &l->row, NULL, l->n);
	candidates_top(&l->all, l->n, true);
	l->text.n = 0;
	for (size_t i = 0; i < l->all.n; i++) {
		double p = l->all.c[i].logit - norm;
		size_t n = 0;
		bytes_print(&l->text, "%u\t%u\t%zu\t%u\t%.4f\t", r->row.sequence, r->row.position, i + 1,
			l->all.c[i].id, p > -0.00005 ? 0 : p);
		const bool known = l->vocab && l->all.c[i].id < vocab_size(l->vocab);
		const char *piece = known ? vocab_text(l->vocab, l->all.c[i].id, true, &n) : "";
		bytes_escape(&l->text, piece, n);
		bytes_add(&l->text, "\n", 1);
	}
	write_all(1, l->text.s, l->text.n, "stdout");
}

void
list_free(struct list *l)
{
	logits_free(&l->row);
	candidates_free(&l->all);
	xfree(l->text.s);
}
