// Attention of one new token per sequence over the paged cache.
#include <omp.h>

#include <cmath>

#include "products.h"

namespace {

constexpr long BLOCK = 16;  // tokens of a cache block

// Scores -> e^(scale * (score - the highest)) in place, and 1 / their sum; length is padded to LANES with -inf.
float softmax(float* scores, long length, float scale) {
  Floats highest = splat(-INFINITY);
  for (long t = 0; t < length; t += LANES) {
    Floats value = load(scores + t);
    highest = value > highest ? value : highest;
  }
  float top = highest[0];
  for (int lane = 1; lane < LANES; lane++) top = std::max<float>(top, highest[lane]);
  Floats total = {};
  for (long t = 0; t < length; t += LANES) {
    Floats value = exponential((load(scores + t) - top) * scale);
    store(scores + t, value);
    total += value;
  }
  return 1.0f / sum(total);
}

constexpr int HEADS = 4;   // query heads that are computed together
constexpr int WIDTH = 4;   // vectors of a head that are computed together
constexpr long AHEAD = 32;  // tokens whose keys and values are on their way
constexpr long TASK = 16;   // tokens that take as long as the rest of a head's attention

template <class Kept>
using InputOf = typename ProductsOf<Kept>::Input;

// The keys or values of one head of one sequence.
template <class Kept>
struct Context {
  const typename Kept::Element* cache;
  const int64_t* table;
  long kv, head, dim, start;
};

template <class Kept>
INLINE const typename Kept::Element* row_of(const Context<Kept>& context, long seen) {
  const long token = context.start + seen;
  const long slot = context.table[token / BLOCK] * BLOCK + token % BLOCK;
  return context.cache + (slot * context.kv + context.head) * context.dim;
}

// What a head has of a token is too short for the processor to see a stream, which would be one of its
// neighbours as well.
template <class Kept>
INLINE void prefetch(const Context<Kept>& context, long seen, long length) {
  if (seen >= length) return;
  const char* row = reinterpret_cast<const char*>(row_of(context, seen));
  const long bytes = context.dim * sizeof(typename Kept::Element);
  for (long line = 0; line < bytes; line += 64) __builtin_prefetch(row + line, 0, 2);
}

// scores[GROUP][seen] = queries[GROUP][dim] * keys; zeroes stand behind each query
template <class Kept, int GROUP>
void score(const InputOf<Kept>* queries, long stride, const Context<Kept>& keys, long seen, float* scores,
           long padded) {
  using Products = ProductsOf<Kept>;
  constexpr long EACH = LANES * Products::EACH;  // numbers in a vector
  const long dim = keys.dim;
  for (long t0 = 0; t0 < seen; t0 += LANES) {
    Floats parts[GROUP][LANES];
    const int count = static_cast<int>(std::min<long>(LANES, seen - t0));
    for (int t = 0; t < count; t++) {
      const auto* key = row_of(keys, t0 + t);
      prefetch(keys, t0 + t + AHEAD, seen);
      Floats totals[GROUP] = {};
      auto add = [&](long d, typename Products::Vector part) {
#pragma GCC unroll 4
        for (int g = 0; g < GROUP; g++)
          Products::add(totals[g], Products::load(queries + g * stride + d / Products::EACH), part);
      };
      long d = 0;
      for (; d + EACH <= dim; d += EACH) add(d, inputs_at<Kept>(key + d));
      if (d < dim) add(d, inputs_at<Kept>(key + d, dim - d));
      for (int g = 0; g < GROUP; g++) parts[g][t] = totals[g];
    }
    for (int g = 0; g < GROUP; g++) std::fill(parts[g] + count, parts[g] + LANES, Floats{});
    for (int g = 0; g < GROUP; g++) store(scores + g * padded + t0, sums(parts[g]));
  }
}

// How values of one token after another become a sum: columns of as many tokens as an input takes.
template <class Kept, class Products>
struct Columns;

template <class Kept>
struct Columns<Kept, Singles> {
  INLINE void read(const typename Kept::Element* const* tokens, Floats* columns, int width) {
    for (int part = 0; part < width; part++) columns[part] = Kept::row(tokens[0] + part * LANES);
  }
  INLINE void finish(Floats*, int) {}
};

#if defined(__AVX512BF16__)
// Pairs of what two tokens have in a column. The processor makes them of eight columns of each sixteen
// at a time, so the halves of two vectors of columns change places in the end.
template <>
struct Columns<BFloat16, Pairs> {
  INLINE void read(const uint16_t* const* tokens, Words* columns, int width) {
    for (int part = 0; part < width; part += 2) {
      const __m512i one = _mm512_loadu_si512(tokens[0] + part * LANES);
      const __m512i other = tokens[1] ? _mm512_loadu_si512(tokens[1] + part * LANES) : __m512i{};
      columns[part] = reinterpret_cast<Words>(_mm512_unpacklo_epi16(one, other));
      columns[part + 1] = reinterpret_cast<Words>(_mm512_unpackhi_epi16(one, other));
    }
  }
  INLINE void finish(Floats* totals, int width) {
    for (int part = 0; part < width; part += 2) {
      const Floats low = totals[part], high = totals[part + 1];
      totals[part] = __builtin_shufflevector(low, high, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23);
      totals[part + 1] =
          __builtin_shufflevector(low, high, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31);
    }
  }
};
#endif

// out[GROUP][count columns from d on] = scales[GROUP] * weights[GROUP][seen] * values; at most COUNT
// vectors of columns
template <class Kept, int GROUP, int COUNT>
void blend_columns(const InputOf<Kept>* weights, long stride, const float* scales, const Context<Kept>& values,
                   long seen, long d, long count, float* out) {
  using Products = ProductsOf<Kept>;
  using Element = typename Kept::Element;
  constexpr int EACH = Products::EACH;
  const bool is_whole = count == COUNT * LANES;
  Element some[EACH][COUNT * LANES] = {};
  Floats totals[GROUP][COUNT] = {};
  for (long t = 0; t < seen; t += EACH) {
    const Element* tokens[EACH] = {};
    for (int each = 0; each < EACH && t + each < seen; each++) {
      if (d == 0) prefetch(values, t + each + AHEAD, seen);
      tokens[each] = row_of(values, t + each) + d;
      if (is_whole) continue;
      std::memcpy(some[each], tokens[each], count * sizeof(Element));
      tokens[each] = some[each];
    }
    typename Products::Vector columns[COUNT];
    Columns<Kept, Products>::read(tokens, columns, COUNT);
#pragma GCC unroll 4
    for (int g = 0; g < GROUP; g++) {
      const auto weight = Products::splat(weights[g * stride + t / EACH]);
#pragma GCC unroll 4
      for (int part = 0; part < COUNT; part++) Products::add(totals[g][part], weight, columns[part]);
    }
  }
  for (int g = 0; g < GROUP; g++) {
    Columns<Kept, Products>::finish(totals[g], COUNT);
    float finished[COUNT * LANES];
    for (int part = 0; part < COUNT; part++) store(finished + part * LANES, totals[g][part] * scales[g]);
    std::memcpy(out + g * values.dim + d, finished, count * sizeof(float));
  }
}

// out[GROUP][dim] = scales[GROUP] * weights[GROUP][seen] * values
template <class Kept, int GROUP>
void blend(const InputOf<Kept>* weights, long stride, const float* scales, const Context<Kept>& values,
           long seen, float* out) {
  constexpr long MOST = WIDTH * LANES;
  constexpr int LEAST = ProductsOf<Kept>::EACH;  // vectors of columns that can be read
  long d = 0;
  for (; d + MOST <= values.dim; d += MOST)
    blend_columns<Kept, GROUP, WIDTH>(weights, stride, scales, values, seen, d, MOST, out);
  for (; d < values.dim; d += LEAST * LANES)
    blend_columns<Kept, GROUP, LEAST>(weights, stride, scales, values, seen, d,
                                      std::min<long>(LEAST * LANES, values.dim - d), out);
}

template <class Kept, int GROUP>
void attend_group(const float* queries, const Context<Kept>& keys, const Context<Kept>& values,
                  long seen, float scale, float cap, float* out) {
  using Products = ProductsOf<Kept>;
  const long dim = keys.dim, padded = (seen + LANES - 1) / LANES * LANES;
  const long query_width = (inputs_of<Products>(dim) + LANES - 1) / LANES * LANES;
  static thread_local std::vector<float> scratch;
  static thread_local std::vector<typename Products::Input> inputs;
  scratch.resize(GROUP * padded);
  inputs.resize(GROUP * std::max(query_width, padded));
  float *scores = scratch.data(), scales[GROUP];
  for (int g = 0; g < GROUP; g++)
    take_row<Products>(queries + g * dim, dim, inputs.data() + g * query_width, query_width);
  score<Kept, GROUP>(inputs.data(), query_width, keys, seen, scores, padded);
  for (int g = 0; g < GROUP; g++) {
    float* row = scores + g * padded;
    for (long t = 0; cap > 0 && t < seen; t++) row[t] = cap * std::tanh(row[t] * scale / cap);
    std::fill(row + seen, row + padded, -INFINITY);
    scales[g] = softmax(row, padded, cap > 0 ? 1.0f : scale);
    Products::take(row, seen, inputs.data() + g * padded);
  }
  blend<Kept, GROUP>(inputs.data(), padded, scales, values, seen, out);
}

template <class Kept>
void attend(const float* queries, long stride, const typename Kept::Element* keys,
            const typename Kept::Element* values, const int64_t* tables, long table_width,
            const int64_t* lengths, long batch, long heads, long kv, long dim, float scale,
            float cap, long window, float* out) {
  const long group = heads / kv;
  constexpr decltype(&attend_group<Kept, 1>) groups[] = {
      attend_group<Kept, 1>, attend_group<Kept, 2>, attend_group<Kept, 3>, attend_group<Kept, 4>};
  auto seen_of = [&](long sequence) {
    return window > 0 ? std::min(lengths[sequence], static_cast<int64_t>(window)) : lengths[sequence];
  };
  long total = 0;
  for (long sequence = 0; sequence < batch; sequence++) total += kv * (seen_of(sequence) + TASK);
#pragma omp parallel if (batch * kv > 1)
  {
    // A head goes to the thread in whose share of all work it begins: nobody asks what is left, and
    // most heads of a sequence, whose tokens share pages, have one thread.
    const long threads = omp_get_num_threads(), thread = omp_get_thread_num();
    long begin = 0;
    for (long task = 0; task < batch * kv; task++) {
      const long sequence = task / kv, head = task % kv, seen = seen_of(sequence);
      const bool is_own = begin * threads / total == thread;
      begin += seen + TASK;
      if (!is_own) continue;
      const int64_t* table = tables + sequence * table_width;
      const Context<Kept> key{keys, table, kv, head, dim, lengths[sequence] - seen};
      const Context<Kept> value{values, table, kv, head, dim, lengths[sequence] - seen};
      for (long g = 0; g < group; g += HEADS) {
        const long first = head * group + g;
        groups[std::min<long>(HEADS, group - g) - 1](queries + sequence * stride + first * dim, key, value, seen,
                                                     scale, cap, out + (sequence * heads + first) * dim);
      }
    }
  }
}

}  // namespace

// queries: rows of `stride`, the first heads * dim of each; tables [batch, table_width] of blocks;
// lengths [batch], the new token included; cap 0 and window 0 switch those off; out [batch, heads, dim].
#define ATTEND(NAME, KEPT, ELEMENT)                                                              \
  EXPORT void NAME(const float* queries, long stride, const ELEMENT* keys, const ELEMENT* values, \
                   const int64_t* tables, long table_width, const int64_t* lengths, long batch,  \
                   long heads, long kv, long dim, float scale, float cap, long window, float* out) { \
    attend<KEPT>(queries, stride, keys, values, tables, table_width, lengths, batch, heads, kv,  \
                 dim, scale, cap, window, out);                                                  \
  }
ATTEND(lorax_attend_f32, Float32, float)
ATTEND(lorax_attend_bf16, BFloat16, uint16_t)
