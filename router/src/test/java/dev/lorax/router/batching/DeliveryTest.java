package dev.lorax.router.batching;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterTable;
import dev.lorax.router.adapter.ResidencyLimits;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.GenerationSink;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.Token;
import dev.lorax.router.kvcache.BlockPool;
import dev.lorax.router.kvcache.BlockTable;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.stream.LongStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a step yields is told after the next one has left, and to all in one go. */
class DeliveryTest {
  private final RunningBatch running = new RunningBatch();
  private final Delivery delivery = new Delivery(running, new WatchingObserver(), () -> 1);
  private final List<String> told = new ArrayList<>();

  @BeforeEach
  void enter() {
    var table = new AdapterTable(new ResidencyLimits(1, Duration.ZERO));
    var blockPool = new BlockPool(9, 4, false);
    var flow = new Flow(table.resolve(AdapterKey.BASE), Share.EQUAL, 0);
    for (long id = 1; id <= 3; id++) {
      Entry entry = Entries.waiting(id, 4, 9, AdapterKey.BASE, Share.EQUAL, new Sink(id));
      entry.bind(flow);
      BlockTable blocks = blockPool.tryAllocate(entry.promptKey(), 8);
      entry.joins(Objects.requireNonNull(blocks), 0, 0);
      running.enter(List.of(entry));
    }
  }

  @Test
  void tokens_are_kept_until_they_are_asked_for() {
    delivery.deliver(step(1L, 2L, 3L), running.all());
    assertThat(told).isEmpty();

    delivery.flush();
    assertThat(told)
        .containsExactly("1: token", "2: token", "3: token", "1: step", "2: step", "3: step");
  }

  @Test
  void the_order_in_which_the_shards_name_requests_does_not_matter() {
    delivery.deliver(step(3L, 1L, 2L), running.all());
    delivery.flush();

    assertThat(told).noneMatch(line -> line.contains("Incomplete"));
    assertThat(running.size()).isEqualTo(3);
  }

  @Test
  void who_is_named_no_more_gets_its_token_and_then_its_failure() {
    delivery.deliver(step(1L, 3L), running.all());

    assertThat(told).endsWith("2: Incomplete generation").contains("2: token");
    assertThat(running.size()).isEqualTo(2);
  }

  /** A token for each of the three. */
  private static StepResult step(Long... goingOn) {
    var generations =
        LongStream.rangeClosed(1, 3)
            .mapToObj(id ->
                new Generation(
                    id, 0, List.of(), List.of(new Token(7, "a", 0, false, false, List.of())), null))
            .toList();
    return new StepResult(
        generations, new CachedBatch(1, List.of(goingOn), goingOn.length, 0, goingOn.length));
  }

  private final class Sink implements GenerationSink {
    private final long id;

    Sink(long id) {
      this.id = id;
    }

    @Override
    public void scheduled(long nanoTime) {}

    @Override
    public void generated(Generation generation, long nanoTime) {
      told.add(id + ": token");
    }

    @Override
    public void stepTold() {
      told.add(id + ": step");
    }

    @Override
    public void failed(Rejection rejection) {
      told.add(id + ": " + rejection.message());
    }
  }
}
