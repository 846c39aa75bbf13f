package dev.lorax.launcher.process;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;

/** A started process. Thread-safe. Calls after its end are harmless. */
public interface Member {

  MemberName name();

  long epoch();

  /** Process id in the place where it runs. */
  long processId();

  /** Completes once, never exceptionally, and only after the last line of output was handed on. */
  CompletableFuture<Exit> exited();

  /** Asks to end with SIGTERM, and insists with SIGKILL after the grace period. Returns at once. */
  void stop(Duration grace);

  /** SIGKILL to the process and to what it started. Returns at once. */
  void kill();
}
