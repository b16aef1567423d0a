/*
 * kernels_x86_turn.h - part of kernels_x86.h: bytes of LANES rows are turned so that a register's lanes are rows.
 */
#ifndef KERNELS_X86_TURN_H
#define KERNELS_X86_TURN_H

/* 16 bytes of each of LANES rows: c[j] holds word j of row r in lane r. */
struct columns {
	vi c[4];
};

INLINE struct columns
turned(const unsigned char *p, size_t stride)
{
	const vi a = rows_apart(p, stride), b = rows_apart(p + stride, stride);
	const vi c = rows_apart(p + 2 * stride, stride), d = rows_apart(p + 3 * stride, stride);
	const vi ab = V(unpacklo_epi32)(a, b), cd = V(unpacklo_epi32)(c, d);
	const vi ab2 = V(unpackhi_epi32)(a, b), cd2 = V(unpackhi_epi32)(c, d);
	return (struct columns){{
		V(unpacklo_epi64)(ab, cd), V(unpackhi_epi64)(ab, cd), V(unpacklo_epi64)(ab2, cd2), V(unpackhi_epi64)(ab2, cd2),
	}};
}

/* The same as they lie: c[j] holds those of rows j, j + 4 ... */
INLINE struct columns
lying(const unsigned char *p, size_t stride)
{
	return (struct columns){{
		rows_apart(p, stride), rows_apart(p + stride, stride), rows_apart(p + 2 * stride, stride), rows_apart(p + 3 * stride, stride),
	}};
}

/* Words of such rows added, in 16 or 32 bits, so that lanes are rows. */
INLINE vi
two_joined(vi a, vi b, const bool shorts)
{
	return shorts ? V(add_epi16)(a, b) : V(add_epi32)(a, b);
}

INLINE vi
joined(const vi s[4], const bool shorts)
{
	const vi a = two_joined(V(unpacklo_epi32)(s[0], s[1]), V(unpackhi_epi32)(s[0], s[1]), shorts);
	const vi b = two_joined(V(unpacklo_epi32)(s[2], s[3]), V(unpackhi_epi32)(s[2], s[3]), shorts);
	return two_joined(V(unpacklo_epi64)(a, b), V(unpackhi_epi64)(a, b), shorts);
}

#endif
