// Weights of fewer bits, which are widened into the first cache, a block of a panel at a time.
#pragma once

#include "tile.h"

constexpr long WIDENED_BLOCK = 256;  // a panel's part of this depth stays in the first cache, widened

// Numbers [WIDENED_BLOCK, PANEL] as inputs of products.
template <class Products>
struct Block;

template <>
struct Block<Singles> {
  alignas(64) float numbers[WIDENED_BLOCK * PANEL];

  // One half of row k.
  void put(long k, int half, Floats value) { store(numbers + k * PANEL + half * LANES, value); }
  // Rows k and k + 1, where k is even.
  void put(long k, int half, Floats even, Floats odd) {
    put(k, half, even);
    put(k + 1, half, odd);
  }
};

#if defined(__AVX512BF16__)
template <>
struct Block<Pairs> {
  alignas(64) uint32_t numbers[WIDENED_BLOCK / 2 * PANEL];

  // One half of row k, whose numbers are the next after those of row k - 1.
  void put(long k, int half, Floats value) {
    uint32_t* place = numbers + k / 2 * PANEL + half * LANES;
    if (k % 2 == 0) Pairs::store(place, Pairs::pair(value, Floats{}));
    else Pairs::store(place, Pairs::load(place) | Pairs::pair(Floats{}, value));
  }
  void put(long k, int half, Floats even, Floats odd) {
    Pairs::store(numbers + k / 2 * PANEL + half * LANES, Pairs::pair(even, odd));
  }
};
#endif

constexpr long QUAD = 4;  // inputs of a word of 8 bits each
constexpr long RUN = 32;  // a depth is filled up to so many, and groups of 4 bits are multiples of it

constexpr long padded(long depth) { return (depth + RUN - 1) / RUN * RUN; }

// Numbers of 8 bits; a scale of each column multiplies the finished sum. Four inputs of a column are in a
// word, each plus ZERO, the first in its lowest byte.
struct Int8Panels {
  using Products = Singles;
  using Panel = Int8Panel;
  const uint32_t* packed;  // [panels, padded depth / QUAD, PANEL]
  const float* scales;     // [panels * PANEL]
  static constexpr long DEPTH_BLOCK = WIDENED_BLOCK;
  static constexpr long WIDENED_ROWS = 4 * TILE_ROWS;  // more of them are worth a block
  static constexpr float ZERO = 128;

  void multiply(const float* x, long stride, long rows, long depth, long panel, long k, long deep, float* out,
                long columns, long width, bool add) const {
    const uint32_t* numbers = packed + (panel * padded(depth) + k) / QUAD * PANEL;
    if (rows <= WIDENED_ROWS) {
      multiply_panel<Panel>(x, stride, rows, numbers, deep, out, columns, width, add);
      return;
    }
    Block<Singles> block;
    for (long input = 0; input < padded(deep); input += QUAD, numbers += PANEL) {
      Floats low[QUAD], high[QUAD];
      Panel::row<0>(numbers, low[0], high[0]);
      Panel::row<1>(numbers, low[1], high[1]);
      Panel::row<2>(numbers, low[2], high[2]);
      Panel::row<3>(numbers, low[3], high[3]);
      for (int each = 0; each < QUAD; each++) {
        block.put(input + each, 0, low[each]);
        block.put(input + each, 1, high[each]);
      }
    }
    multiply_panel<Float32Panel>(x, stride, rows, block.numbers, deep, out, columns, width, add);
  }
};

// Numbers of 4 bits; each group of a column has a scale, and a least value or a zero. Eight inputs of a
// column are in a word: the first four in the lower halves of its bytes, the others in the upper ones.
template <class Scale>
struct Int4Panels {
  using Products = Singles;
  const uint32_t* packed;                   // [panels, padded depth / EACH, PANEL]
  const typename Scale::Element* scales;    // [panels, groups, PANEL]
  const typename Scale::Element* minimums;  // the same; null where there are zeros
  const uint8_t* zeros;                     // the same
  long group;                               // inputs of each, a multiple of RUN; the last may have fewer
  static constexpr long DEPTH_BLOCK = WIDENED_BLOCK;
  static constexpr long EACH = 8;

  // A number of half a panel stands for number * scale + least.
  INLINE void meaning_of(const Int4Panels& weight, long panel, long which, long depth, int half, Floats& scale,
                         Floats& least) {
    const long groups = (depth + weight.group - 1) / weight.group;
    const long place = (panel * groups + which) * PANEL + half * LANES;
    scale = Scale::row(weight.scales + place);
    if (weight.minimums) least = Scale::row(weight.minimums + place);
    else least = -__builtin_convertvector(widened(weight.zeros + place), Floats) * scale;
  }

