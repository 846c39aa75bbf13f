// The one matrix kernel: a few rows of x times one packed panel of a weight.
#pragma once

#include <utility>

#include "vector.h"

// out[ROWS, PANEL] (+)= x[ROWS, depth] * panel[depth, PANEL]. The order of the additions does not
// depend on ROWS: a row's result is the same bit for bit whatever else is in the batch.
template <class Weight, int ROWS>
static void tile(const float* x, long x_stride, const typename Weight::Element* panel, long depth,
                 float* out, long out_stride, bool add) {
  Floats first[ROWS], second[ROWS];
#pragma GCC unroll 16
  for (int row = 0; row < ROWS; row++) {
    first[row] = add ? load(out + row * out_stride) : Floats{};
    second[row] = add ? load(out + row * out_stride + LANES) : Floats{};
  }
  for (long k = 0; k < depth; k++) {
    // What comes next lies right behind; a short panel is over before the processor sees a stream.
    __builtin_prefetch(panel + (k + depth) * PANEL);
    Floats low, high;
    Weight::panel_row(panel + k * PANEL, low, high);
#pragma GCC unroll 16
    for (int row = 0; row < ROWS; row++) {
      Floats factor = splat(x[row * x_stride + k]);
      first[row] += factor * low;
      second[row] += factor * high;
    }
  }
#pragma GCC unroll 16
  for (int row = 0; row < ROWS; row++) {
    store(out + row * out_stride, first[row]);
    store(out + row * out_stride + LANES, second[row]);
  }
}

template <class Weight>
using Tile = void (*)(const float*, long, const typename Weight::Element*, long, float*, long, bool);

template <class Weight, int... ROWS>
static Tile<Weight> tile_of(int rows, std::integer_sequence<int, ROWS...>) {
  static const Tile<Weight> tiles[] = {tile<Weight, ROWS + 1>...};
  return tiles[rows - 1];
}

// The same for any number of rows and for a panel whose last columns do not exist.
template <class Weight>
static void multiply_panel(const float* x, long x_stride, long rows,
                           const typename Weight::Element* panel, long depth, float* out,
                           long out_stride, long columns, bool add) {
  const long tiles = (rows + TILE_ROWS - 1) / TILE_ROWS;
  for (long t = 0, row = 0; t < tiles; t++) {
    const int height = static_cast<int>((rows - row + tiles - t - 1) / (tiles - t));
    auto kernel = tile_of<Weight>(height, std::make_integer_sequence<int, TILE_ROWS>());
    float* place = out + row * out_stride;
    if (columns >= PANEL) {
      kernel(x + row * x_stride, x_stride, panel, depth, place, out_stride, add);
    } else {
      float whole[TILE_ROWS * PANEL] = {};
      for (int r = 0; add && r < height; r++)
        std::memcpy(whole + r * PANEL, place + r * out_stride, columns * sizeof(float));
      kernel(x + row * x_stride, x_stride, panel, depth, whole, PANEL, add);
      for (int r = 0; r < height; r++)
        std::memcpy(place + r * out_stride, whole + r * PANEL, columns * sizeof(float));
    }
    row += height;
  }
}
