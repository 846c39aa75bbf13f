// Weights of 4 bits, each of which says what level it is, multiplied in pairs of bfloat16.
#pragma once

#include "fewer_bits.h"

#if defined(__AVX512BF16__)

constexpr int LEVELS_ROWS = 6;       // 12 sums, 2 words, 2 pairs and a table of 32 registers
constexpr int LOOKED_UP_ROWS = 12;  // for up to so many a level is looked up again rather than written down

// Sixteen levels as bfloat16. Of an index five bits count; the fifth belongs to the next number, so each
// level is there twice.
class LevelTable {
 public:
  explicit LevelTable(const float* levels) {
    uint16_t twice[32];
    for (int place = 0; place < 32; place++) twice[place] = BFloat16::narrow(levels[place % 16]);
    table_ = _mm512_loadu_si512(twice);
  }
  // The pairs of these numbers, of which those in the lowest bits of each half of a word count.
  Words pairs(Words numbers) const {
    return reinterpret_cast<Words>(
        _mm512_maskz_permutexvar_epi16(0xffffffff, reinterpret_cast<__m512i>(numbers), table_));
  }

 private:
  __m512i table_;
};

// out[ROWS, PANEL] = x[ROWS, 4 * words] * the levels of words[words, PANEL]; as tile() adds them up.
template <int ROWS>
static void levels_tile(const uint32_t* x, long x_stride, const uint32_t* packed, long words, const uint32_t* next,
                        const LevelTable& table, float* out) {
  Floats sums[ROWS][2];
#pragma GCC unroll 8
  for (int row = 0; row < ROWS; row++) sums[row][0] = sums[row][1] = Floats{};
  for (long word = 0; word < words; word++, packed += PANEL, next += PANEL, x += 4) {
    __builtin_prefetch(next, 0, 2);
    __builtin_prefetch(next + LANES, 0, 2);
    Words low = *reinterpret_cast<const Words*>(packed), high = *reinterpret_cast<const Words*>(packed + LANES);
#pragma GCC unroll 4
    for (int pair = 0; pair < 4; pair++, low >>= 4, high >>= 4) {
      const Words first = table.pairs(low), second = table.pairs(high);
#pragma GCC unroll 8
      for (int row = 0; row < ROWS; row++) {
        const Words factor = Pairs::splat(x[row * x_stride + pair]);
        Pairs::add(sums[row][0], factor, first);
        Pairs::add(sums[row][1], factor, second);
      }
    }
  }
#pragma GCC unroll 8
  for (int row = 0; row < ROWS; row++) {
    store(out + row * PANEL, sums[row][0]);
    store(out + row * PANEL + LANES, sums[row][1]);
  }
}

using LevelsTile = void (*)(const uint32_t*, long, const uint32_t*, long, const uint32_t*, const LevelTable&, float*);

template <int... ROWS>
static LevelsTile levels_tile_of(long rows, std::integer_sequence<int, ROWS...>) {
  static const LevelsTile tiles[] = {levels_tile<ROWS + 1>...};
  return tiles[rows - 1];
}

// Each group of a column has a scale, which multiplies the finished sum of the group. Eight inputs of a
// column are in a word: a shift by four bits for each two brings them to the lowest bits of its halves.
template <class Scale>
struct LevelPanels {
  using Products = Pairs;
  const uint32_t* packed;                 // [panels, padded depth / EACH, PANEL]
  const typename Scale::Element* scales;  // [panels, groups, PANEL]
  LevelTable table;
  long group;  // inputs of each, a multiple of RUN; the last may have fewer
  static constexpr long DEPTH_BLOCK = WIDENED_BLOCK;
  static constexpr long EACH = 8;

  void multiply(const uint32_t* x, long stride, long rows, long depth, long panel, long k, long deep, float* out,
                long columns, long width, bool add) const {
    alignas(64) uint32_t block[WIDENED_BLOCK / 2 * PANEL];
    const uint32_t* from = packed + (panel * padded(depth) + k) / EACH * PANEL;
    const long words = padded(deep) / EACH;
    if (rows > LOOKED_UP_ROWS) look_up(from, words, block);
    // Rows of out are often a power of two apart, of which the first cache keeps few.
    static thread_local std::vector<float> scratch;
    if (static_cast<long>(scratch.size()) < 2 * rows * PANEL) scratch.resize(2 * rows * PANEL);
    float* found = scratch.data();
    float* sums = found + rows * PANEL;
    const long groups = (depth + group - 1) / group;
    for (long at = 0; at < deep;) {
      const long which = (k + at) / group;
      const long end = std::min((which + 1) * group - k, deep);
      if (rows > LOOKED_UP_ROWS) {
        multiply_panel<PlainPanel<Pairs>>(x + at / 2, stride, rows, block + at / 2 * PANEL,
                                          padded(end - at) / 2, found, PANEL, PANEL, false);
      } else {
        const uint32_t* numbers = from + at / EACH * PANEL;
        const long first = (rows + 1) / 2;
        for (long row = 0, height = rows > LEVELS_ROWS ? first : rows; row < rows; row += height, height = rows - row) {
          auto kernel = levels_tile_of(height, std::make_integer_sequence<int, LEVELS_ROWS>());
          kernel(x + at / 2 + row * stride, stride, numbers, padded(end - at) / EACH, numbers + words * PANEL, table,
                 found + row * PANEL);
        }
      }
      const auto* own = scales + (panel * groups + which) * PANEL;
      const Floats scale[2] = {Scale::row(own), Scale::row(own + LANES)};
      for (long place = 0; place < 2 * rows; place++) {
        const Floats sum = load(found + place * LANES) * scale[place % 2];
        store(sums + place * LANES, at > 0 ? load(sums + place * LANES) + sum : sum);
      }
      at = end;
    }
    for (long row = 0; row < rows; row++) add_row(sums + row * PANEL, out + row * columns, width, add);
  }

 private:
  static void add_row(const float* sums, float* out, long width, bool add) {
    if (!add) {
      std::memcpy(out, sums, width * sizeof(float));
      return;
    }
    for (long column = 0; column < width; column++) out[column] += sums[column];
  }

  void look_up(const uint32_t* from, long words, uint32_t* to) const {
    for (long word = 0; word < words; word++)
      for (int half = 0; half < 2; half++) {
        const uint32_t* place = from + word * PANEL + half * LANES;
        __builtin_prefetch(place + words * PANEL, 0, 2);
        const Words all = *reinterpret_cast<const Words*>(place);
#pragma GCC unroll 4
        for (int pair = 0; pair < 4; pair++)
          Pairs::store(to + (word * 4 + pair) * PANEL + half * LANES, table.pairs(all >> (4 * pair)));
      }
  }
};
#endif
