package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.adapter.AdapterTable;
import dev.lorax.router.batching.AdapterOrder.Outcome;
import dev.lorax.router.generation.Rejection;
import org.jspecify.annotations.Nullable;

/** Takes orders about adapters into the table. Confined to the batch loop. */
final class AdapterOrders {
  private final AdapterTable table;
  private final int places;

  AdapterOrders(AdapterTable table, int places) {
    this.table = table;
    this.places = places;
  }

  void take(AdapterOrder order) {
    order.outcome().complete(outcome(order));
  }

  private Outcome outcome(AdapterOrder order) {
    Adapter adapter = table.find(order.adapter());
    String label = order.adapter().label();
    return switch (order.kind()) {
      case LOAD -> bring(order, adapter, false);
      case PIN -> bring(order, adapter, true);
      case UNLOAD -> {
        if (adapter == null) {
          yield refused("adapter `%s` is not known to this server".formatted(label));
        }
        if (adapter.preloaded()) {
          yield refused(
              "adapter `%s` is preloaded, which is for as long as the shards live"
                  .formatted(label));
        }
        adapter.dismiss();
        yield new Outcome.Taken(AdapterStatus.of(adapter));
      }
    };
  }

  private Outcome bring(AdapterOrder order, @Nullable Adapter known, boolean pin) {
    boolean alreadyPinned = known != null && (known.pinned() || known.preloaded());
    if (pin && !alreadyPinned && table.pinned() + 1 >= places) {
      return refused(
          ("adapter `%s` cannot be pinned: %d of %d places are pinned, and one must stay free for"
                  + " other adapters")
              .formatted(order.adapter().label(), table.pinned(), places));
    }
    Adapter adapter = table.resolve(order.adapter());
    table.forgetFailure(adapter);
    adapter.want(!adapter.admits());
    adapter.pin(adapter.pinned() || (pin && !adapter.preloaded()));
    return new Outcome.Taken(AdapterStatus.of(adapter));
  }

  private static Outcome refused(String problem) {
    return new Outcome.Refused(Rejection.validation(problem));
  }
}
