package dev.lorax.launcher.process;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.function.BooleanSupplier;

/** A started process. Thread-safe. Calls after its end are harmless. */
public interface Member {

  MemberName name();

  long epoch();

  /** Process id in the place where it runs. */
  long processId();

  /** Completes once, never exceptionally, and only after the last line of output was handed on. */
  CompletableFuture<Exit> exited();

  /**
   * Completes when the place of this process is being taken away on purpose; its end follows. Never
   * where places do not come and go.
   */
  CompletableFuture<Void> leaving();

  /**
   * Another sign of life than the process itself. Where the process cannot be seen any more it is
   * lost only once this is not there either.
   */
  void vouchedBy(BooleanSupplier signOfLife);

  /** Asks to end with SIGTERM, and insists with SIGKILL after the grace period. Returns at once. */
  void stop(Duration grace);

  /** SIGKILL to the process and to what it started. Returns at once. */
  void kill();
}
