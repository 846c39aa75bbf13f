// Draws tokens: temperature, the likeliest k, the likeliest or the most typical that hold a share, and
// one number each.
#include <algorithm>
#include <cmath>
#include <vector>

#include "vector.h"

namespace {

constexpr long BLOCK = 64 * LANES;  // weights that are added up before they go into a double
// Weights and surprises are not negative, so their bits are in order: the sign, 8 bits of exponent, 4 of
// mantissa. Weights go up to 1, and none is infinite.
constexpr int SHIFT = 19;
constexpr int BINS = (0x3f800000 >> SHIFT) + 1, ALL_BINS = 0x7f800000 >> SHIFT;

struct Token {
  float weight;  // or its surprise
  long id;
};

INLINE int bin_of(float number, int bins = BINS) {
  int32_t bits;
  std::memcpy(&bits, &number, sizeof bits);
  return std::min(bits >> SHIFT, bins - 1);
}

// Least likely first; of those that are alike the one that comes last.
bool is_less(const Token& one, const Token& other) {
  return one.weight != other.weight ? one.weight < other.weight : one.id > other.id;
}

// What a thread needs for a row; kept from one row to the next.
struct Scratch {
  std::vector<float> weights, surprises;
  std::vector<double> blocks;
  std::vector<Token> edge;
  std::vector<long> counts = std::vector<long>(BINS);
  std::vector<double> masses = std::vector<double>(ALL_BINS);
};

// Sums of blocks, and their total.
double add_up(Scratch& scratch, long width) {
  double total = 0;
  const float* weights = scratch.weights.data();
  for (long block = 0, first = 0; first < width; block++, first += BLOCK) {
    const long end = std::min(first + BLOCK, width);
    Floats lanes = {};
    float rest = 0;
    long i = first;
    for (; i + LANES <= end; i += LANES) lanes += load(weights + i);
    for (; i < end; i++) rest += weights[i];
    total += scratch.blocks[block] = sum(lanes) + rest;
  }
  return total;
}

void drop_below(float* weights, long width, float least) {
  long i = 0;
  for (; i + LANES <= width; i += LANES) {
    Floats value = load(weights + i);
    store(weights + i, value < splat(least) ? Floats{} : value);
  }
  for (; i < width; i++) weights[i] = weights[i] < least ? 0.0f : weights[i];
}

void gather_edge(Scratch& scratch, const std::vector<float>& numbers, long width, int bin, int bins = BINS) {
  scratch.edge.clear();
  for (long i = 0; i < width; i++)
    if (bin_of(numbers[i], bins) == bin) scratch.edge.push_back({numbers[i], i});
}

// Keeps the k largest, and those that are as large as the last of them.
void keep_top_k(Scratch& scratch, long width, long k) {
  std::fill(scratch.counts.begin(), scratch.counts.end(), 0);
  for (long i = 0; i < width; i++) scratch.counts[bin_of(scratch.weights[i])]++;
  long above = 0;
  int bin = BINS - 1;
  while (above + scratch.counts[bin] < k) above += scratch.counts[bin--];
  gather_edge(scratch, scratch.weights, width, bin);
  auto last = scratch.edge.end() - (k - above);
  std::nth_element(scratch.edge.begin(), last, scratch.edge.end(), is_less);
  drop_below(scratch.weights.data(), width, last->weight);
}

// Keeps the fewest of the largest that hold this share of all.
void keep_top_p(Scratch& scratch, long width, float top_p) {
  std::fill(scratch.masses.begin(), scratch.masses.end(), 0.0);
  double total = 0;
  for (long i = 0; i < width; i++) scratch.masses[bin_of(scratch.weights[i])] += scratch.weights[i];
  for (int bin = 0; bin < BINS; bin++) total += scratch.masses[bin];
  const double budget = (1.0 - static_cast<double>(top_p)) * total;
  double dropped = 0;
  int bin = 0;
  while (bin < BINS - 1 && dropped + scratch.masses[bin] <= budget) dropped += scratch.masses[bin++];
  gather_edge(scratch, scratch.weights, width, bin);
  std::sort(scratch.edge.begin(), scratch.edge.end(), is_less);
  float least = INFINITY;
  for (const Token& token : scratch.edge) {
    dropped += token.weight;
    if (dropped > budget) {
      least = token.weight;
      break;
    }
    scratch.weights[token.id] = 0;
  }
  // The likeliest stays in any case.
  if (least == INFINITY) {
    const Token& likeliest = scratch.edge.back();
    scratch.weights[likeliest.id] = least = likeliest.weight;
  }
  // Those of the bins below; what is left of the edge is no smaller.
  drop_below(scratch.weights.data(), width, least);
}

// Keeps the fewest whose surprise, -log of their share, is closest to the expected one and that hold a
// share, and those that are as close as the last of them (arXiv 2202.00666). score(token): its logit less
// the largest, by the temperature.
template <class Score>
void keep_typical(Scratch& scratch, long width, float typical_p, Score score) {
  double total = 0, mean = 0;
  for (long i = 0; i < width; i++)
    if (scratch.weights[i] > 0) {
      total += scratch.weights[i];
      mean += static_cast<double>(scratch.weights[i]) * score(i);
    }
  // -log of a share is log(total) - score, and the expected one is its mean.
  mean /= total;
  scratch.surprises.resize(width);
  std::fill(scratch.masses.begin(), scratch.masses.end(), 0.0);
  for (long i = 0; i < width; i++) {
    // Those that are no longer there surprise most.
    scratch.surprises[i] = scratch.weights[i] > 0 ? std::abs(static_cast<float>(mean - score(i))) : INFINITY;
    scratch.masses[bin_of(scratch.surprises[i], ALL_BINS)] += scratch.weights[i];
  }
  const double wanted = static_cast<double>(typical_p) * total;
  double kept = 0;
  int bin = 0;
  while (bin < ALL_BINS - 1 && kept + scratch.masses[bin] < wanted) kept += scratch.masses[bin++];
  gather_edge(scratch, scratch.surprises, width, bin, ALL_BINS);
  std::sort(scratch.edge.begin(), scratch.edge.end(), is_less);
  float most = INFINITY;
  for (const Token& token : scratch.edge) {
    most = token.weight;
    kept += scratch.weights[token.id];
    if (kept >= wanted) break;
  }
  for (long i = 0; i < width; i++)
    if (scratch.surprises[i] > most) scratch.weights[i] = 0;
}

// The first token beyond a place of the distribution.
long draw(const Scratch& scratch, long width, double place) {
  double reached = 0;
  long block = 0;
  const long blocks = (width + BLOCK - 1) / BLOCK;
  while (block < blocks && reached + scratch.blocks[block] <= place) reached += scratch.blocks[block++];
  for (long i = block * BLOCK; i < width; i++) {
    reached += scratch.weights[i];
    if (reached > place && scratch.weights[i] > 0) return i;
  }
  // Roundings have taken the place beyond the end.
  long last = width - 1;
  while (last > 0 && scratch.weights[last] <= 0) last--;
  return last;
}

}  // namespace

