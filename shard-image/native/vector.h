// Vectors of floats as wide as the target has them, and the numbers that weights come in.
//
// GCC's vector extensions keep one source for every instruction set. Widening a number to float32 is
// exact, whatever it was kept as.
#pragma once

#include <immintrin.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__AVX512F__)
constexpr int LANES = 16;
constexpr int TILE_ROWS = 14;  // 28 accumulators, 2 weights and a broadcast of 32 registers
#else
constexpr int LANES = 8;
constexpr int TILE_ROWS = 6;  // 12 accumulators of 16 registers
#endif
constexpr int PANEL = 2 * LANES;  // columns of a packed weight that lie side by side

#define EXPORT extern "C" __attribute__((visibility("default")))
#define INLINE static inline __attribute__((always_inline))

typedef float Floats __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef uint32_t Words __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef int32_t Integers __attribute__((vector_size(LANES * 4), aligned(4), may_alias));
typedef uint16_t Halves __attribute__((vector_size(LANES * 2), aligned(2), may_alias));

INLINE Floats splat(float value) { return value - Floats{}; }
INLINE Floats load(const float* from) { return *reinterpret_cast<const Floats*>(from); }
INLINE void store(float* to, Floats value) { *reinterpret_cast<Floats*>(to) = value; }

struct Float32 {
  using Element = float;
  INLINE Floats row(const float* from) { return load(from); }
  INLINE float widen(float value) { return value; }
  INLINE float narrow(float value) { return value; }
  INLINE void put_row(float* to, Floats value) { store(to, value); }
};

struct BFloat16 {
  using Element = uint16_t;
  INLINE Floats row(const uint16_t* from) {
    Halves narrow = *reinterpret_cast<const Halves*>(from);
    return reinterpret_cast<Floats>(__builtin_convertvector(narrow, Words) << 16);
  }
  INLINE float widen(uint16_t value) {
    uint32_t word = static_cast<uint32_t>(value) << 16;
    float result;
    std::memcpy(&result, &word, 4);
    return result;
  }
  INLINE uint16_t narrow(float value) {
    uint32_t word;
    std::memcpy(&word, &value, 4);
    if ((word & 0x7fffffffu) > 0x7f800000u) return static_cast<uint16_t>((word >> 16) | 0x40u);
    return static_cast<uint16_t>((word + 0x7fffu + ((word >> 16) & 1u)) >> 16);
  }
  // The same of each lane, in the lower half of its word.
  INLINE Words word(Floats value) {
    Words word = reinterpret_cast<Words>(value);
    return (word & 0x7fffffffu) > 0x7f800000u ? (word >> 16) | 0x40u
                                              : (word + 0x7fffu + ((word >> 16) & 1u)) >> 16;
  }
  INLINE Halves halves(Floats value) { return __builtin_convertvector(word(value), Halves); }
  INLINE void put_row(uint16_t* to, Floats value) { *reinterpret_cast<Halves*>(to) = halves(value); }
  // The same of twice as many, two in a word.
  INLINE Words words(Floats first, Floats second) {
    Halves both[2] = {halves(first), halves(second)};
    Words result;
    std::memcpy(&result, both, sizeof(result));
    return result;
  }
};

// What files and scales come in; nothing is kept in it.
struct Float16 {
  using Element = uint16_t;
  INLINE Floats row(const uint16_t* from) { return wide(*reinterpret_cast<const Halves*>(from)); }
  INLINE float widen(uint16_t value) { return _cvtsh_ss(value); }
  INLINE Floats wide(Halves narrow) {
#if defined(__AVX512F__)
    return reinterpret_cast<Floats>(_mm512_maskz_cvtph_ps(0xffff, reinterpret_cast<__m256i>(narrow)));
#else
    return reinterpret_cast<Floats>(_mm256_cvtph_ps(reinterpret_cast<__m128i>(narrow)));
#endif
  }
};

