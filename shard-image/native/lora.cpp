// Adds the adapters' part to the output of a linear layer whose rows are ordered by adapter.
#include <omp.h>

#include <algorithm>
#include <vector>

#include "tile.h"

namespace {

constexpr int SHRINK_RANKS = 4;

// hidden[ROWS, SHRINK_RANKS] = x[ROWS, depth] * down[SHRINK_RANKS, depth]^T
template <class Weight, int ROWS>
void dot(const float* x, const typename Weight::Element* down, long depth, float* hidden,
         long hidden_stride) {
  Floats sums[ROWS][SHRINK_RANKS] = {};
  long k = 0;
  for (; k + LANES <= depth; k += LANES) {
    Floats inputs[ROWS];
#pragma GCC unroll 4
    for (int row = 0; row < ROWS; row++) inputs[row] = load(x + row * depth + k);
#pragma GCC unroll 4
    for (int rank = 0; rank < SHRINK_RANKS; rank++) {
      // The ranks that come next: a row is too short for the processor to see a stream.
      __builtin_prefetch(down + (SHRINK_RANKS + rank) * depth + k);
      Floats weight = Weight::row(down + rank * depth + k);
#pragma GCC unroll 4
      for (int row = 0; row < ROWS; row++) sums[row][rank] += inputs[row] * weight;
    }
  }
  for (int row = 0; row < ROWS; row++)
    for (int rank = 0; rank < SHRINK_RANKS; rank++) {
      float total = sum(sums[row][rank]);
      for (long rest = k; rest < depth; rest++)
        total += x[row * depth + rest] * Weight::widen(down[rank * depth + rest]);
      hidden[row * hidden_stride + rank] = total;
    }
}

template <class Weight>
void lora(const float* x, long depth, float* out, long columns, const int32_t* segments,
          long count, long parts, const long* widths, long rank,
          const typename Weight::Element* down, const typename Weight::Element* const* up) {
  using Element = typename Weight::Element;
  const long ranks = parts * rank, groups = ranks / SHRINK_RANKS;
  const long rows = segments[3 * count - 2];
  static thread_local std::vector<float> scratch;
  scratch.resize(rows * ranks);
  float* hidden = scratch.data();
#pragma omp parallel
  {
#pragma omp for schedule(static)
    for (long task = 0; task < count * groups; task++) {
      const int32_t* segment = segments + 3 * (task / groups);
      const long group = task % groups * SHRINK_RANKS;
      const Element* from = down + (segment[2] * ranks + group) * depth;
      long row = segment[0];
      for (; row + 4 <= segment[1]; row += 4)
        dot<Weight, 4>(x + row * depth, from, depth, hidden + row * ranks + group, ranks);
      for (; row < segment[1]; row++)
        dot<Weight, 1>(x + row * depth, from, depth, hidden + row * ranks + group, ranks);
    }
    const long threads = omp_get_num_threads(), thread = omp_get_thread_num();
    long first = 0;
    for (long part = 0; part < parts; part++) {
      const long panels = (widths[part] + PANEL - 1) / PANEL;
      const long begin = panels * thread / threads, end = panels * (thread + 1) / threads;
      // Adapter by adapter, because each is one stream of memory.
      for (long s = 0; s < count; s++) {
        const int32_t* segment = segments + 3 * s;
        const Element* from = up[part] + segment[2] * panels * rank * PANEL;
        for (long panel = begin; panel < end; panel++)
          multiply_panel<Weight>(hidden + segment[0] * ranks + part * rank, ranks,
                                 segment[1] - segment[0], from + panel * rank * PANEL, rank,
                                 out + segment[0] * columns + first + panel * PANEL, columns,
                                 std::min<long>(PANEL, widths[part] - panel * PANEL), true);
      }
      first += widths[part];
    }
  }
}

}  // namespace

// x [rows, depth], out [rows, columns] with columns = sum of widths; segments [count, 3]: first row,
// row after the last, slot, in the order of rows; down [slots, parts * rank, depth]; up[part]: packed
// [slots, ceil(width / PANEL), rank, PANEL]. rank is a multiple of 4.
EXPORT void lorax_lora_f32(const float* x, long depth, float* out, long columns,
                           const int32_t* segments, long count, long parts, const long* widths,
                           long rank, const float* down, const float* const* up) {
  lora<Float32>(x, depth, out, columns, segments, count, parts, widths, rank, down, up);
}
EXPORT void lorax_lora_bf16(const float* x, long depth, float* out, long columns,
                            const int32_t* segments, long count, long parts, const long* widths,
                            long rank, const uint16_t* down, const uint16_t* const* up) {
  lora<BFloat16>(x, depth, out, columns, segments, count, parts, widths, rank, down, up);
}
