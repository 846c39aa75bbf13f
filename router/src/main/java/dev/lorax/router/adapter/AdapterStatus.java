package dev.lorax.router.adapter;

import dev.lorax.router.adapter.AdapterState.Downloaded;
import dev.lorax.router.adapter.AdapterState.Downloading;
import dev.lorax.router.adapter.AdapterState.Failed;
import dev.lorax.router.adapter.AdapterState.Loading;
import dev.lorax.router.adapter.AdapterState.Offloading;
import dev.lorax.router.adapter.AdapterState.Ready;
import dev.lorax.router.adapter.AdapterState.Registered;
import org.jspecify.annotations.Nullable;

/**
 * What others may know of an adapter; a copy, so that any thread may read it.
 *
 * @param memoryFraction share of the shards' adapter memory, 0 while it is not known
 * @param pinned whether it keeps its place, preloaded or by order
 * @param facts what the shards tell of it, absent until it was loaded, or if they tell nothing
 * @param failure why it cannot be used, absent unless it failed
 */
public record AdapterStatus(
    AdapterKey key,
    int index,
    Phase phase,
    float memoryFraction,
    boolean pinned,
    @Nullable AdapterFacts facts,
    @Nullable String failure) {
  /** Where it stands, in the words that clients see. */
  public enum Phase {
    REGISTERED("registered"),
    DOWNLOADING("downloading"),
    ON_DISK("on disk"),
    LOADING("loading"),
    RESIDENT("resident"),
    LEAVING("leaving"),
    FAILED("failed");

    private final String label;

    Phase(String label) {
      this.label = label;
    }

    public String label() {
      return label;
    }
  }

  public static AdapterStatus of(Adapter adapter) {
    return new AdapterStatus(
        adapter.key(),
        adapter.index(),
        phase(adapter.state()),
        adapter.state().memory(),
        adapter.pinned() || adapter.preloaded(),
        adapter.facts(),
        adapter.state() instanceof Failed failed ? failed.reason() : null);
  }

  private static Phase phase(AdapterState state) {
    return switch (state) {
      case Registered _ -> Phase.REGISTERED;
      case Downloading _ -> Phase.DOWNLOADING;
      case Downloaded _ -> Phase.ON_DISK;
      case Loading _ -> Phase.LOADING;
      case Ready ready -> ready.yielding() ? Phase.LEAVING : Phase.RESIDENT;
      case Offloading _ -> Phase.LEAVING;
      case Failed _ -> Phase.FAILED;
    };
  }
}
