// y = x W^T + bias with packed weights.
#include "levels.h"
#include "quads.h"

namespace {

template <class Element>
void pack(const Element* weight, long columns, long depth, long first, Element* packed) {
#pragma omp parallel for schedule(static)
  for (long panel = first / PANEL; panel <= (first + columns - 1) / PANEL; panel++) {
    auto* to = packed + panel * depth * PANEL;
    const auto* from = weight + (panel * PANEL - first) * depth;
    const long begin = std::max(0L, first - panel * PANEL);
    const long end = std::min<long>(PANEL, first + columns - panel * PANEL);
    for (long k0 = 0; k0 < depth; k0 += 16) {
      const long k1 = std::min(depth, k0 + 16);
      for (long column = begin; column < end; column++)
        for (long k = k0; k < k1; k++) to[k * PANEL + column] = from[column * depth + k];
    }
  }
}

// Weights that are whole by themselves.
template <class Panel>
struct Panels {
  using Products = typename Panel::Products;
  const typename Panel::Element* packed;
  static constexpr long NUMBERS = Panel::INPUTS * Products::EACH;  // of a column, in a row of a panel
  // A panel's part of this depth stays in the second cache while many rows are multiplied by it.
  static constexpr long DEPTH_BLOCK = NUMBERS == 2 ? 1024 : 256;

