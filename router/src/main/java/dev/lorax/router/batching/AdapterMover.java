package dev.lorax.router.batching;

import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterAction;
import dev.lorax.router.batching.BatchObserver.Move;
import java.time.Duration;
import java.util.concurrent.Executor;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.Consumer;

/**
 * Downloads, loads and offloads adapters beside the batch loop, each call waiting in a virtual
 * thread of its own, so that neither a step nor another adapter waits for it. Thread-safe.
 */
final class AdapterMover {
  private static final int DOWNLOAD_ATTEMPTS = 4;
  private static final Duration FIRST_PAUSE = Duration.ofMillis(250);

  private final Ticker ticker;
  private final Executor threads;
  private final Consumer<BatchCommand> loop;

  AdapterMover(Ticker ticker, Executor threads, Consumer<BatchCommand> loop) {
    this.ticker = ticker;
    this.threads = threads;
    this.loop = loop;
  }

  void start(ShardGroup shards, AdapterAction action) {
    threads.execute(() -> loop.accept(outcome(shards, action)));
  }

  private BatchCommand outcome(ShardGroup shards, AdapterAction action) {
    try {
      return perform(shards, action);
    } catch (ShardException.Lost e) {
      return new BatchCommand.Lost(shards, e.reason());
    } catch (ShardException e) {
      return new BatchCommand.MoveFailed(shards, action.adapter(), move(action), e.reason());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new BatchCommand.MoveFailed(shards, action.adapter(), move(action), "interrupted");
    }
  }

  private BatchCommand perform(ShardGroup shards, AdapterAction action)
      throws ShardException, InterruptedException {
    long start = ticker.nanos();
    Adapter adapter = action.adapter();
    switch (action) {
      case AdapterAction.Download _ -> {
        float fraction = download(shards, adapter);
        return new BatchCommand.Downloaded(shards, adapter, fraction, ticker.nanos() - start);
      }
      case AdapterAction.Load _ -> {
        shards.load(adapter);
        long nanos = ticker.nanos() - start;
        return new BatchCommand.Loaded(shards, adapter, shards.describe(adapter), nanos);
      }
      case AdapterAction.Offload _ -> {
        shards.offload(adapter);
        return new BatchCommand.Offloaded(shards, adapter, ticker.nanos() - start);
      }
    }
  }

  /** A source that is busy or slow gets more time before each further attempt. */
  private static float download(ShardGroup shards, Adapter adapter)
      throws ShardException, InterruptedException {
    Duration pause = FIRST_PAUSE;
    for (int attempt = 1; ; attempt++) {
      try {
        return shards.download(adapter);
      } catch (ShardException.Refused e) {
        if (!e.retriable() || attempt == DOWNLOAD_ATTEMPTS) {
          throw e;
        }
      }
      // Requests that wait for several adapters after an outage do not all ask at once.
      long jitter = ThreadLocalRandom.current().nextLong(pause.toMillis());
      Thread.sleep(pause.plusMillis(jitter));
      pause = pause.multipliedBy(2);
    }
  }

  private static Move move(AdapterAction action) {
    return switch (action) {
      case AdapterAction.Download _ -> Move.DOWNLOAD;
      case AdapterAction.Load _ -> Move.LOAD;
      case AdapterAction.Offload _ -> Move.OFFLOAD;
    };
  }
}
