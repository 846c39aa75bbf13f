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
#pragma omp parallel for schedule(static)
  for (long panel = first / PANEL; panel <= (first + columns - 1) / PANEL; panel++) {
    auto* to = packed + panel * depth * PANEL;
    const auto* from = weight + (panel * PANEL - first) * depth;
    const long begin = std::max(0L, first - panel * PANEL);
    const long end = std::min<long>(PANEL, first + columns - panel * PANEL);
    for (long k0 = 0; k0 < depth; k0 += 16) {
      const long k1 = std::min(depth, k0 + 16);
      for (long column = begin; column < end; column++) {
        const long place = packed_place<typename Weight::Element>(column);
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
// may be of any length. A block is always widened into the first cache.
template <class Scale, int BITS, bool LEVELLED = false>
struct GroupedPanels {
  const uint8_t* packed;                  // [panels, bytes of a column, PANEL]
  const typename Scale::Element* scales;  // [panels, groups, PANEL]
  const uint8_t* zeros;                   // the same; null with levels
  const float* levels;                    // [16], where there are any
  const int32_t* bounds;                  // [groups + 1]: the first input of each, and how many there are
  long groups;
  static constexpr long EACH = 8 / BITS;  // numbers in a byte, the first in the lower half

  void multiply(const float* x, long rows, long depth, long panel, long k, long deep, float* out,
                long columns, long width, bool add) const {
    alignas(64) float wide[DEPTH_BLOCK * PANEL];
    const uint8_t* numbers = packed + panel * ((depth + EACH - 1) / EACH) * PANEL;
    const Levels known(LEVELLED ? levels : nullptr);
    const long end = k + deep;
    long group = std::upper_bound(bounds, bounds + groups + 1, k) - bounds - 1;
    for (long at = k; at < end; group++) {
      const long place = (panel * groups + group) * PANEL;
      Floats scale[2], least[2];
      Scale::panel_row(scales + place, scale[0], scale[1]);
      for (int half = 0; !LEVELLED && half < 2; half++)
        least[half] = -__builtin_convertvector(widened(zeros + place + half * LANES), Floats) * scale[half];
      const long last = std::min<long>(bounds[group + 1], end);
      if (at % EACH != 0) at = widen<1>(numbers, known, at, at + 1, k, scale, least, wide);
      at = widen<EACH>(numbers, known, at, at + (last - at) / EACH * EACH, k, scale, least, wide);
      if (at < last) at = widen<1>(numbers, known, at, last, k, scale, least, wide);
    }
    multiply_panel<Float32>(x + k, depth, rows, wide, deep, out, columns, width, add);
  }

  // Inputs from at to last, which are of one group; at a time all of a byte, or one. Exact with scales
  // of 16 bits.
  template <long COUNT>
  INLINE long widen(const uint8_t* numbers, const Levels& known, long at, long last, long k,
                    const Floats* scale, const Floats* least, float* wide) {
    const Floats scales[2] = {scale[0], scale[1]}, leasts[2] = {least[0], least[1]};
    for (; at < last; at += COUNT)
      for (int half = 0; half < 2; half++) {
        const Integers all = widened(numbers + at / EACH * PANEL + half * LANES);
        for (long each = 0; each < COUNT; each++) {
          const bool lower = (COUNT == EACH ? each : at % EACH) == 0;
          const Integers one = BITS == 8 ? all : (lower ? all & 15 : all >> 4);
          Floats value;
          if constexpr (LEVELLED) value = known[one] * scales[half];
          else value = __builtin_convertvector(one, Floats) * scales[half] + leasts[half];
          store(wide + (at + each - k) * PANEL + half * LANES, value);
        }
      }
    return last;
  }
};

const float* scales_of(const Int4Panels&) { return nullptr; }
template <class Scale, int BITS, bool LEVELLED>
const float* scales_of(const GroupedPanels<Scale, BITS, LEVELLED>&) { return nullptr; }
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
// packed, zeros as lorax_pack_i8 makes them of bytes [columns, depth * bits / 8 rounded up] and [columns,
// groups]; scales as lorax_pack_* does of 32-bit floats (kind 0), bfloat16 (1) or 16-bit floats (2); with
// levels [16], for 4 bits, there are no zeros
EXPORT void lorax_linear_grouped(const float* x, long rows, long depth, const uint8_t* packed,
                                 long bits, const void* scales, long kind, const uint8_t* zeros,
                                 const float* levels, const int32_t* bounds, long groups,
                                 const float* bias, float* out, long columns) {
  auto run = [&](auto scale, auto each, auto levelled) {
    using Scale = decltype(scale);
    using Weight = GroupedPanels<Scale, decltype(each)::value, decltype(levelled)::value>;
    auto typed = static_cast<const typename Scale::Element*>(scales);
    linear(x, rows, depth, Weight{packed, typed, zeros, levels, bounds, groups}, bias, out, columns);
  };
  auto with = [&](auto scale) {
    using Four = std::integral_constant<int, 4>;
    if (levels) run(scale, Four(), std::true_type());
    else if (bits == 4) run(scale, Four(), std::false_type());
    else run(scale, std::integral_constant<int, 8>(), std::false_type());
  };
  if (kind == 0) with(Float32());
  else if (kind == 1) with(BFloat16());
  else with(Float16());
}
