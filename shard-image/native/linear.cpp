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

// Weights that are whole by themselves, or int8 whose scale multiplies the finished sum.
template <class Weight>
struct Panels {
  const typename Weight::Element* packed;
  const float* scales = nullptr;  // of the columns

  // out (+)= products of x with numbers [k, k + deep) of a panel, without scales.
  void multiply(const float* x, long rows, long depth, long panel, long k, long deep, float* out,
                long columns, long width, bool add) const {
    const auto* numbers = packed + (panel * depth + k) * PANEL;
    if constexpr (sizeof(typename Weight::Element) == 1) {
      if (rows > WIDENED_ROWS) {
        alignas(64) float wide[DEPTH_BLOCK * PANEL];
        for (long i = 0; i < deep * PANEL; i += LANES) store(wide + i, Weight::row(numbers + i));
        multiply_panel<Float32>(x + k, depth, rows, wide, deep, out, columns, width, add);
        return;
      }
    }
    multiply_panel<Weight>(x + k, depth, rows, numbers, deep, out, columns, width, add);
  }
};

// Numbers of 4 bits, two of one column in a byte, the first in its lower half; each run of GROUP
// numbers of a column has a scale and a least value. A block is always widened into the first cache.
struct Int4Panels {
  const uint8_t* packed;      // [panels, groups * GROUP / 2, PANEL]
  const uint16_t* scales;     // [panels, groups, PANEL] as BFloat16 packs them
  const uint16_t* minimums;   // the same
  static constexpr long GROUP = 32;

  void multiply(const float* x, long rows, long depth, long panel, long k, long deep, float* out,
                long columns, long width, bool add) const {
    const long groups = (depth + GROUP - 1) / GROUP;
    alignas(64) float wide[DEPTH_BLOCK * PANEL];
    for (long first = k; first < k + deep; first += GROUP) {
      const long group = panel * groups + first / GROUP;
      const uint8_t* numbers = packed + group * (GROUP / 2) * PANEL;
      float* to = wide + (first - k) * PANEL;
      Floats scale[2], least[2];
      BFloat16::panel_row(scales + group * PANEL, scale[0], scale[1]);
      BFloat16::panel_row(minimums + group * PANEL, least[0], least[1]);
      for (long pair = 0; pair < GROUP / 2; pair++)
        for (int half = 0; half < 2; half++) {
          Integers both = widened(numbers + pair * PANEL + half * LANES);
          Floats even = __builtin_convertvector(both & 15, Floats);
          Floats odd = __builtin_convertvector(both >> 4, Floats);
          store(to + 2 * pair * PANEL + half * LANES, even * scale[half] + least[half]);
          store(to + (2 * pair + 1) * PANEL + half * LANES, odd * scale[half] + least[half]);
        }
    }
    multiply_panel<Float32>(x + k, depth, rows, wide, deep, out, columns, width, add);
  }
};

const float* scales_of(const Int4Panels&) { return nullptr; }
template <class Weight>
const float* scales_of(const Panels<Weight>& weight) { return weight.scales; }

template <class Packed>
void linear(const float* x, long rows, long depth, const Packed& weight, const float* bias,
            float* out, long columns) {
  const float* scales = scales_of(weight);
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
          weight.multiply(x + row * depth, height, depth, panel, k,
                          std::min(DEPTH_BLOCK, depth - k), place, columns, width,
                          begins_with_bias || k > 0);
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
  linear(x, rows, depth, Panels<Float32>{packed}, bias, out, columns);
}
EXPORT void lorax_linear_bf16(const float* x, long rows, long depth, const uint16_t* packed,
                              const float* bias, float* out, long columns) {
  linear(x, rows, depth, Panels<BFloat16>{packed}, bias, out, columns);
}
// scales [columns]
EXPORT void lorax_linear_i8(const float* x, long rows, long depth, const int8_t* packed,
                            const float* scales, const float* bias, float* out, long columns) {
  linear(x, rows, depth, Panels<Int8>{packed, scales}, bias, out, columns);
}
// packed as lorax_pack_i8 makes it of bytes [columns, groups * 16]; scales, minimums [columns, groups]
// as lorax_pack_bf16 does
EXPORT void lorax_linear_i4(const float* x, long rows, long depth, const uint8_t* packed,
                            const uint16_t* scales, const uint16_t* minimums, const float* bias,
                            float* out, long columns) {
  linear(x, rows, depth, Int4Panels{packed, scales, minimums}, bias, out, columns);
}