// chosen[n]: a token of row rows[n] of logits [.., width], drawn by its uniform number in [0, 1);
// logprobs[n]: its log-probability among those that are left. top_k 0, top_p 1 and typical_p 1 leave all.
EXPORT void lorax_draw(const float* logits, long width, long count, const int64_t* rows,
                       const float* temperatures, const int64_t* top_k, const float* top_p,
                       const float* typical_p, const double* uniforms, int64_t* chosen, float* logprobs) {
#pragma omp parallel if (count > 1)
  {
    Scratch scratch;
    scratch.weights.resize(width);
    scratch.blocks.resize((width + BLOCK - 1) / BLOCK);
#pragma omp for schedule(dynamic)
    for (long n = 0; n < count; n++) {
      const float* x = logits + rows[n] * width;
      float* weights = scratch.weights.data();
      const float top = maximum(x, width);
      const float scale = 1.0f / temperatures[n];
      long i = 0;
      for (; i + LANES <= width; i += LANES)
        store(weights + i, exponential((load(x + i) - top) * scale));
      for (; i < width; i++) weights[i] = std::exp((x[i] - top) * scale);
      if (top_k[n] > 0 && top_k[n] < width) keep_top_k(scratch, width, top_k[n]);
      if (top_p[n] < 1) keep_top_p(scratch, width, top_p[n]);
      if (typical_p[n] < 1)
        keep_typical(scratch, width, typical_p[n], [&](long token) { return (x[token] - top) * scale; });
      const double total = add_up(scratch, width);
      const long token = draw(scratch, width, uniforms[n] * total);
      chosen[n] = token;
      logprobs[n] = (x[token] - top) * scale - static_cast<float>(std::log(total));
    }
  }
}
