package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterAction;
import dev.lorax.router.adapter.AdapterState;
import dev.lorax.router.adapter.AdapterStatus;
import dev.lorax.router.adapter.AdapterTable;
import dev.lorax.router.adapter.PreloadedAdapter;
import dev.lorax.router.adapter.ResidencyLimits;
import dev.lorax.router.generation.Rejection;
import java.util.Collection;
import java.util.List;

/**
 * Which adapters are on the shards, for whom: requests wait for theirs, orders and news change the
 * table, and what the table asks for is set moving. Confined to the batch loop.
 */
final class Residency {
  private final AdapterTable table;
  private final AdapterOrders orders;
  private final AdapterMover mover;
  private final WaitingEntries waiting;
  private final BatchObserver observer;
  private final Ticker ticker;

  Residency(
      ResidencyLimits limits,
      AdapterMover mover,
      WaitingEntries waiting,
      BatchObserver observer,
      Ticker ticker) {
    this.table = new AdapterTable(limits);
    this.orders = new AdapterOrders(table, limits.maxActiveAdapters());
    this.mover = mover;
    this.waiting = waiting;
    this.observer = observer;
    this.ticker = ticker;
  }

  /** Lets a request wait for its adapter; false if that could not be had, and the request fails. */
  boolean queue(Entry entry) {
    Adapter adapter = table.resolve(entry.adapterKey());
    AdapterState.Failed failed = table.refusal(adapter, ticker.nanos());
    if (failed != null) {
      entry.sink().failed(Rejection.generation(failed.reason()));
      return false;
    }
    waiting.add(entry, adapter);
    return true;
  }

  void take(AdapterOrder order) {
    orders.take(order);
  }

  /** Sets moving what the requests that wait need; false if nothing needs to be done. */
  boolean advance(ShardGroup shards, long nanoTime) {
    if (table.settled()) {
      return false;
    }
    for (AdapterAction action : table.advance(waiting::demand, nanoTime)) {
      mover.start(shards, action);
    }
    return true;
  }

  void hear(BatchCommand.Moved news) {
    Adapter adapter = news.adapter();
    switch (news) {
      case BatchCommand.Downloaded done -> {
        table.downloaded(adapter, done.memoryFraction());
        observer.moved(BatchObserver.Move.DOWNLOAD, adapter.key(), done.nanos());
      }
      case BatchCommand.Loaded done -> {
        table.loaded(adapter, done.facts(), ticker.nanos());
        observer.moved(BatchObserver.Move.LOAD, adapter.key(), done.nanos());
      }
      case BatchCommand.Offloaded done -> {
        table.offloaded(adapter);
        observer.moved(BatchObserver.Move.OFFLOAD, adapter.key(), done.nanos());
      }
      case BatchCommand.MoveFailed failed -> dismiss(failed);
    }
  }

  private void dismiss(BatchCommand.MoveFailed failed) {
    Adapter adapter = failed.adapter();
    observer.moveFailed(failed.move(), adapter.key(), failed.message());
    String reason =
        "adapter `%s` could not be %s: %s"
            .formatted(adapter.key().label(), failed.move().participle(), failed.message());
    table.failed(adapter, reason, ticker.nanos());
    var rejection = Rejection.generation(reason);
    waiting.removeAll(adapter).forEach(entry -> entry.sink().failed(rejection));
  }

  /**
   * Starts over with other shards, or none.
   *
   * @param interrupted requests that ran until now and wait with the others
   */
  void startOver(List<PreloadedAdapter> preloaded, Collection<Entry> interrupted) {
    table.reset(preloaded);
    waiting.rebind(table, interrupted);
  }

  /** How all adapters stand that are known, the base model first. */
  List<AdapterStatus> statuses() {
    return table.all().stream().map(AdapterStatus::of).toList();
  }
}
