// Weights of 4 or 8 bits times activations of 8 bits, four inputs at a time, in integers.
#pragma once

#include <omp.h>

#include "fewer_bits.h"

#if defined(__AVX512VNNI__)

constexpr int QUAD_ROWS = 6;  // 12 sums of integers and 12 of floats, beside weights, of 32 registers

// Rows of x as bytes. Each run of RUN numbers has a scale; one with a number that is not finite has NaN
// for it, and so has every sum of that row.
class Bytes {
 public:
  // Room for so many rows, of one thread until it asks again.
  Bytes(long rows, long depth) : depth_(depth), runs_((depth + RUN - 1) / RUN) {
    static thread_local std::vector<int8_t> numbers;
    static thread_local std::vector<float> scales;
    if (static_cast<long>(numbers.size()) < rows * runs_ * RUN) numbers.resize(rows * runs_ * RUN);
    if (static_cast<long>(scales.size()) < 2 * rows * runs_) scales.resize(2 * rows * runs_);
    numbers_ = numbers.data();
    scales_ = scales.data();
  }

  // How many rows are worth having at once.
  static long most(long depth) { return std::max<long>(4 * QUAD_ROWS, INPUT_BYTES / depth); }

  void take(const float* x, long row) const {
    for (long run = 0; run < runs_; run++) {
      const long count = std::min(RUN, depth_ - run * RUN);
      float last[RUN] = {};
      if (count < RUN) std::memcpy(last, x + run * RUN, count * sizeof(float));
      take_run(count < RUN ? last : x + run * RUN, row * runs_ + run);
    }
  }

  // Four numbers, as a word has them.
  int32_t four(long row, long run, int quad) const {
    int32_t word;
    std::memcpy(&word, numbers_ + (row * runs_ + run) * RUN + quad * QUAD, sizeof(word));
    return word;
  }
  float scale(long row, long run) const { return scales_[2 * (row * runs_ + run)]; }
  // Of the numbers of a run times their scale.
  float sum(long row, long run) const { return scales_[2 * (row * runs_ + run) + 1]; }

 private:
  void take_run(const float* from, long place) const {
    const Floats first = ::load(from), second = ::load(from + LANES);
    // As integers, since NaN is the largest of those.
    const Words low = reinterpret_cast<Words>(first) & 0x7fffffffu;
    const Words high = reinterpret_cast<Words>(second) & 0x7fffffffu;
    const uint32_t bits = largest_of(low > high ? low : high);
    float largest;
    std::memcpy(&largest, &bits, sizeof(largest));
    const float factor = largest > SMALLEST ? 127.0f / largest : 0.0f;
    const __m512i numbers[2] = {_mm512_maskz_cvtps_epi32(0xffff, first * factor),
                                _mm512_maskz_cvtps_epi32(0xffff, second * factor)};
    for (int half = 0; half < 2; half++)
      _mm_storeu_si128(reinterpret_cast<__m128i*>(numbers_ + place * RUN + half * LANES),
                       _mm512_maskz_cvtepi32_epi8(0xffff, numbers[half]));
    const float scale = bits < 0x7f800000u ? largest / 127.0f : NAN;
    const Integers both = reinterpret_cast<Integers>(_mm512_add_epi32(numbers[0], numbers[1]));
    scales_[2 * place] = scale;
    scales_[2 * place + 1] = scale * ::sum(__builtin_convertvector(both, Floats));
  }

  static uint32_t largest_of(Words words) {
    uint32_t parts[LANES];
    std::memcpy(parts, &words, sizeof(parts));
    for (int width = LANES / 2; width > 0; width /= 2)
      for (int lane = 0; lane < width; lane++) parts[lane] = std::max(parts[lane], parts[lane + width]);
    return parts[0];
  }

  static constexpr float SMALLEST = 1e-36f;  // below it 127 / x is infinite

  long depth_, runs_;
  int8_t* numbers_;
  float* scales_;  // and sums, in turn
};

// What the numbers of one group of a panel stand for: number * scale + least.
struct Meaning {
  Floats scale[2], least[2];
};