  void multiply(const typename Products::Input* x, long stride, long rows, long depth, long panel, long k,
                long deep, float* out, long columns, long width, bool add) const {
    const long height = (depth + NUMBERS - 1) / NUMBERS;
    multiply_panel<Panel>(x, stride, rows, packed + (panel * height + k / NUMBERS) * PANEL,
                          inputs_of<Products>(deep), out, columns, width, add);
  }
};

template <class Packed>
const float* scales_of(const Packed&) { return nullptr; }
const float* scales_of(const Int8Panels& weight) { return weight.scales; }

template <class Packed>
void linear(const float* x, long rows, long depth, const Packed& weight, const float* bias,
            float* out, long columns) {
  using Products = typename Packed::Products;
  const float* scales = scales_of(weight);
  const long panels = (columns + PANEL - 1) / PANEL;
  const long block = Inputs<Products>::most(depth);
#pragma omp parallel if (rows * depth * columns > PARALLEL_WORK)
  {
    const long threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const long begin = panels * thread / threads, end = panels * (thread + 1) / threads;
    for (long row = 0; row < rows && begin < end; row += block) {
      const long height = std::min(block, rows - row);
      const Inputs<Products> inputs(height, depth);
      for (long r = 0; r < height; r++) inputs.take(x + (row + r) * depth, r);
      for (long panel = begin; panel < end; panel++) {
        const long column = panel * PANEL, width = std::min<long>(PANEL, columns - column);
        float* place = out + row * columns + column;
        const bool begins_with_bias = bias && !scales;
        for (long r = 0; begins_with_bias && r < height; r++)
          std::memcpy(place + r * columns, bias + column, width * sizeof(float));
        for (long k = 0; k < depth; k += Packed::DEPTH_BLOCK)
          weight.multiply(inputs.rows + k / Products::EACH, inputs.stride, height, depth, panel, k,
                          std::min(Packed::DEPTH_BLOCK, depth - k), place, columns, width,
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

// Calls with the kind of products: those of a model in bfloat16, or of one in float32.
template <class Call>
void with_products(bool narrow, Call call) {
  if (narrow) call(Narrow());
  else call(Singles());
}

// The same of numbers that a processor multiplies as integers, where it can.
template <class Packed>
void linear_of_integers(bool narrow, const float* x, long rows, long depth, const Packed& weight,
                        const float* bias, float* out, long columns) {
#if defined(__AVX512VNNI__)
  if (narrow) return quads_linear(x, rows, depth, weight, bias, out, columns);
#else
  (void)narrow;
#endif
  linear(x, rows, depth, weight, bias, out, columns);
}

// Calls with the format of scales: 32-bit floats (kind 0), bfloat16 (1) or 16-bit floats (2).
template <class Call>
void with_scales(long kind, Call call) {
  if (kind == 0) call(Float32());
  else if (kind == 1) call(BFloat16());
  else call(Float16());
}

}  // namespace

EXPORT long lorax_panel() { return PANEL; }

// weight [columns, depth] -> columns first and following of packed [panels, depth, PANEL]; of numbers of
// so many bits
EXPORT void lorax_pack_8(const uint8_t* weight, long columns, long depth, long first, uint8_t* packed) {
  pack(weight, columns, depth, first, packed);
}
EXPORT void lorax_pack_16(const uint16_t* weight, long columns, long depth, long first, uint16_t* packed) {
  pack(weight, columns, depth, first, packed);
}
EXPORT void lorax_pack_32(const uint32_t* weight, long columns, long depth, long first, uint32_t* packed) {
  pack(weight, columns, depth, first, packed);
}

// x [rows, depth], bias [columns] or null, out [rows, columns]; all contiguous
EXPORT void lorax_linear_f32(const float* x, long rows, long depth, const float* packed,
                             const float* bias, float* out, long columns) {
  linear(x, rows, depth, Panels<Float32Panel>{packed}, bias, out, columns);
}
// packed as lorax_pack_32 makes it of pairs [columns, depth / 2 rounded up]
EXPORT void lorax_linear_bf16(const float* x, long rows, long depth, const uint32_t* packed,
                              const float* bias, float* out, long columns) {
  linear(x, rows, depth, Panels<BFloat16Panel>{packed}, bias, out, columns);
}
// packed as lorax_pack_32 makes it of words [columns, padded depth / 4]; scales [columns], and zeroes
// behind them up to a whole panel; where narrow is 1 the products are those of a model in bfloat16
EXPORT void lorax_linear_i8(const float* x, long rows, long depth, long narrow, const uint32_t* packed,
                            const float* scales, const float* bias, float* out, long columns) {
  linear_of_integers(narrow, x, rows, depth, Int8Panels{packed, scales}, bias, out, columns);
}
// packed as lorax_pack_32 makes it of words [columns, padded depth / 8]; scales, and either minimums or
// zeros, [columns, groups] as lorax_pack_* does
EXPORT void lorax_linear_i4(const float* x, long rows, long depth, long narrow, const uint32_t* packed,
                            const void* scales, long kind, const void* minimums, const uint8_t* zeros,
                            long group, const float* bias, float* out, long columns) {
  with_scales(kind, [&](auto scale) {
    using Element = typename decltype(scale)::Element;
    const Int4Panels<decltype(scale)> weight{packed, static_cast<const Element*>(scales),
                                             static_cast<const Element*>(minimums), zeros, group};
    linear_of_integers(narrow, x, rows, depth, weight, bias, out, columns);
  });
}
// Whether the next function is there.
EXPORT long lorax_looks_levels_up() {
#if defined(__AVX512BF16__)
  return 1;
#else
  return 0;
#endif
}
#if defined(__AVX512BF16__)
// packed as lorax_pack_32 makes it of words [columns, padded depth / 8], levels [16]; scales [columns,
// groups] as lorax_pack_* does
EXPORT void lorax_linear_levels(const float* x, long rows, long depth, const uint32_t* packed,
                                const void* scales, long kind, const float* levels, long group,
                                const float* bias, float* out, long columns) {
  with_scales(kind, [&](auto scale) {
    auto typed = static_cast<const typename decltype(scale)::Element*>(scales);
    linear(x, rows, depth, LevelPanels<decltype(scale)>{packed, typed, LevelTable(levels), group}, bias, out, columns);
  });
}
#endif
// packed, zeros as lorax_pack_8 makes them of bytes [columns, depth * bits / 8 rounded up] and [columns,
// groups]; scales as lorax_pack_* does of 32-bit floats (kind 0), bfloat16 (1) or 16-bit floats (2); with
// levels [16], for 4 bits, there are no zeros
EXPORT void lorax_linear_grouped(const float* x, long rows, long depth, long narrow, const uint8_t* packed,
                                 long bits, const void* scales, long kind, const uint8_t* zeros,
                                 const float* levels, const int32_t* bounds, long groups,
                                 const float* bias, float* out, long columns) {
  auto run = [&](auto products, auto scale, auto each, auto levelled) {
    using Scale = decltype(scale);
    using Weight = GroupedPanels<decltype(products), Scale, decltype(each)::value, decltype(levelled)::value>;
    auto typed = static_cast<const typename Scale::Element*>(scales);
    linear(x, rows, depth, Weight{packed, typed, zeros, levels, bounds, groups}, bias, out, columns);
  };
  auto with = [&](auto products, auto scale) {
    using Four = std::integral_constant<int, 4>;
    if (levels) run(products, scale, Four(), std::true_type());
    else if (bits == 4) run(products, scale, Four(), std::false_type());
    else run(products, scale, std::integral_constant<int, 8>(), std::false_type());
  };
  with_products(narrow, [&](auto products) { with_scales(kind, [&](auto scale) { with(products, scale); }); });
}