INLINE Integers widened(const uint8_t* from) {
#if defined(__AVX512F__)
  __m128i narrow = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  return reinterpret_cast<Integers>(_mm512_maskz_cvtepu8_epi32(0xffff, narrow));
#else
  __m128i narrow = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(from));
  return reinterpret_cast<Integers>(_mm256_cvtepu8_epi32(narrow));
#endif
}

INLINE float sum(Floats value) {
  float parts[LANES];
  store(parts, value);
  for (int width = LANES / 2; width > 0; width /= 2)
    for (int lane = 0; lane < width; lane++) parts[lane] += parts[lane + width];
  return parts[0];
}

using Lanes = std::make_integer_sequence<int, LANES>;

template <int WIDTH, int... LANE>
INLINE Floats merge(Floats a, Floats b, std::integer_sequence<int, LANE...>) {
  // Of a lane's block of 2 * WIDTH, the first half is from a and the second from b.
  return __builtin_shufflevector(a, b, (LANE % (2 * WIDTH) < WIDTH ? LANE : LANES + LANE - WIDTH)...) +
         __builtin_shufflevector(a, b, (LANE % (2 * WIDTH) < WIDTH ? LANE + WIDTH : LANES + LANE)...);
}

template <int WIDTH>
INLINE void merge_all(Floats* parts) {
  if constexpr (WIDTH < LANES) {
    for (int pair = 0; pair < LANES / (2 * WIDTH); pair++)
      parts[pair] = merge<WIDTH>(parts[2 * pair], parts[2 * pair + 1], Lanes());
    merge_all<2 * WIDTH>(parts);
  }
}

// The sum of each of LANES vectors, in the lane of its number; the vectors are lost.
INLINE Floats sums(Floats* parts) {
  merge_all<1>(parts);
  return parts[0];
}

INLINE float maximum(const float* x, long count) {
  // Four, so that one comparison need not wait for the one before it.
  Floats highest[4] = {splat(-INFINITY), splat(-INFINITY), splat(-INFINITY), splat(-INFINITY)};
  long i = 0;
  for (; i + 4 * LANES <= count; i += 4 * LANES) {
    for (int part = 0; part < 4; part++) {
      Floats value = load(x + i + part * LANES);
      highest[part] = value > highest[part] ? value : highest[part];
    }
  }
  float top = -INFINITY;
  for (int part = 0; part < 4; part++)
    for (int lane = 0; lane < LANES; lane++)
      top = highest[part][lane] > top ? highest[part][lane] : top;
  for (; i < count; i++) top = x[i] > top ? x[i] : top;
  return top;
}

// e^x by range reduction and the polynomial of Cephes; 2 ulp, 0 below -87, NaN stays NaN.
INLINE Floats exponential(Floats x) {
#if defined(__AVX512F__)
  // Where one of two numbers is NaN the second comes out.
  const Floats clamped = _mm512_maskz_max_ps(0xffff, splat(-88.0f), _mm512_maskz_min_ps(0xffff, splat(88.0f), x));
  const Floats whole = _mm512_maskz_roundscale_ps(0xffff, clamped * 1.44269504088896341f, _MM_FROUND_TO_NEAREST_INT);
#else
  Floats clamped = x < splat(-87.0f) ? splat(-87.0f) : (x > splat(88.0f) ? splat(88.0f) : x);
  Floats scaled = clamped * 1.44269504088896341f;
  Integers exponent = __builtin_convertvector(scaled + (scaled < 0 ? splat(-0.5f) : splat(0.5f)), Integers);
  Floats whole = __builtin_convertvector(exponent, Floats);
#endif
  Floats r = clamped - whole * 0.693359375f + whole * 2.12194440e-4f;
  Floats p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
#if defined(__AVX512F__)
  return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(x, splat(-87.0f), _CMP_NLT_UQ), p * r * r + r + 1.0f, whole);
#else
  Floats result = (p * r * r + r + 1.0f) * reinterpret_cast<Floats>((exponent + 127) << 23);
  result = x < splat(-87.0f) ? Floats{} : result;
  return x == x ? result : x;
#endif
}