// out[ROWS, PANEL] += x[ROWS, some runs] * what weights, a byte each, stand for: of one group, or each run
// of a group of its own. Sums of a run are exact; the order of the others does not depend on ROWS.
template <int ROWS, bool EACH_A_GROUP>
static void quads_tile(const Bytes& x, long row, long run, long runs, const uint32_t* weights,
                       const uint32_t* next, const Meaning* meanings, float* out) {
  Floats sums[ROWS][2];
  float added[ROWS];
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++) {
    sums[r][0] = sums[r][1] = Floats{};
    added[r] = 0;
  }
  for (long at = run; at < run + runs; at++) {
    __m512i exact[ROWS][2];
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) exact[r][0] = exact[r][1] = _mm512_setzero_si512();
    for (int quad = 0; quad < RUN / QUAD; quad++, weights += PANEL) {
      if (!EACH_A_GROUP) {
        // See tile(): what comes next, as long as it is not read yet.
        __builtin_prefetch(next, 0, 2);
        __builtin_prefetch(next + LANES, 0, 2);
        next += PANEL;
      }
      const __m512i low = _mm512_loadu_si512(weights), high = _mm512_loadu_si512(weights + LANES);
#pragma GCC unroll 8
      for (int r = 0; r < ROWS; r++) {
        const __m512i four = _mm512_set1_epi32(x.four(row + r, at, quad));
        exact[r][0] = _mm512_dpbusd_epi32(exact[r][0], low, four);
        exact[r][1] = _mm512_dpbusd_epi32(exact[r][1], high, four);
      }
    }
#pragma GCC unroll 8
    for (int r = 0; r < ROWS; r++) {
      for (int half = 0; half < 2; half++) {
        const Floats sum = __builtin_convertvector(reinterpret_cast<Integers>(exact[r][half]), Floats) *
                           x.scale(row + r, at);
        if (EACH_A_GROUP) {
          const Meaning& own = meanings[at - run];
          sums[r][half] += sum * own.scale[half] + own.least[half] * x.sum(row + r, at);
        } else {
          sums[r][half] += sum;
        }
      }
      added[r] += x.sum(row + r, at);
    }
  }
#pragma GCC unroll 8
  for (int r = 0; r < ROWS; r++)
    for (int half = 0; half < 2; half++) {
      float* to = out + r * PANEL + half * LANES;
      const Floats sum = sums[r][half];
      store(to, load(to) + (EACH_A_GROUP ? sum : sum * meanings->scale[half] + meanings->least[half] * added[r]));
    }
}

using QuadsTile = void (*)(const Bytes&, long, long, long, const uint32_t*, const uint32_t*, const Meaning*,
                           float*);

template <bool EACH_A_GROUP, int... ROWS>
static QuadsTile quads_tile_of(int rows, std::integer_sequence<int, ROWS...>) {
  static const QuadsTile tiles[] = {quads_tile<ROWS + 1, EACH_A_GROUP>...};
  return tiles[rows - 1];
}

// The same for any number of rows. next: what is going to be read after the weights.
template <bool EACH_A_GROUP>
static void multiply_quads(const Bytes& x, long rows, long run, long runs, const uint32_t* weights,
                           const uint32_t* next, const Meaning* meanings, float* out) {
  const long tiles = (rows + QUAD_ROWS - 1) / QUAD_ROWS;
  for (long t = 0, row = 0; t < tiles; t++) {
    const int height = static_cast<int>((rows - row + tiles - t - 1) / (tiles - t));
    auto kernel = quads_tile_of<EACH_A_GROUP>(height, std::make_integer_sequence<int, QUAD_ROWS>());
    kernel(x, row, run, runs, weights, next, meanings, out + row * PANEL);
    row += height;
  }
}

INLINE void multiply_block(const Int8Panels& weight, const Bytes& x, long rows, long depth, long panel, long k,
                           long deep, float* out) {
  Meaning meaning;
  for (int half = 0; half < 2; half++) {
    meaning.scale[half] = load(weight.scales + panel * PANEL + half * LANES);
    meaning.least[half] = meaning.scale[half] * -Int8Panels::ZERO;
  }
  const uint32_t* numbers = weight.packed + (panel * padded(depth) + k) / QUAD * PANEL;
  const uint32_t* next = numbers + padded(deep) / QUAD * PANEL;
  multiply_quads<false>(x, rows, k / RUN, padded(deep) / RUN, numbers, next, &meaning, out);
}

