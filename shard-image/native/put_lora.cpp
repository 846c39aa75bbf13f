// Looks an adapter's file through, and puts its matrices where the kernel of lora.cpp reads them.
#include <algorithm>
#include <type_traits>

#include "vector.h"

namespace {

// A matrix of LANES rows, turned over: pairs of rows exchange the halves of their blocks.
template <int WIDTH, int... LANE>
INLINE void exchange(Words& a, Words& b, std::integer_sequence<int, LANE...>) {
  const Words first = __builtin_shufflevector(a, b, (LANE & WIDTH ? LANES + LANE - WIDTH : LANE)...);
  b = __builtin_shufflevector(a, b, (LANE & WIDTH ? LANES + LANE : LANE + WIDTH)...);
  a = first;
}

template <int WIDTH = 1>
INLINE void transpose(Words* rows) {
  if constexpr (WIDTH < LANES) {
#pragma GCC unroll 16
    for (int row = 0; row < LANES; row++)
      if (!(row & WIDTH)) exchange<WIDTH>(rows[row], rows[row + WIDTH], Lanes());
    transpose<2 * WIDTH>(rows);
  }
}

// The first `count` numbers, and zeroes behind them.
template <class Source>
INLINE Floats load_some(const typename Source::Element* from, long count) {
  if (count >= LANES) return Source::row(from);
  typename Source::Element some[LANES] = {};
  std::memcpy(some, from, count * sizeof(*from));
  return Source::row(some);
}

template <class Source, class Weight>
void put_down(const typename Source::Element* down, long count, typename Weight::Element* to) {
  if constexpr (std::is_same_v<Source, Weight>) {
    std::memcpy(to, down, count * sizeof(*down));
  } else {
    long i = 0;
    for (; i + LANES <= count; i += LANES) Weight::put_row(to + i, Source::row(down + i));
    for (; i < count; i++) to[i] = Weight::narrow(Source::widen(down[i]));
  }
}

// LANES words of a column's scaled numbers from rank k on, of which there may be fewer.
template <class Source, class Weight>
INLINE Words words_of(const typename Source::Element* column, float scale, long k, long rank) {
  auto some = [&](long from) {
    return from < rank ? load_some<Source>(column + from, rank - from) * scale : Floats{};
  };
  if constexpr (std::is_same_v<Weight, Float32>) return reinterpret_cast<Words>(some(k));
  else return BFloat16::words(some(k), some(k + LANES));
}

// A block of LANES words and the columns of a panel at a time; a word has one or two ranks.
template <class Source, class Weight>
void put_up(const typename Source::Element* up, float scale, long rank, long columns,
            typename Weight::Element* to, long bucket) {
  constexpr long EACH = 4 / sizeof(typename Weight::Element);
  for (long column = 0; column < columns; column += PANEL, to += bucket * PANEL)
    for (long k = 0; k < rank; k += LANES * EACH) {
      const long whole = std::min<long>(LANES, (rank - k) / EACH);
      for (long first = 0; first < PANEL; first += LANES) {
        Words rows[LANES] = {};
#pragma GCC unroll 16
        for (long lane = 0; lane < LANES; lane++) {
          const long own = column + first + lane;
          if (own < columns) rows[lane] = words_of<Source, Weight>(up + own * rank, scale, k, rank);
        }
        transpose(rows);
        auto* place = reinterpret_cast<uint32_t*>(to + k * PANEL) + first;
        for (long r = 0; r < whole; r++) *reinterpret_cast<Words*>(place + r * PANEL) = rows[r];
        if (whole < LANES && (rank - k) % EACH != 0) {  // half a word, beside a rank that stays
          auto& last = *reinterpret_cast<Words*>(place + whole * PANEL);
          last = (last & 0xffff0000u) | rows[whole];
        }
      }
    }
}

// Infinities and NaNs have an exponent of ones.
template <class Word, Word EXPONENT>
bool are_finite(const Word* numbers, long count) {
  typedef Word Vector __attribute__((vector_size(LANES * 4), aligned(sizeof(Word)), may_alias));
  constexpr long EACH = sizeof(Vector) / sizeof(Word);
  Vector found = {};
  long i = 0;
  for (; i + EACH <= count; i += EACH) {
    const Vector exponents = *reinterpret_cast<const Vector*>(numbers + i) & EXPONENT;
    found |= reinterpret_cast<Vector>(exponents == EXPONENT);
  }
  Word any = 0;
  for (long lane = 0; lane < EACH; lane++) any |= found[lane];
  for (; i < count; i++) any |= (numbers[i] & EXPONENT) == EXPONENT;
  return !any;
}

template <class Weight>
void put_lora(const void* down, const void* up, long kind, float scale, long rank, long depth,
              long columns, typename Weight::Element* own_down, typename Weight::Element* own_up,
              long bucket) {
  auto put = [&](auto source) {
    using Source = decltype(source);
    using Element = const typename Source::Element;
    put_down<Source, Weight>(static_cast<Element*>(down), rank * depth, own_down);
    put_up<Source, Weight>(static_cast<Element*>(up), scale, rank, columns, own_up, bucket);
  };
  if (kind == 0) put(Float32());
  else if (kind == 1) put(BFloat16());
  else put(Float16());
}

}  // namespace

// Whether all are, of 32-bit floats (kind 0), bfloat16 (1) or 16-bit floats (2).
EXPORT long lorax_are_finite(const void* numbers, long count, long kind) {
  if (kind == 0) return are_finite<uint32_t, 0x7f800000u>(static_cast<const uint32_t*>(numbers), count);
  auto halves = static_cast<const uint16_t*>(numbers);
  return kind == 1 ? are_finite<uint16_t, 0x7f80u>(halves, count)
                   : are_finite<uint16_t, 0x7c00u>(halves, count);
}

// down [rank, depth], up [columns, rank], both of 32-bit floats (kind 0), bfloat16 (1) or 16-bit floats
// (2) -> the first rank rows of own_down [bucket, depth], and up * scale into own_up, packed
// [ceil(columns / PANEL), bucket, PANEL], or [.., bucket / 2, PANEL] of pairs of ranks in bfloat16
EXPORT void lorax_put_lora_f32(const void* down, const void* up, long kind, float scale, long rank,
                               long depth, long columns, float* own_down, float* own_up,
                               long bucket) {
  put_lora<Float32>(down, up, kind, scale, rank, depth, columns, own_down, own_up, bucket);
}
EXPORT void lorax_put_lora_bf16(const void* down, const void* up, long kind, float scale, long rank,
                                long depth, long columns, uint16_t* own_down, uint16_t* own_up,
                                long bucket) {
  put_lora<BFloat16>(down, up, kind, scale, rank, depth, columns, own_down, own_up, bucket);
}
