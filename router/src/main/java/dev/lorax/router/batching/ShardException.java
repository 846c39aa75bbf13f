package dev.lorax.router.batching;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A call to the shards that brought no result. */
public abstract sealed class ShardException extends Exception {
  private static final long serialVersionUID = 1L;

  private final String reason;

  private ShardException(String reason, @Nullable Throwable cause) {
    super(reason, cause);
    this.reason = reason;
  }

  public String reason() {
    return reason;
  }

  /** A shard answered with an error; what it held before, it still holds. */
  public static final class Refused extends ShardException {
    private static final long serialVersionUID = 1L;

    private final boolean retriable;

    @SuppressWarnings("serial") // as it is made here, it is
    private final List<Long> culprits;

    public Refused(String reason, @Nullable Throwable cause) {
      this(reason, cause, false, List.of());
    }

    /**
     * @param retriable whether the shard said that trying again may help
     * @param culprits requests without which the same call would succeed, as far as the shard knows
     */
    public Refused(
        String reason, @Nullable Throwable cause, boolean retriable, List<Long> culprits) {
      super(reason, cause);
      this.retriable = retriable;
      this.culprits = List.copyOf(culprits);
    }

    public List<Long> culprits() {
      return culprits;
    }

    public boolean retriable() {
      return retriable;
    }
  }

  /** A shard is there but did not answer in time. */
  public static final class TimedOut extends ShardException {
    private static final long serialVersionUID = 1L;

    public TimedOut(String reason, @Nullable Throwable cause) {
      super(reason, cause);
    }
  }

  /** The connection to a shard is broken; what it holds is unknown. */
  public static final class Lost extends ShardException {
    private static final long serialVersionUID = 1L;

    public Lost(String reason, @Nullable Throwable cause) {
      super(reason, cause);
    }
  }
}