template <class Scale>
INLINE void multiply_block(const Int4Panels<Scale>& weight, const Bytes& x, long rows, long depth, long panel,
                           long k, long deep, float* out) {
  alignas(64) uint32_t block[WIDENED_BLOCK / QUAD * PANEL];
  const uint32_t* from = weight.packed + (panel * padded(depth) + k) / Int4Panels<Scale>::EACH * PANEL;
  const long words = padded(deep) / Int4Panels<Scale>::EACH;
  const uint32_t* next = from + words * PANEL;
  for (long word = 0; word < words; word++)
    for (int half = 0; half < 2; half++) {
      const Words both = *reinterpret_cast<const Words*>(from + word * PANEL + half * LANES);
      __builtin_prefetch(next + word * PANEL + half * LANES, 0, 2);
      *reinterpret_cast<Words*>(block + 2 * word * PANEL + half * LANES) = both & 0x0f0f0f0fu;
      *reinterpret_cast<Words*>(block + (2 * word + 1) * PANEL + half * LANES) = both >> 4 & 0x0f0f0f0fu;
    }
  Meaning meanings[WIDENED_BLOCK / RUN];
  auto understand = [&](long group, Meaning& meaning) {
    for (int half = 0; half < 2; half++)
      weight.meaning_of(weight, panel, group, depth, half, meaning.scale[half], meaning.least[half]);
  };
  const long runs = padded(deep) / RUN;
  if (weight.group == RUN) {
    for (long run = 0; run < runs; run++) understand(k / RUN + run, meanings[run]);
    multiply_quads<true>(x, rows, k / RUN, runs, block, block, meanings, out);
    return;
  }
  for (long run = 0; run < runs;) {
    const long group = (k + run * RUN) / weight.group;
    const long end = std::min(((group + 1) * weight.group - k) / RUN, runs);
    understand(group, *meanings);
    const uint32_t* numbers = block + run * RUN / QUAD * PANEL;
    multiply_quads<false>(x, rows, k / RUN + run, end - run, numbers, numbers, meanings, out);
    run = end;
  }
}

// y = x W^T + bias
template <class Packed>
static void quads_linear(const float* x, long rows, long depth, const Packed& weight, const float* bias,
                         float* out, long columns) {
  const long panels = (columns + PANEL - 1) / PANEL;
  const long most = Bytes::most(depth);
#pragma omp parallel if (rows * depth * columns > PARALLEL_WORK)
  {
    const long threads = omp_get_num_threads(), thread = omp_get_thread_num();
    const long begin = panels * thread / threads, end = panels * (thread + 1) / threads;
    // Rows of out are often a power of two apart, which the first cache keeps few of.
    static thread_local std::vector<float> sums;
    for (long first = 0; first < rows && begin < end; first += most) {
      const long height = std::min(most, rows - first);
      const Bytes bytes(height, depth);
      for (long row = 0; row < height; row++) bytes.take(x + (first + row) * depth, row);
      if (static_cast<long>(sums.size()) < height * PANEL) sums.resize(height * PANEL);
      for (long panel = begin; panel < end; panel++) {
        const long column = panel * PANEL, width = std::min<long>(PANEL, columns - column);
        std::fill(sums.data(), sums.data() + height * PANEL, 0.0f);
        for (long row = 0; bias && row < height; row++)
          std::memcpy(sums.data() + row * PANEL, bias + column, width * sizeof(float));
        for (long k = 0; k < depth; k += WIDENED_BLOCK)
          multiply_block(weight, bytes, height, depth, panel, k, std::min(WIDENED_BLOCK, depth - k), sums.data());
        for (long row = 0; row < height; row++)
          std::memcpy(out + (first + row) * columns + column, sums.data() + row * PANEL, width * sizeof(float));
      }
    }
  }
}
#endif
