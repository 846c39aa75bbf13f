package dev.lorax.router.adapter;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** How several adapters become one. */
public record AdapterMerge(
    List<Float> weights, Strategy strategy, float density, MajoritySign majoritySign) {
  public AdapterMerge {
    weights = List.copyOf(weights);
  }

  /** How the tensors are combined. */
  public enum Strategy {
    LINEAR,
    TIES,
    DARE_LINEAR,
    DARE_TIES;

    public static Optional<Strategy> parse(String label) {
      for (Strategy strategy : values()) {
        if (strategy.name().toLowerCase(Locale.ROOT).equals(label)) {
          return Optional.of(strategy);
        }
      }
      return Optional.empty();
    }
  }

  /** How the sign of a merged weight is elected. */
  public enum MajoritySign {
    TOTAL,
    FREQUENCY;

    public static Optional<MajoritySign> parse(String label) {
      for (MajoritySign sign : values()) {
        if (sign.name().toLowerCase(Locale.ROOT).equals(label)) {
          return Optional.of(sign);
        }
      }
      return Optional.empty();
    }
  }
}
