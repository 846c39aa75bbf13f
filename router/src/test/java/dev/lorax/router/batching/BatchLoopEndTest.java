package dev.lorax.router.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.adapter.ResidencyLimits;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A loop that ends owes nobody anything, whatever comes at that moment. */
@Timeout(60)
class BatchLoopEndTest {
  private static final ShardProfile PROFILE =
      new ShardProfile(
          1, "float32", "cpu", 4, 65, 0, true, true, true, List.of(), ModelAbilities.GENERATION);

  private final InMemoryShards first = shards();
  private final BlockingQueue<Runnable> searches = new LinkedBlockingQueue<>();

  @Test
  void shards_that_are_found_when_the_loop_has_ended_are_closed() throws Exception {
    var second = shards();
    var searching = new CountDownLatch(1);
    var found = new CountDownLatch(1);
    BatchLoop loop =
        started(() -> {
          searching.countDown();
          awaitWhateverComes(found);
          return second;
        });
    first.end();
    Thread search = Thread.startVirtualThread(searches.take());
    searching.await();

    loop.stop();
    found.countDown();
    search.join();

    assertThat(first.closed()).isTrue();
    assertThat(second.closed()).isTrue();
  }

  @Test
  void shards_that_are_found_while_the_loop_ends_are_closed() throws Exception {
    for (int i = 0; i < 200; i++) {
      var lost = shards();
      var second = shards();
      var found = new AtomicBoolean();
      BatchLoop loop =
          loop(() -> {
            found.set(true);
            return second;
          });
      loop.start(lost);
      lost.end();
      Thread search = Thread.ofPlatform().start(searches.take());

      loop.stop();
      search.join();

      assertThat(lost.closed()).isTrue();
      assertThat(second.closed()).as("shards of try %d", i).isEqualTo(found.get());
    }
  }

  @Test
  void nobody_looks_for_shards_once_the_loop_has_ended() throws Exception {
    var searching = new CountDownLatch(1);
    BatchLoop loop =
        started(() -> {
          searching.countDown();
          new CountDownLatch(1).await();
          throw new AssertionError("went on");
        });
    first.end();
    Thread search = Thread.startVirtualThread(searches.take());
    searching.await();

    loop.stop();

    search.join();
  }

  @Test
  void a_request_or_an_order_that_comes_too_late_is_refused() throws Exception {
    BatchLoop loop = started(() -> first);
    loop.stop();

    var promise = new Promise(1, 3);
    var refusal =
        loop.submit(Entries.waiting(1, new int[8], 3, AdapterKey.BASE, Share.EQUAL, promise));
    var adapter = AdapterKey.of("red", AdapterSource.LOCAL, null);

    assertThat(Objects.requireNonNull(refusal).message()).contains("shutting down");
    assertThat(loop.order(new AdapterOrder(adapter, AdapterOrder.Kind.LOAD))).isFalse();
  }

  @Test
  void a_request_that_comes_while_the_loop_ends_is_answered() throws Exception {
    for (int i = 0; i < 200; i++) {
      BatchLoop loop = loop(() -> first);
      loop.start(shards());
      var promise = new Promise(1, 3);
      Entry entry = Entries.waiting(1, new int[8], 3, AdapterKey.BASE, Share.EQUAL, promise);
      var refusal = CompletableFuture.supplyAsync(() -> loop.submit(entry) != null);

      loop.stop();

      assertThat(promise.kept()).as("an answer in try %d", i).isNotEqualTo(refusal.join());
    }
  }

  private BatchLoop started(ShardConnector connector) {
    BatchLoop loop = loop(connector);
    loop.start(first);
    await().until(() -> loop.status().connected());
    return loop;
  }

  private BatchLoop loop(ShardConnector connector) {
    return new BatchLoop(
        new BatchLimits(120, 120, 0, 0, QueueOrder.FAIR, true, true),
        new ResidencyLimits(2, Duration.ZERO),
        100,
        connector,
        new BatchEnvironment(
            new WatchingObserver(),
            new Backlog(Long.MAX_VALUE, Duration.ofHours(1)),
            System::nanoTime),
        Runnable::run,
        searches::add);
  }

  private static InMemoryShards shards() {
    return new InMemoryShards(PROFILE, 120, 2, new HashMap<>());
  }

  /** As a connector whose last answer is on its way does not see that it is interrupted. */
  private static void awaitWhateverComes(CountDownLatch latch) {
    while (latch.getCount() > 0) {
      try {
        latch.await();
      } catch (InterruptedException e) {
        // It looks again, and then returns what it has found.
      }
    }
  }
}
