package dev.lorax.launcher.health;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** A way to ask one member how it is. Thread-safe. */
public interface HealthCheck extends AutoCloseable {

  /** Completes about by the deadline, never exceptionally. */
  CompletableFuture<Health> ask(Duration deadline);

  /** Questions that are still open are given up. */
  @Override
  void close();
}
