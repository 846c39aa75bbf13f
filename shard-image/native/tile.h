// The one matrix kernel: a few rows of inputs times one packed panel of a weight.
#pragma once

#include <utility>

#include "products.h"

// Weights as they are packed: a row has INPUTS inputs of each of a panel's columns, in ROW elements.
template <class Products_>
struct PlainPanel {
  using Products = Products_;
  using Element = typename Products::Input;
  static constexpr int INPUTS = 1, ROW = PANEL;
  template <int>
  INLINE void row(const Element* from, typename Products::Vector& low, typename Products::Vector& high) {
    low = Products::load(from);
    high = Products::load(from + LANES);
  }
};

// Pairs of bfloat16 that are widened, by a shift and a mask.
struct WidenedPanel {
  using Products = Singles;
  using Element = uint32_t;
  static constexpr int INPUTS = 2, ROW = PANEL;
  template <int INPUT>
  INLINE void row(const Element* from, Floats& low, Floats& high) {
    // Read again for the second: keeping the words would take registers that the sums need.
    if (INPUT == 1) asm("" : "+r"(from));
    const Words first = *reinterpret_cast<const Words*>(from);
    const Words second = *reinterpret_cast<const Words*>(from + LANES);
    low = reinterpret_cast<Floats>(INPUT == 0 ? first << 16 : first & 0xffff0000u);
    high = reinterpret_cast<Floats>(INPUT == 0 ? second << 16 : second & 0xffff0000u);
  }
};

// Numbers of 8 bits plus 128, four inputs of a column in a word.
struct Int8Panel {
  using Products = Singles;
  using Element = uint32_t;
  static constexpr int INPUTS = 4, ROW = PANEL;
  template <int INPUT>
  INLINE void row(const Element* from, Floats& low, Floats& high) {
    // See WidenedPanel.
    if (INPUT > 0) asm("" : "+r"(from));
    low = number<INPUT>(*reinterpret_cast<const Words*>(from));
    high = number<INPUT>(*reinterpret_cast<const Words*>(from + LANES));
  }
  template <int INPUT>
  INLINE Floats number(Words all) {
    const Words highest = (all ^ 0x80808080u) << (24 - 8 * INPUT);
    return __builtin_convertvector(reinterpret_cast<Integers>(highest) >> 24, Floats);
  }
};

// Weights in bfloat16 lie in pairs, whoever multiplies.
using Float32Panel = PlainPanel<Singles>;
using BFloat16Panel = std::conditional_t<Narrow::EACH == 1, WidenedPanel, PlainPanel<Narrow>>;
template <class Kept>
using PanelOf = std::conditional_t<std::is_same_v<Kept, Float32>, Float32Panel, BFloat16Panel>;

template <class Panel, int ROWS, int INPUT = 0>
INLINE void add_inputs(const typename Panel::Products::Input* x, long x_stride,
                       const typename Panel::Element* from, Floats* first, Floats* second, int inputs) {
  using Products = typename Panel::Products;
  typename Products::Vector low, high;
  Panel::template row<INPUT>(from, low, high);
#pragma GCC unroll 16
  for (int row = 0; row < ROWS; row++) {
    const auto factor = Products::splat(x[row * x_stride + INPUT]);
    Products::add(first[row], factor, low);
    Products::add(second[row], factor, high);
  }
  if constexpr (INPUT + 1 < Panel::INPUTS)
    if (INPUT + 1 < inputs) add_inputs<Panel, ROWS, INPUT + 1>(x, x_stride, from, first, second, inputs);
}

// out[ROWS, PANEL] (+)= x[ROWS, inputs] * panel[inputs, PANEL]. The order of the additions does not
// depend on ROWS: a row's result is the same bit for bit whatever else is in the batch.
template <class Panel, int ROWS>
static void tile(const typename Panel::Products::Input* x, long x_stride,
                 const typename Panel::Element* panel, long inputs, float* out, long out_stride, bool add) {
  constexpr long BYTES = Panel::ROW * sizeof(typename Panel::Element), LINE = 64;
  Floats first[ROWS], second[ROWS];
#pragma GCC unroll 16
  for (int row = 0; row < ROWS; row++) {
    first[row] = add ? load(out + row * out_stride) : Floats{};
    second[row] = add ? load(out + row * out_stride + LANES) : Floats{};
  }
  const long whole = inputs / Panel::INPUTS * Panel::INPUTS;
  const long ahead = inputs / Panel::INPUTS * BYTES;
  for (long at = 0; at < whole; at += Panel::INPUTS, panel += Panel::ROW, x += Panel::INPUTS) {
    // What comes next lies right behind; a short panel is over before the processor sees a stream. It
    // goes to the second cache: the first is full of what is multiplied now.
    for (long line = 0; line < BYTES; line += LINE)
      __builtin_prefetch(reinterpret_cast<const char*>(panel) + ahead + line, 0, 2);
    add_inputs<Panel, ROWS>(x, x_stride, panel, first, second, Panel::INPUTS);
  }
  if (whole < inputs) add_inputs<Panel, ROWS>(x, x_stride, panel, first, second, static_cast<int>(inputs - whole));
#pragma GCC unroll 16
  for (int row = 0; row < ROWS; row++) {
    store(out + row * out_stride, first[row]);
    store(out + row * out_stride + LANES, second[row]);
  }
}

template <class Panel>
using Tile = void (*)(const typename Panel::Products::Input*, long, const typename Panel::Element*, long,
                      float*, long, bool);

template <class Panel, int... ROWS>
static Tile<Panel> tile_of(int rows, std::integer_sequence<int, ROWS...>) {
  static const Tile<Panel> tiles[] = {tile<Panel, ROWS + 1>...};
  return tiles[rows - 1];
}

// The same for any number of rows and for a panel whose last columns do not exist.
template <class Panel>
static void multiply_panel(const typename Panel::Products::Input* x, long x_stride, long rows,
                           const typename Panel::Element* panel, long inputs, float* out, long out_stride,
                           long columns, bool add) {
  const long tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  for (long t = 0, row = 0; t < tiles; t++) {
    const int height = static_cast<int>((rows - row + tiles - t - 1) / (tiles - t));
    auto kernel = tile_of<Panel>(height, std::make_integer_sequence<int, TILE_ROWS>());
    float* place = out + row * out_stride;
    if (columns >= PANEL) {
      kernel(x + row * x_stride, x_stride, panel, inputs, place, out_stride, add);
    } else {
      float whole[TILE_ROWS * PANEL] = {};
      for (int r = 0; add && r < height; r++)
        std::memcpy(whole + r * PANEL, place + r * out_stride, columns * sizeof(float));
      kernel(x + row * x_stride, x_stride, panel, inputs, whole, PANEL, add);
      for (int r = 0; r < height; r++)
        std::memcpy(place + r * out_stride, whole + r * PANEL, columns * sizeof(float));
    }
    row += height;
  }
}
