package dev.lorax.router.batching;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.adapter.AdapterTable;
import dev.lorax.router.adapter.ResidencyLimits;
import dev.lorax.router.kvcache.BlockPool;
import java.time.Duration;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.Provide;

/** A scheduler with small budgets, and requests for it. */
abstract class SchedulerTestCase {
  static final int BLOCK_SIZE = 16;
  static final int TOTAL_BLOCKS = 33;
  static final int PREFILL_BUDGET = 120;
  static final long NOW = 0;

  final AdapterTable adapters = new AdapterTable(new ResidencyLimits(3, Duration.ZERO));

  /** A request in the making; adapter 0 is the base model. */
  record Wish(int promptTokens, int newTokens, int adapter) {}

  @Provide
  Arbitrary<List<Wish>> wishes() {
    Arbitrary<Wish> wish =
        Combinators.combine(
                Arbitraries.integers().between(1, 200),
                Arbitraries.integers().between(1, 200),
                Arbitraries.integers().between(0, 6))
            .as(Wish::new);
    return wish.list().ofMinSize(1).ofMaxSize(40);
  }

  final WaitingEntries queue(List<Wish> wishes) {
    adapters.reset(List.of());
    var waiting = new WaitingEntries(QueueOrder.FAIR);
    for (int i = 0; i < wishes.size(); i++) {
      add(waiting, entry(i, wishes.get(i)));
    }
    return waiting;
  }

  final void add(WaitingEntries waiting, Entry entry) {
    waiting.add(entry, adapters.resolve(entry.adapterKey()));
  }

  final Scheduler scheduler(WaitingEntries waiting, BlockPool blocks, boolean chunkedPrefill) {
    return scheduler(waiting, blocks, chunkedPrefill, chunkedPrefill);
  }

  final Scheduler scheduler(
      WaitingEntries waiting, BlockPool blocks, boolean chunkedPrefill, boolean holdsPrompts) {
    return new Scheduler(
        new BatchLimits(PREFILL_BUDGET, PREFILL_BUDGET, 0, 0, QueueOrder.FAIR, true, true),
        waiting,
        blocks,
        new ShardProfile(
            1,
            "float32",
            "cpu",
            BLOCK_SIZE,
            TOTAL_BLOCKS,
            0,
            chunkedPrefill,
            holdsPrompts,
            true,
            List.of(),
            ModelAbilities.GENERATION));
  }

  static Entry entry(long id, Wish wish) {
    AdapterKey key = wish.adapter() == 0 ? AdapterKey.BASE : key(wish.adapter());
    return Entries.waiting(id, wish.promptTokens(), wish.newTokens(), key, Share.EQUAL);
  }

  static AdapterKey key(int adapter) {
    return AdapterKey.of("adapter-" + adapter, AdapterSource.LOCAL, null);
  }
}
