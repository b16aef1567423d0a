/* codes_iq.c - the grids of the IQ formats as bytes; see codes_iq.h. */
#include <stdint.h>
#include <string.h>

#include "codes.h"

/* What a level is worth, and an entry's: lib/weights/unpack_iq.h. */
#define LEVEL(levels, i, bits) ((levels) >> (i) * (bits) & ((1 << (bits)) - 1))
#define IQ2(levels, i) 8 + 17 * LEVEL(levels, i, 2) + LEVEL(levels, i, 2) / 2
#define IQ3_XXS(levels, i) 4 + 8 * LEVEL(levels, i, 4) + LEVEL(levels, i, 4) / 7 * 2
#define IQ3_S(levels, i) 2 * LEVEL(levels, i, 4) + 1
#define IQ1(levels, i) 8 * LEVEL(levels, i, 2)

#define FOUR(worth, levels, i) worth(levels, i), worth(levels, i + 1), worth(levels, i + 2), worth(levels, i + 3)
#define EIGHT_IQ2(levels) {FOUR(IQ2, levels, 0), FOUR(IQ2, levels, 4)},
#define EIGHT_IQ1(levels) {FOUR(IQ1, levels, 0), FOUR(IQ1, levels, 4)},
#define FOUR_IQ3_XXS(levels) {FOUR(IQ3_XXS, levels, 0)},
#define FOUR_IQ3_S(levels) {FOUR(IQ3_S, levels, 0)},

const uint8_t bytes_iq2_xxs[256][8] = {GRID_IQ2_XXS(EIGHT_IQ2)};
const uint8_t bytes_iq2_xs[512][8] = {GRID_IQ2_XS(EIGHT_IQ2)};
const uint8_t bytes_iq2_s[1024][8] = {GRID_IQ2_S(EIGHT_IQ2)};
const uint8_t bytes_iq3_xxs[256][4] = {GRID_IQ3_XXS(FOUR_IQ3_XXS)};
const uint8_t bytes_iq3_s[512][4] = {GRID_IQ3_S(FOUR_IQ3_S)};
const uint8_t bytes_iq1[2048][8] = {GRID_IQ1(EIGHT_IQ1)};
