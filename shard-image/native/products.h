// The two ways in which sums of products are made. A row of x is a row of inputs, each of one or more
// of its numbers; a packed weight has as many numbers of each column side by side.
#pragma once

#include <algorithm>
#include <type_traits>
#include <vector>

#include "vector.h"

// Of float32 numbers, one after another.
struct Singles {
  using Input = float;
  using Vector = Floats;
  static constexpr int EACH = 1;  // numbers of an input

  INLINE Vector splat(Input value) { return ::splat(value); }
  INLINE Vector load(const Input* from) { return ::load(from); }
  INLINE void store(Input* to, Vector value) { ::store(to, value); }
  INLINE void add(Floats& sum, Vector x, Vector weight) { sum += x * weight; }
  INLINE void take(const float* x, long count, Input* to) { std::memcpy(to, x, count * sizeof(float)); }
};

#if defined(__AVX512BF16__)
// Of bfloat16 numbers, two at a time, by an instruction that adds them to a float32 number. Numbers of
// more digits are rounded to the nearest.
struct Pairs {
  using Input = uint32_t;  // the first number in its lower half
  using Vector = Words;
  static constexpr int EACH = 2;

  INLINE Vector splat(Input value) { return value - Words{}; }
  INLINE Vector load(const Input* from) { return *reinterpret_cast<const Words*>(from); }
  INLINE void store(Input* to, Vector value) { *reinterpret_cast<Words*>(to) = value; }
  INLINE void add(Floats& sum, Vector x, Vector weight) {
    sum = _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(x), reinterpret_cast<__m512bh>(weight));
  }
  INLINE Vector rounded(Floats first, Floats second) {
    return reinterpret_cast<Words>(_mm512_cvtne2ps_pbh(second, first));
  }
  // Pairs of what two rows have at the same place.
  INLINE Vector pair(Floats even, Floats odd) {
    typedef uint16_t Places __attribute__((vector_size(64)));
    const Places places = {0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
                           8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    return reinterpret_cast<Words>(_mm512_permutexvar_epi16(reinterpret_cast<__m512i>(places),
                                                            reinterpret_cast<__m512i>(rounded(even, odd))));
  }
  // The last pair gets a zero where count is odd.
  INLINE void take(const float* x, long count, Input* to) {
    long k = 0;
    for (; k + 2 * LANES <= count; k += 2 * LANES)
      store(to + k / 2, rounded(::load(x + k), ::load(x + k + LANES)));
    if (k == count) return;
    float rest[2 * LANES] = {};
    std::memcpy(rest, x + k, (count - k) * sizeof(float));
    Input last[LANES];
    store(last, rounded(::load(rest), ::load(rest + LANES)));
    std::memcpy(to + k / 2, last, (count - k + 1) / 2 * sizeof(Input));
  }
};
using Narrow = Pairs;
#else
using Narrow = Singles;
#endif

// How numbers that are kept as Kept are multiplied.
template <class Kept>
using ProductsOf = std::conditional_t<std::is_same_v<Kept, Float32>, Singles, Narrow>;

// A vector of inputs, of numbers that lie one after another.
template <class Kept>
INLINE typename ProductsOf<Kept>::Vector inputs_at(const typename Kept::Element* from) {
  using Products = ProductsOf<Kept>;
  if constexpr (Products::EACH == 1) return Kept::row(from);
  else return Products::load(reinterpret_cast<const typename Products::Input*>(from));
}
// The same of fewer numbers, with zeroes behind them.
template <class Kept>
INLINE typename ProductsOf<Kept>::Vector inputs_at(const typename Kept::Element* from, long count) {
  typename Kept::Element last[LANES * ProductsOf<Kept>::EACH] = {};
  std::memcpy(last, from, count * sizeof(*from));
  return inputs_at<Kept>(last);
}

template <class Products>
constexpr long inputs_of(long depth) {
  return (depth + Products::EACH - 1) / Products::EACH;
}

// A row of x as inputs, and zeroes behind them up to a width.
template <class Products>
INLINE void take_row(const float* x, long depth, typename Products::Input* to, long width) {
  Products::take(x, depth, to);
  std::fill(to + inputs_of<Products>(depth), to + width, 0);
}

constexpr long PARALLEL_WORK = 1 << 16;  // multiplications that are worth waking a thread
constexpr long INPUT_BYTES = 1 << 20;  // of rows that stay in the second cache

// Room for rows of x as inputs, of one thread until it asks again; zeroes stand behind each.
template <class Products>
struct Inputs {
  typename Products::Input* rows;
  long depth, stride;

  Inputs(long count, long depth) : depth(depth), stride(odd_lines(inputs_of<Products>(depth))) {
    static thread_local std::vector<typename Products::Input> scratch;
    if (static_cast<long>(scratch.size()) < count * stride) scratch.resize(count * stride);
    rows = scratch.data();
  }

  void take(const float* x, long row) const {
    take_row<Products>(x, depth, rows + row * stride, stride);
  }

  // How many rows are worth having at once.
  static long most(long depth) {
    return std::max<long>(4 * TILE_ROWS, INPUT_BYTES / (inputs_of<Products>(depth) * sizeof(*rows)));
  }

  // An odd number of the cache's lines, so that the same place of neighbouring rows is not in one set.
  static long odd_lines(long inputs) {
    constexpr long LINE = 64 / sizeof(typename Products::Input);
    return ((inputs + LINE - 1) / LINE | 1) * LINE;
  }
};
