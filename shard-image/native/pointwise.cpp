// Norms, activations, and the choice of the largest logit.
#include <algorithm>
#include <cmath>

#include "vector.h"

namespace {

INLINE Floats silu(Floats x) { return x / (1.0f + exponential(-x)); }

// The tanh form of GELU; tanh(y) = 1 - 2 / (e^2y + 1).
INLINE Floats gelu(Floats x) {
  Floats y = 0.7978845608028654f * (x + 0.044715f * x * x * x);
  return 0.5f * x * (2.0f - 2.0f / (exponential(2.0f * y) + 1.0f));
}

template <class Function>
INLINE void gated(const float* gate, const float* up, float* out, long width, Function function) {
  long i = 0;
  for (; i + LANES <= width; i += LANES) store(out + i, function(load(gate + i)) * load(up + i));
  if (i < width) {
    float rest[LANES] = {};
    std::memcpy(rest, gate + i, (width - i) * sizeof(float));
    store(rest, function(load(rest)));
    for (long j = i; j < width; j++) out[j] = rest[j - i] * up[j];
  }
}

// Looking for the largest number once more, one by one, would take longer than the rest (half of a
// row of 49,152): it is enough to look through the block in which it was seen.
constexpr long GREEDY_BLOCK = 64 * LANES;

// Of x - top, which may be the infinity that stands for no number yet.
INLINE float sum_of_exponentials(const float* x, long count, float top) {
  const float base = top == -INFINITY ? 0.0f : top;
  Floats totals[2] = {};
  long i = 0;
  for (; i + 2 * LANES <= count; i += 2 * LANES)
    for (int part = 0; part < 2; part++) totals[part] += exponential(load(x + i + part * LANES) - base);
  float rest = 0;
  for (; i < count; i++) rest += std::exp(x[i] - base);
  return sum(totals[0] + totals[1]) + rest;
}

}  // namespace

// hidden += added where that is given, then out = hidden / rms(hidden) * weight; [rows, width]
EXPORT void lorax_norm(float* hidden, const float* added, const float* weight, float epsilon,
                       long rows, long width, float* out) {
#pragma omp parallel for schedule(static) if (rows > 8)
  for (long row = 0; row < rows; row++) {
    float* x = hidden + row * width;
    Floats squares = {};
    float rest = 0;
    long i = 0;
    for (; i + LANES <= width; i += LANES) {
      Floats value = load(x + i);
      if (added) store(x + i, value = value + load(added + row * width + i));
      squares += value * value;
    }
    for (; i < width; i++) {
      if (added) x[i] += added[row * width + i];
      rest += x[i] * x[i];
    }
    const float scale =
        1.0f / std::sqrt((sum(squares) + rest) / static_cast<float>(width) + epsilon);
    for (i = 0; i < width; i++) out[row * width + i] = weight[i] * (x[i] * scale);
  }
}

// both [rows, 2 * width]: gates, then what they gate; out [rows, width]; kind 0 SiLU, 1 GELU (tanh)
EXPORT void lorax_gate(const float* both, long rows, long width, long kind, float* out) {
#pragma omp parallel for schedule(static) if (rows > 8)
  for (long row = 0; row < rows; row++) {
    const float* gate = both + 2 * row * width;
    float* to = out + row * width;
    if (kind == 0)
      gated(gate, gate + width, to, width, [](Floats x) { return silu(x); });
    else
      gated(gate, gate + width, to, width, [](Floats x) { return gelu(x); });
  }
}

// The first largest logit of each row and its log-probability; NaN or infinite logits make that NaN
// or infinite, too.
EXPORT void lorax_greedy(const float* logits, long rows, long width, int64_t* best,
                         float* logprobs) {
#pragma omp parallel for schedule(static)
  for (long row = 0; row < rows; row++) {
    const float* x = logits + row * width;
    float top = -INFINITY, total = 0;
    long first = 0;  // of the block that holds the largest
    for (long block = 0; block < width; block += GREEDY_BLOCK) {
      const long count = std::min(GREEDY_BLOCK, width - block);
      const float found = maximum(x + block, count);
      if (found > top) {
        total *= std::exp(top - found);
        top = found;
        first = block;
      }
      // While the block is in the first cache.
      total += sum_of_exponentials(x + block, count, top);
    }
    long place = first;
    while (place < width && x[place] != top) place++;
    best[row] = place < width ? place : 0;
    logprobs[row] = place < width ? -std::log(total) : NAN;
  }
}