  void multiply(const float* x, long stride, long rows, long depth, long panel, long k, long deep, float* out,
                long columns, long width, bool add) const {
    Block<Singles> block;
    const uint32_t* numbers = packed + (panel * padded(depth) + k) / EACH * PANEL;
    for (long first = 0; first < deep; first += RUN)
      for (int half = 0; half < 2; half++) {
        Floats scale, least;
        meaning_of(*this, panel, (k + first) / group, depth, half, scale, least);
        for (long at = first; at < first + RUN; at += EACH) {
          const Words all = *reinterpret_cast<const Words*>(numbers + at / EACH * PANEL + half * LANES);
#pragma GCC unroll 8
          for (int each = 0; each < EACH; each++) {
            const Integers number = reinterpret_cast<Integers>(all >> (each % 4 * 8 + each / 4 * 4) & 15u);
            block.put(at + each, half, __builtin_convertvector(number, Floats) * scale + least);
          }
        }
      }
    multiply_panel<Float32Panel>(x, stride, rows, block.numbers, deep, out, columns, width, add);
  }
};

// What numbers of 4 bits stand for.
struct Levels {
  Floats parts[16 / LANES];

  explicit Levels(const float* levels) {
    for (int part = 0; part < 16 / LANES; part++)
      parts[part] = levels ? load(levels + part * LANES) : Floats{};
  }
  Floats operator[](Integers numbers) const {
    if constexpr (LANES == 16) return __builtin_shuffle(parts[0], numbers);
    else return __builtin_shuffle(parts[0], parts[1], numbers);
  }
};

// Numbers of 4 or 8 bits as AWQ and GPTQ have them, less a zero and times a scale that a run of
// inputs shares, or as bitsandbytes has them, each the number of a level that is multiplied so. Runs
// may be of any length.
template <class Products_, class Scale, int BITS, bool LEVELLED>
struct GroupedPanels {
  using Products = Products_;
  using Input = typename Products::Input;
  const uint8_t* packed;                  // [panels, bytes of a column, PANEL]
  const typename Scale::Element* scales;  // [panels, groups, PANEL]
  const uint8_t* zeros;                   // the same; null with levels
  const float* levels;                    // [16], where there are any
  const int32_t* bounds;                  // [groups + 1]: the first input of each, and how many there are
  long groups;
  static constexpr long DEPTH_BLOCK = WIDENED_BLOCK;
  static constexpr long EACH = 8 / BITS;  // numbers in a byte, the first in the lower half

  void multiply(const Input* x, long stride, long rows, long depth, long panel, long k, long deep, float* out,
                long columns, long width, bool add) const {
    Block<Products> block;
    const uint8_t* numbers = packed + panel * ((depth + EACH - 1) / EACH) * PANEL;
    const Levels known(LEVELLED ? levels : nullptr);
    const long end = k + deep;
    long group = std::upper_bound(bounds, bounds + groups + 1, k) - bounds - 1;
    for (long at = k; at < end; group++) {
      const long place = (panel * groups + group) * PANEL;
      const long last = std::min<long>(bounds[group + 1], end);
      for (int half = 0; half < 2; half++) {
        const Floats scale = Scale::row(scales + place + half * LANES);
        Floats least = {};
        if (!LEVELLED) least = -__builtin_convertvector(widened(zeros + place + half * LANES), Floats) * scale;
        widen(numbers + half * LANES, known, at, last, k, half, scale, least, block);
      }
      at = last;
    }
    multiply_panel<PlainPanel<Products>>(x, stride, rows, block.numbers, inputs_of<Products>(deep), out,
                                         columns, width, add);
  }

  // One half of the inputs from at to last, which are of one group. Exact in float32 with scales of 16
  // bits.
  INLINE void widen(const uint8_t* numbers, const Levels& known, long at, long last, long k, int half,
                    Floats scale, Floats least, Block<Products>& block) {
    auto number = [&](long input) {
      const Integers all = widened(numbers + input / EACH * PANEL);
      return value(BITS == 8 ? all : (input % EACH == 0 ? all & 15 : all >> 4), known, scale, least);
    };
    if (at % 2 != 0 && at < last) {
      block.put(at - k, half, number(at));
      at++;
    }
    for (; at + 2 <= last; at += 2) {
      const Integers all = widened(numbers + at / EACH * PANEL);
      const Integers even = BITS == 8 ? all : all & 15;
      const Integers odd = BITS == 8 ? widened(numbers + (at + 1) * PANEL) : all >> 4;
      block.put(at - k, half, value(even, known, scale, least),
                value(odd, known, scale, least));
    }
    if (at < last) block.put(at - k, half, number(at));
  }

  INLINE Floats value(Integers number, const Levels& known, Floats scale, Floats least) {
    if constexpr (LEVELLED) return known[number] * scale;
    else return __builtin_convertvector(number, Floats) * scale + least;
  }
};
