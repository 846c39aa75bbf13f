package dev.lorax.launcher.config;

import dev.lorax.launcher.config.RouterConfig.AskedLimits;
import dev.lorax.options.Problems;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * Limits in tokens with upstream's defaults, which follow from the model.
 *
 * @param chunked whether a prompt may take several steps
 * @param batchTotal null leaves it to what fits the device
 */
public record TokenLimits(
    int input, int total, boolean chunked, int batchPrefill, @Nullable Integer batchTotal) {

  /** Upstream's ceiling for the limits that follow from the model. */
  private static final int DEFAULT_TOTAL = 4096;

  private static final int PREFILL_HEADROOM = 50;

  /**
   * @param chunked whether a prompt may take several steps
   */
  public static TokenLimits of(AskedLimits asked, boolean chunked, OptionalInt contextLength) {
    int total =
        asked.total() != null
            ? asked.total()
            : Math.min(contextLength.orElse(DEFAULT_TOTAL), DEFAULT_TOTAL);
    int input = asked.input() != null ? asked.input() : total - 1;
    int batchPrefill =
        asked.batchPrefill() != null ? asked.batchPrefill() : input + PREFILL_HEADROOM;
    return new TokenLimits(input, total, chunked, batchPrefill, asked.batchTotal());
  }

  /** What the router would refuse, but only after the shards have loaded the model. */
  public List<String> problems() {
    var problems = new Problems(Map.of());
    problems.expect(
        input < total,
        "--max-input-length",
        "less than --max-total-tokens " + total,
        input,
        "set both, or lower it");
    problems.expect(
        chunked || batchPrefill >= input,
        "--max-batch-prefill-tokens",
        "at least --max-input-length " + input,
        batchPrefill,
        "raise it, lower --max-input-length, or leave --chunked-prefill on");
    if (batchTotal != null) {
      problems.expect(
          Math.max(batchPrefill, total) <= batchTotal,
          "--max-batch-total-tokens",
          "at least --max-batch-prefill-tokens "
              + batchPrefill
              + " and --max-total-tokens "
              + total,
          batchTotal,
          "raise it, or lower --max-total-tokens and --max-input-length");
    }
    return problems.sentences();
  }
}
