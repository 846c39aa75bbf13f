package dev.lorax.bench;

import java.util.Arrays;
import java.util.Locale;
import java.util.SplittableRandom;

/** What all clients have seen. Confined to their one event loop. */
final class Sight {
  private static final int BUCKETS = 400;

  /** Buckets grow by 5 %, from a microsecond on. */
  private static final double GROWTH = Math.log(1.05);

  private final double[] cumulative;
  private final long[] firstTokens = new long[BUCKETS];
  private final long[] gaps = new long[BUCKETS];
  private final long[] longest;
  private long tokens;
  private long failures;
  private long beganNanos;

  Sight(int adapters) {
    cumulative = new double[adapters];
    longest = new long[adapters + 1];
    double sum = 0;
    for (int i = 0; i < adapters; i++) {
      sum += 1.0 / (i + 1);
      cumulative[i] = sum;
    }
  }

  /** An adapter from 1, or 0 for none where there are none. */
  int draw(SplittableRandom random) {
    if (cumulative.length == 0) {
      return 0;
    }
    double place = random.nextDouble() * cumulative[cumulative.length - 1];
    int found = Arrays.binarySearch(cumulative, place);
    return (found >= 0 ? found : -found - 1) + 1;
  }

  void firstToken(int adapter, long nanos) {
    tokens++;
    firstTokens[bucket(nanos)]++;
    longest[adapter] = Math.max(longest[adapter], nanos);
  }

  void nextToken(long nanos) {
    tokens++;
    gaps[bucket(nanos)]++;
  }

  void failed() {
    failures++;
  }

  long tokens() {
    return tokens;
  }

  void forget() {
    Arrays.fill(firstTokens, 0);
    Arrays.fill(gaps, 0);
    Arrays.fill(longest, 0);
    tokens = 0;
    beganNanos = System.nanoTime();
  }

  /** Times in milliseconds. The coldest adapters are the last quarter: one alone says little. */
  String json() {
    double seconds = (System.nanoTime() - beganNanos) / 1e9;
    long coldest = 0;
    for (int i = longest.length - Math.max(1, longest.length / 4); i < longest.length; i++) {
      coldest = Math.max(coldest, longest[i]);
    }
    long any = Arrays.stream(longest).max().orElse(0);
    return String.format(
        Locale.ROOT,
        "{\"tokens\": %d, \"seconds\": %f, \"failures\": %d, \"first_p50\": %f,"
            + " \"first_p99\": %f, \"gap_p50\": %f, \"gap_p99\": %f, \"coldest_wait\": %f,"
            + " \"longest_wait\": %f}",
        tokens,
        seconds,
        failures,
        quantile(firstTokens, 0.5),
        quantile(firstTokens, 0.99),
        quantile(gaps, 0.5),
        quantile(gaps, 0.99),
        coldest / 1e6,
        any / 1e6);
  }

  private static int bucket(long nanos) {
    double micros = Math.max(nanos / 1e3, 1);
    return Math.min((int) (Math.log(micros) / GROWTH), BUCKETS - 1);
  }

  private static double quantile(long[] buckets, double share) {
    long wanted = (long) Math.ceil(Arrays.stream(buckets).sum() * share);
    long seen = 0;
    for (int i = 0; i < buckets.length; i++) {
      seen += buckets[i];
      if (seen >= wanted && seen > 0) {
        return Math.exp((i + 0.5) * GROWTH) / 1e3;
      }
    }
    return 0;
  }
}
