package dev.lorax.router.encoding;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.batching.ShardProfile;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A loop that ends owes nobody anything, whatever comes at that moment. */
@Timeout(60)
class EncodingLoopEndTest {
  @Test
  void a_text_that_comes_while_the_loop_ends_is_answered() throws Exception {
    for (int i = 0; i < 200; i++) {
      EncodingLoop loop = started();
      EncodingEntry entry = Texts.of(i, "t", 1);
      var refusal = CompletableFuture.supplyAsync(() -> loop.submit(List.of(entry)) != null);

      loop.stop();

      boolean refused = refusal.join();
      assertThat(entry.outcome().isDone()).as("an answer in try %d", i).isNotEqualTo(refused);
    }
  }

  @Test
  void a_text_that_comes_too_late_is_refused() throws Exception {
    EncodingLoop loop = started();
    loop.stop();

    assertThat(loop.submit(List.of(Texts.of(1, "t", 1))))
        .extracting(rejection -> rejection.message())
        .isEqualTo("the server is shutting down");
  }

  private static EncodingLoop started() {
    var loop =
        new EncodingLoop(
            new EncodingLimits(100, 1000),
            new NoPlaces(),
            new Nobody(),
            new Silence(),
            System::nanoTime);
    loop.start();
    return loop;
  }

  private static final class NoPlaces implements AdapterPlaces {
    @Override
    public Standing standing(AdapterKey adapter, ShardProfile shards) {
      return new Standing.Absent();
    }

    @Override
    public void want(AdapterKey adapter) {}
  }

  private static final class Nobody implements Neighbours {
    @Override
    public boolean possible() {
      return false;
    }

    @Override
    public boolean present() {
      return false;
    }
  }

  private static final class Silence implements EncodingObserver {
    @Override
    public void texts(int waiting, long waitingTokens, int running) {}

    @Override
    public void stepSucceeded(Step step, int size, long nanos) {}

    @Override
    public void stepFailed(Step step, int size, String message) {}

    @Override
    public void unexpected(RuntimeException exception) {}
  }
}
