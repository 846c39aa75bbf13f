package dev.lorax.router.adapter;

/** Where an adapter stands on the shards. Transitions are methods of the state being left. */
public sealed interface AdapterState {
  /**
   * Asked for, nothing done yet.
   *
   * @param failures how many attempts in a row have failed before
   */
  record Registered(int failures) implements AdapterState {
    Downloading download() {
      return new Downloading(failures);
    }
  }

  record Downloading(int failures) implements AdapterState {
    Downloaded downloaded(float memoryFraction) {
      return new Downloaded(memoryFraction, failures);
    }
  }

  /**
   * On disk, waiting for a place on the device.
   *
   * @param memoryFraction share of the adapter memory that loading it takes
   */
  record Downloaded(float memoryFraction, int failures) implements AdapterState {
    Loading load() {
      return new Loading(memoryFraction, failures);
    }
  }

  record Loading(float memoryFraction, int failures) implements AdapterState {
    Ready loaded(long nanoTime) {
      return new Ready(memoryFraction, nanoTime, false);
    }
  }

  /**
   * Usable.
   *
   * @param yielding takes no new requests, so that it drains and makes room for another adapter
   */
  record Ready(float memoryFraction, long sinceNanos, boolean yielding) implements AdapterState {
    Ready yielding(boolean value) {
      return new Ready(memoryFraction, sinceNanos, value);
    }

    Offloading offload() {
      return new Offloading(memoryFraction);
    }
  }

  record Offloading(float memoryFraction) implements AdapterState {
    Downloaded offloaded() {
      return new Downloaded(memoryFraction, 0);
    }
  }

  /**
   * Could not be downloaded, loaded or offloaded.
   *
   * @param retryNanos before then nobody asks the shards again
   */
  record Failed(String reason, int failures, long retryNanos) implements AdapterState {
    Registered retry() {
      return new Registered(failures);
    }
  }

  /** Failed attempts in a row so far. */
  default int failedAttempts() {
    return switch (this) {
      case Registered registered -> registered.failures();
      case Downloading downloading -> downloading.failures();
      case Downloaded downloaded -> downloaded.failures();
      case Loading loading -> loading.failures();
      case Ready _, Offloading _ -> 0;
      case Failed failed -> failed.failures();
    };
  }

  /** Share of the adapter memory that it holds, or will hold, on the shards. */
  default float memory() {
    return switch (this) {
      case Downloaded downloaded -> downloaded.memoryFraction();
      case Loading loading -> loading.memoryFraction();
      case Ready ready -> ready.memoryFraction();
      case Offloading offloading -> offloading.memoryFraction();
      case Registered _, Downloading _, Failed _ -> 0;
    };
  }

  /** Whether it takes a place on the shards. */
  default boolean active() {
    return switch (this) {
      case Loading _, Ready _, Offloading _ -> true;
      case Registered _, Downloading _, Downloaded _, Failed _ -> false;
    };
  }
}
