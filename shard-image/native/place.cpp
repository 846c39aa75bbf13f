// Rotary, and keys and values into the paged cache.
#include <cmath>

#include "vector.h"

namespace {

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
