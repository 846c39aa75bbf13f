package dev.lorax.router.batching;

import java.util.Locale;
import java.util.Optional;

/** Which of the waiting requests goes first. */
public enum QueueOrder {
  /** Whoever has been served the fewest tokens. */
  FAIR,
  /** Whoever came first, as upstream has it: a busy adapter takes what its requests take. */
  ARRIVAL;

  /** The order of this name. */
  public static Optional<QueueOrder> parse(String label) {
    for (QueueOrder order : values()) {
      if (order.label().equals(label)) {
        return Optional.of(order);
      }
    }
    return Optional.empty();
  }

  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
