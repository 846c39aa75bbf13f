// y = x W^T + bias with packed weights.
#include <omp.h>

#include <algorithm>

#include "tile.h"

namespace {

constexpr long DEPTH_BLOCK = 256;         // a panel's part of this depth stays in the first cache
constexpr long ROW_BYTES = 1 << 20;       // rows of x that stay in the second cache
constexpr long WIDENED_ROWS = 4 * TILE_ROWS;  // more of them are worth widening int8 once for all
constexpr long PARALLEL_WORK = 1 << 16;   // multiplications that are worth waking a thread

template <class Weight>
void pack(const typename Weight::Element* weight, long columns, long depth, long first,
          typename Weight::Element* packed) {
  const bool interleaved = sizeof(typename Weight::Element) == 2;
#pragma omp parallel for schedule(static)
  for (long panel = first / PANEL; panel <= (first + columns - 1) / PANEL; panel++) {
    auto* to = packed + panel * depth * PANEL;
    const auto* from = weight + (panel * PANEL - first) * depth;
    const long begin = std::max(0L, first - panel * PANEL);
    const long end = std::min<long>(PANEL, first + columns - panel * PANEL);
    for (long k0 = 0; k0 < depth; k0 += 16) {
      const long k1 = std::min(depth, k0 + 16);
      for (long column = begin; column < end; column++) {
        const long place = !interleaved        ? column
                           : column < LANES ? 2 * column
                                            : 2 * (column - LANES) + 1;
        for (long k = k0; k < k1; k++) to[k * PANEL + place] = from[column * depth + k];
      }
    }
  }
}

// The products of x with one panel, without scales; added to what out holds, where asked for.
template <class Weight>
void multiply_block(const float* x, long rows, long depth, const typename Weight::Element* panel,
                    long k, float* out, long columns, long width, bool add) {
  const long deep = std::min(DEPTH_BLOCK, depth - k);
  if constexpr (sizeof(typename Weight::Element) == 1) {
    if (rows > WIDENED_ROWS) {
      alignas(64) float wide[DEPTH_BLOCK * PANEL];
      for (long i = 0; i < deep * PANEL; i += LANES) store(wide + i, Weight::row(panel + k * PANEL + i));
      multiply_panel<Float32>(x + k, depth, rows, wide, deep, out, columns, width, add);
      return;
    }
  }
  multiply_panel<Weight>(x + k, depth, rows, panel + k * PANEL, deep, out, columns, width, add);
}

// scales: of the columns, or null where the weights are whole by themselves.
template <class Weight>
void linear(const float* x, long rows, long depth, const typename Weight::Element* packed,
            const float* scales, const float* bias, float* out, long columns) {
  const long panels = (columns + PANEL - 1) / PANEL;
  const long block = std::max<long>(4 * TILE_ROWS, ROW_BYTES / (depth * 4));
#pragma omp parallel if (rows * depth * columns > PARALLEL_WORK)
  {
    const long threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const long begin = panels * thread / threads, end = panels * (thread + 1) / threads;
    for (long row = 0; row < rows; row += block) {
      const long height = std::min(block, rows - row);
      for (long panel = begin; panel < end; panel++) {
        const long column = panel * PANEL, width = std::min<long>(PANEL, columns - column);
        float* place = out + row * columns + column;
        const bool begins_with_bias = bias && !scales;
        for (long r = 0; begins_with_bias && r < height; r++)
          std::memcpy(place + r * columns, bias + column, width * sizeof(float));
        for (long k = 0; k < depth; k += DEPTH_BLOCK)
          multiply_block<Weight>(x + row * depth, height, depth, packed + panel * depth * PANEL, k,
                                 place, columns, width, begins_with_bias || k > 0);
        for (long r = 0; scales && r < height; r++)
          for (long c = 0; c < width; c++) {
            float& value = place[r * columns + c];
            value = value * scales[column + c] + (bias ? bias[column + c] : 0.0f);
          }
      }
    }
  }
}

}  // namespace

EXPORT long lorax_panel() { return PANEL; }

// weight [columns, depth] -> columns first and following of packed [panels, depth, PANEL]
EXPORT void lorax_pack_f32(const float* weight, long columns, long depth, long first,
                           float* packed) {
  pack<Float32>(weight, columns, depth, first, packed);
}
EXPORT void lorax_pack_bf16(const uint16_t* weight, long columns, long depth, long first,
                            uint16_t* packed) {
  pack<BFloat16>(weight, columns, depth, first, packed);
}
EXPORT void lorax_pack_i8(const int8_t* weight, long columns, long depth, long first,
                          int8_t* packed) {
  pack<Int8>(weight, columns, depth, first, packed);
}

// x [rows, depth], bias [columns] or null, out [rows, columns]; all contiguous
EXPORT void lorax_linear_f32(const float* x, long rows, long depth, const float* packed,
                             const float* bias, float* out, long columns) {
  linear<Float32>(x, rows, depth, packed, nullptr, bias, out, columns);
}
EXPORT void lorax_linear_bf16(const float* x, long rows, long depth, const uint16_t* packed,
                              const float* bias, float* out, long columns) {
  linear<BFloat16>(x, rows, depth, packed, nullptr, bias, out, columns);
}
// scales [columns]
EXPORT void lorax_linear_i8(const float* x, long rows, long depth, const int8_t* packed,
                            const float* scales, const float* bias, float* out, long columns) {
  linear<Int8>(x, rows, depth, packed, scales, bias, out, columns);
}
