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

  // One half of row k, whose numbers are the next after those of row k - 1.
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

// Numbers of 8 bits; a scale of each column multiplies the finished sum. A panel has an even number of
// rows, the last perhaps of zeroes.
template <class Products_>
struct Int8Panels {
  using Products = Products_;
  using Input = typename Products::Input;
  using Panel = Int8Panel<Products>;
  const int8_t* packed;  // [panels, depth rounded up, PANEL]
  const float* scales;   // of the columns
  static constexpr long DEPTH_BLOCK = WIDENED_BLOCK;
  static constexpr long WIDENED_ROWS = 4 * TILE_ROWS;  // more of them are worth a block

  void multiply(const Input* x, long stride, long rows, long depth, long panel, long k, long deep, float* out,
                long columns, long width, bool add) const {
    const int8_t* numbers = packed + (panel * (depth + depth % 2) + k) * PANEL;
    const long inputs = inputs_of<Products>(deep);
    if (rows <= WIDENED_ROWS) {
      multiply_panel<Panel>(x, stride, rows, numbers, inputs, out, columns, width, add);
      return;
    }
    alignas(64) Input block[WIDENED_BLOCK / Products::EACH * PANEL];
    for (long input = 0; input < inputs; input++) {
      typename Products::Vector low, high;
      Panel::template row<0>(numbers + input * Panel::ROW, low, high);
      Products::store(block + input * PANEL, low);
      Products::store(block + input * PANEL + LANES, high);
    }
    multiply_panel<PlainPanel<Products>>(x, stride, rows, block, inputs, out, columns, width, add);
  }
};

// Numbers of 4 bits, two of one column in a byte, the first in its lower half; each run of GROUP
// numbers of a column has a scale and a least value.
template <class Products_>
struct Int4Panels {
  using Products = Products_;
  using Input = typename Products::Input;
  const uint8_t* packed;     // [panels, groups * GROUP / 2, PANEL]
  const uint16_t* scales;    // [panels, groups, PANEL] in bfloat16
  const uint16_t* minimums;  // the same
  static constexpr long DEPTH_BLOCK = WIDENED_BLOCK;
  static constexpr long GROUP = 32;

  void multiply(const Input* x, long stride, long rows, long depth, long panel, long k, long deep, float* out,
                long columns, long width, bool add) const {
    const long groups = (depth + GROUP - 1) / GROUP;
    Block<Products> block;
    for (long first = k; first < k + deep; first += GROUP) {
      const long group = panel * groups + first / GROUP;
      const uint8_t* numbers = packed + group * (GROUP / 2) * PANEL;
      for (int half = 0; half < 2; half++) {
        const Floats scale = BFloat16::row(scales + group * PANEL + half * LANES);
        const Floats least = BFloat16::row(minimums + group * PANEL + half * LANES);
        for (long pair = 0; pair < GROUP / 2; pair++) {
          const Integers both = widened(numbers + pair * PANEL + half * LANES);
          const Floats even = __builtin_convertvector(both & 15, Floats);
          const Floats odd = __builtin_convertvector(both >> 4, Floats);
          block.put(first - k + 2 * pair, half, even * scale + least, odd * scale + least);
        }
      }
    }
    multiply_panel<PlainPanel<Products>>(x, stride, rows, block.numbers, inputs_of<Products>(deep), out,
                                         columns, width, add);
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
