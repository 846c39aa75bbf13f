// Rotary, the paged cache, and attention of one new token per sequence over it.
#include <algorithm>
#include <cmath>
#include <vector>

#include "vector.h"

namespace {

constexpr long BLOCK = 16;  // tokens of a cache block

void normalise(float* head, long dim, const float* weight, float epsilon) {
  float squares = 0;
  for (long d = 0; d < dim; d++) squares += head[d] * head[d];
  const float scale = 1.0f / std::sqrt(squares / static_cast<float>(dim) + epsilon);
  for (long d = 0; d < dim; d++) head[d] = weight[d] * (head[d] * scale);
}

void rotate(float* head, const float* cosine, const float* sine, long half) {
  for (long d = 0; d < half; d++) {
    const float first = head[d], second = head[d + half];
    head[d] = first * cosine[d] - second * sine[d];
    head[d + half] = second * cosine[d] + first * sine[d];
  }
}

template <class Kept>
void place(float* qkv, long tokens, long queries, long kv, long dim, const float* cosine,
           const float* sine, long half, const float* query_norm, const float* key_norm,
           float epsilon, const int64_t* slots, typename Kept::Element* keys,
           typename Kept::Element* values) {
  const long width = (queries + 2 * kv) * dim;
#pragma omp parallel for schedule(static) if (tokens > 8)
  for (long token = 0; token < tokens; token++) {
    float* heads = qkv + token * width;
    for (long h = 0; h < queries + kv; h++) {
      const float* norm = h < queries ? query_norm : key_norm;
      if (norm) normalise(heads + h * dim, dim, norm, epsilon);
      rotate(heads + h * dim, cosine + token * half, sine + token * half, half);
    }
    const float* key = heads + queries * dim;
    const long to = slots[token] * kv * dim;
    for (long d = 0; d < kv * dim; d++) keys[to + d] = Kept::narrow(key[d]);
    for (long d = 0; d < kv * dim; d++) values[to + d] = Kept::narrow(key[kv * dim + d]);
  }
}

// Scores -> weights that sum to one, in place; length is padded to LANES with -inf.
void softmax(float* scores, long length) {
  Floats highest = splat(-INFINITY);
  for (long t = 0; t < length; t += LANES) {
    Floats value = load(scores + t);
    highest = value > highest ? value : highest;
  }
  float top = highest[0];
  for (int lane = 1; lane < LANES; lane++) top = std::max<float>(top, highest[lane]);
  Floats total = {};
  for (long t = 0; t < length; t += LANES) {
    Floats value = exponential(load(scores + t) - top);
    store(scores + t, value);
    total += value;
  }
  const float scale = 1.0f / sum(total);
  for (long t = 0; t < length; t += LANES) store(scores + t, load(scores + t) * scale);
}

constexpr int HEADS = 4;   // query heads that are computed together
constexpr int WIDTH = 4;   // vectors of a head that are computed together

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

// scores[GROUP][seen] = queries[GROUP][dim] * keys
template <class Kept, int GROUP>
void score(const float* queries, const Context<Kept>& keys, long seen, float* scores, long padded) {
  const long dim = keys.dim;
  for (long t0 = 0; t0 < seen; t0 += LANES) {
    Floats parts[GROUP][LANES] = {};
    float rest[GROUP][LANES] = {};
    const int count = static_cast<int>(std::min<long>(LANES, seen - t0));
    for (int t = 0; t < count; t++) {
      const auto* key = row_of(keys, t0 + t);
      Floats totals[GROUP] = {};
      long d = 0;
      for (; d + LANES <= dim; d += LANES) {
        Floats part = Kept::row(key + d);
#pragma GCC unroll 4
        for (int g = 0; g < GROUP; g++) totals[g] += part * load(queries + g * dim + d);
      }
      for (int g = 0; g < GROUP; g++) parts[g][t] = totals[g];
      for (; d < dim; d++)
        for (int g = 0; g < GROUP; g++) rest[g][t] += queries[g * dim + d] * Kept::widen(key[d]);
    }
    for (int g = 0; g < GROUP; g++)
      store(scores + g * padded + t0, sums(parts[g]) + load(rest[g]));
  }
}

// out[GROUP][dim] = weights[GROUP][seen] * values
template <class Kept, int GROUP>
void blend(const float* weights, long padded, const Context<Kept>& values, long seen, float* out) {
  const long dim = values.dim;
  long d = 0;
  for (; d + WIDTH * LANES <= dim; d += WIDTH * LANES) {
    Floats totals[GROUP][WIDTH] = {};
    for (long t = 0; t < seen; t++) {
      const auto* value = row_of(values, t) + d;
#pragma GCC unroll 4
      for (int part = 0; part < WIDTH; part++) {
        Floats row = Kept::row(value + part * LANES);
#pragma GCC unroll 4
        for (int g = 0; g < GROUP; g++) totals[g][part] += weights[g * padded + t] * row;
      }
    }
    for (int g = 0; g < GROUP; g++)
      for (int part = 0; part < WIDTH; part++)
        store(out + g * dim + d + part * LANES, totals[g][part]);
  }
  for (int g = 0; g < GROUP; g++) std::fill(out + g * dim + d, out + (g + 1) * dim, 0.0f);
  for (long t = 0; d < dim && t < seen; t++) {
    const auto* value = row_of(values, t);
    for (long rest = d; rest < dim; rest++)
      for (int g = 0; g < GROUP; g++)
        out[g * dim + rest] += weights[g * padded + t] * Kept::widen(value[rest]);
  }
}

template <class Kept, int GROUP>
void attend_group(const float* queries, const Context<Kept>& keys, const Context<Kept>& values,
                  long seen, float scale, float cap, float* out) {
  const long padded = (seen + LANES - 1) / LANES * LANES;
  static thread_local std::vector<float> scratch;
  scratch.resize(GROUP * padded);
  float* scores = scratch.data();
  score<Kept, GROUP>(queries, keys, seen, scores, padded);
  for (int g = 0; g < GROUP; g++) {
    float* row = scores + g * padded;
    for (long t = 0; t < seen; t++) row[t] = cap > 0 ? cap * std::tanh(row[t] * scale / cap) : row[t] * scale;
    std::fill(row + seen, row + padded, -INFINITY);
    softmax(row, padded);
  }
  blend<Kept, GROUP>(scores, padded, values, seen, out);
}

template <class Kept>
void attend(const float* queries, long stride, const typename Kept::Element* keys,
            const typename Kept::Element* values, const int64_t* tables, long table_width,
            const int64_t* lengths, long batch, long heads, long kv, long dim, float scale,
            float cap, long window, float* out) {
  const long group = heads / kv;
  constexpr decltype(&attend_group<Kept, 1>) groups[] = {
      attend_group<Kept, 1>, attend_group<Kept, 2>, attend_group<Kept, 3>, attend_group<Kept, 4>};
#pragma omp parallel for schedule(dynamic) if (batch * kv > 1)
  for (long task = 0; task < batch * kv; task++) {
    const long sequence = task / kv, head = task % kv, length = lengths[sequence];
    const long start = window > 0 ? std::max<long>(0, length - window) : 0;
    const int64_t* table = tables + sequence * table_width;
    const Context<Kept> key{keys, table, kv, head, dim, start};
    const Context<Kept> value{values, table, kv, head, dim, start};
    for (long g = 0; g < group; g += HEADS) {
      const long first = head * group + g;
      groups[std::min<long>(HEADS, group - g) - 1](
          queries + sequence * stride + first * dim, key, value, length - start, scale, cap,
          out + (sequence * heads + first) * dim);
    }
  }
}

}  // namespace

// qkv [tokens, (queries + 2 kv) * dim]: heads are normalised where norms [dim] are given and rotated
// in place by cosine and sine [tokens, half]; keys and values also go to their slots of the cache.
#define PLACE(NAME, KEPT, ELEMENT)                                                                \
  EXPORT void NAME(float* qkv, long tokens, long queries, long kv, long dim, const float* cosine, \
                   const float* sine, long half, const float* query_norm, const float* key_norm,  \
                   float epsilon, const int64_t* slots, ELEMENT* keys, ELEMENT* values) {         \
    place<KEPT>(qkv, tokens, queries, kv, dim, cosine, sine, half, query_norm, key_norm, epsilon, \
                slots, keys, values);                                                             \
  }
PLACE(lorax_place_f32, Float32, float)
PLACE(lorax_place_bf16, BFloat16, uint16_t)

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
