// Adds the adapters' part to the output of a linear layer whose rows are ordered by adapter.
#include <omp.h>

#include "tile.h"

namespace {

constexpr int SHRINK_RANKS = 4;

// hidden[ROWS, SHRINK_RANKS] = x[ROWS, depth] * down[SHRINK_RANKS, depth]^T, as inputs
template <class Weight, int ROWS>
void dot(const typename ProductsOf<Weight>::Input* x, long x_stride,
         const typename Weight::Element* down, long depth, typename ProductsOf<Weight>::Input* hidden,
         long hidden_stride) {
  using Products = ProductsOf<Weight>;
  constexpr long EACH = LANES * Products::EACH;  // numbers in a vector
  Floats totals[ROWS][SHRINK_RANKS] = {};
  auto add = [&](long k, auto read) {
    typename Products::Vector inputs[ROWS];
#pragma GCC unroll 4
    for (int row = 0; row < ROWS; row++) inputs[row] = Products::load(x + row * x_stride + k / Products::EACH);
#pragma GCC unroll 4
    for (int rank = 0; rank < SHRINK_RANKS; rank++) {
      const auto weight = read(down + rank * depth + k);
#pragma GCC unroll 4
      for (int row = 0; row < ROWS; row++) Products::add(totals[row][rank], inputs[row], weight);
    }
  };
  long k = 0;
  for (; k + EACH <= depth; k += EACH)
    add(k, [&](const auto* from) {
      // The ranks that come next: a row is too short for the processor to see a stream. To the second
      // cache, as the first waits for few lines at once.
      __builtin_prefetch(from + SHRINK_RANKS * depth, 0, 2);
      return inputs_at<Weight>(from);
    });
  if (k < depth) add(k, [&](const auto* from) { return inputs_at<Weight>(from, depth - k); });
  for (int row = 0; row < ROWS; row++) {
    // In lanes 0 to 3, and in those of each four behind them, are parts of the ranks' sums.
    float parts[LANES];
    store(parts, merge<2>(merge<1>(totals[row][0], totals[row][1], Lanes()),
                          merge<1>(totals[row][2], totals[row][3], Lanes()), Lanes()));
    for (int lane = SHRINK_RANKS; lane < LANES; lane++) parts[lane % SHRINK_RANKS] += parts[lane];
    Products::take(parts, SHRINK_RANKS, hidden + row * hidden_stride);
  }
}

template <class Weight>
void lora(const float* x, long depth, float* out, long columns, const int32_t* segments,
          long count, long parts, const long* widths, long rank,
          const typename Weight::Element* down, const typename PanelOf<Weight>::Element* const* up) {
  using Products = ProductsOf<Weight>;
  using Panel = PanelOf<Weight>;
  const long ranks = parts * rank, groups = ranks / SHRINK_RANKS;
  const long begin_row = segments[0], rows = segments[3 * count - 2];
  const long stride = inputs_of<Products>(ranks), height = inputs_of<Products>(rank);
  const long packed = height / Panel::INPUTS * PANEL;  // elements of a panel
  static thread_local std::vector<typename Products::Input> scratch;
  scratch.resize(rows * stride);
  auto* hidden = scratch.data();
  const long most = std::min(rows - begin_row, Inputs<Products>::most(depth));
  const Inputs<Products> inputs(most, depth);  // all threads'
#pragma omp parallel
  {
    for (long begin = begin_row; begin < rows; begin += most) {
      const long end = std::min(begin + most, rows);
#pragma omp for schedule(static)
      for (long row = begin; row < end; row++) inputs.take(x + row * depth, row - begin);
#pragma omp for schedule(static)
      for (long task = 0; task < count * groups; task++) {
        const int32_t* segment = segments + 3 * (task / groups);
        const long group = task % groups * SHRINK_RANKS;
        const auto* from = down + (segment[2] * ranks + group) * depth;
        auto* to = hidden + group / Products::EACH;
        const auto* first_row = inputs.rows - begin * inputs.stride;
        long row = std::max<long>(segment[0], begin);
        const long last = std::min<long>(segment[1], end);
        for (; row + 4 <= last; row += 4)
          dot<Weight, 4>(first_row + row * inputs.stride, inputs.stride, from, depth, to + row * stride, stride);
        for (; row < last; row++)
          dot<Weight, 1>(first_row + row * inputs.stride, inputs.stride, from, depth, to + row * stride, stride);
      }
    }
    const long threads = omp_get_num_threads(), thread = omp_get_thread_num();
    long first = 0;
    for (long part = 0; part < parts; part++) {
      const long panels = (widths[part] + PANEL - 1) / PANEL;
      const long begin = panels * thread / threads, end = panels * (thread + 1) / threads;
      // Adapter by adapter, because each is one stream of memory.
      for (long s = 0; s < count; s++) {
        const int32_t* segment = segments + 3 * s;
        const auto* from = up[part] + segment[2] * panels * packed;
        for (long panel = begin; panel < end; panel++)
          multiply_panel<Panel>(hidden + segment[0] * stride + part * height, stride,
                                segment[1] - segment[0], from + panel * packed, height,
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
// [slots, ceil(width / PANEL), rank, PANEL], or of pairs of ranks [.., rank / 2, PANEL]. rank is a multiple of 4.
EXPORT void lorax_lora_f32(const float* x, long depth, float* out, long columns,
                           const int32_t* segments, long count, long parts, const long* widths,
                           long rank, const float* down, const float* const* up) {
  lora<Float32>(x, depth, out, columns, segments, count, parts, widths, rank, down, up);
}
EXPORT void lorax_lora_bf16(const float* x, long depth, float* out, long columns,
                            const int32_t* segments, long count, long parts, const long* widths,
                            long rank, const uint16_t* down, const uint32_t* const* up) {
  lora<BFloat16>(x, depth, out, columns, segments, count, parts, widths, rank, down, up);
}
