package dev.lorax.router.adapter;

/**
 * Where an adapter stands on the shards. Transitions are methods of the state being left; a failure
 * has no state of its own because the adapter then leaves the table.
 */
public sealed interface AdapterState {
  /** Asked for, nothing done yet. */
  record Registered() implements AdapterState {
    Downloading download() {
      return new Downloading();
    }
  }

  record Downloading() implements AdapterState {
    Downloaded downloaded(float memoryFraction) {
      return new Downloaded(memoryFraction);
    }
  }

  /**
   * On disk, waiting for a place on the device.
   *
   * @param memoryFraction share of the adapter memory that loading it takes
   */
  record Downloaded(float memoryFraction) implements AdapterState {
    Loading load() {
      return new Loading(memoryFraction);
    }
  }

  record Loading(float memoryFraction) implements AdapterState {
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
      return new Downloaded(memoryFraction);
    }
  }
}
