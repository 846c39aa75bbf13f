package dev.lorax.launcher.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.testing.hub.HubFault;
import dev.lorax.launcher.testing.hub.TinyModel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A hub that breaks off, stalls, refuses, lies. */
final class HubTroubleTest extends HubTestCase {

  private static final int SHARD_BYTES = 500_000;
  private static final String SHARD = "model-00001-of-00002.safetensors";
  private static final String SMALL = "tokenizer.json";

  private long wholeBytes;

  @BeforeEach
  void publish() throws Exception {
    TinyModel.sharded(server.repo("org/tiny"), SHARD_BYTES);
    wholeBytes = 0;
    for (var content : server.repo("org/tiny").sizes().entrySet()) {
      if (!content
          .getKey()
          .matches("consolidated.*|training.*|README.*|original/.*|\\..*|generation.*")) {
        wholeBytes += content.getValue();
      }
    }
  }

  /** Bytes that were sent and not yet received when a connection ended are sent again. */
  private static long lostInSockets(int connections) {
    return connections * 20_000L;
  }

  private void assertFetched() throws Exception {
    assertThat(fetch("org/tiny").resolve(SHARD))
        .hasBinaryContent(TinyModel.safetensors("first", SHARD_BYTES));
  }

  @Test
  void continues_where_the_connection_broke_off() throws Exception {
    // given
    server.script(SHARD, new HubFault.Cut(100_000), new HubFault.Cut(0), new HubFault.Cut(200_000));

    // then
    assertFetched();
    assertThat(server.sentBytes()).isBetween(wholeBytes, wholeBytes + lostInSockets(3));
  }

  @Test
  void gives_up_only_after_several_failures_in_a_row() throws Exception {
    // given
    var cut = new HubFault.Cut(50_000);
    server.script(SHARD, cut, cut, cut, cut, cut, cut, cut, cut);

    // then
    assertFetched();
    assertThat(server.sentBytes()).isBetween(wholeBytes, wholeBytes + lostInSockets(8));
  }

  @Test
  void continues_after_a_stall() throws Exception {
    // given
    server.script(SHARD, new HubFault.Stall(100_000));
    server.script(SMALL, new HubFault.Stall(5));

    // then
    assertFetched();
    assertThat(server.sentBytes()).isBetween(wholeBytes, wholeBytes + lostInSockets(2));
  }

  @Test
  void starts_a_file_again_where_ranges_are_ignored() throws Exception {
    // given
    server.script(SHARD, new HubFault.Cut(100_000), new HubFault.IgnoreRange());

    // then
    assertFetched();
  }

  @Test
  void waits_as_long_as_the_hub_asks() throws Exception {
    // given
    var busy = new HubFault.Status(429, Map.of("Retry-After", "1"));
    server.script("api", busy);
    long start = System.nanoTime();

    // then
    assertFetched();
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThan(Duration.ofSeconds(1));
  }

  @Test
  void does_not_wait_for_ever() {
    // given
    server.script("api", new HubFault.Status(429, Map.of("Retry-After", "86400")));

    // then
    assertRefused(
        FailureCode.SOURCE_UNREACHABLE,
        "org/tiny: 127.0.0.1 asks for fewer requests (429) (the server asks to wait 86400 s)",
        "org/tiny",
        null,
        NONE);
  }

  @Test
  void bears_errors_of_the_hub_and_of_its_store() throws Exception {
    // given
    server.script("api", new HubFault.Status(500), new HubFault.Status(502));
    server.script(SMALL, new HubFault.Status(504));
    // An address of the store that has expired; the next one is fresh.
    server.script(SHARD, new HubFault.Status(503), new HubFault.Status(403));

    // then
    assertFetched();
  }

  @Test
  void says_that_the_hub_is_broken_when_it_stays_so() {
    // given
    var broken = new HubFault.Status(503);
    server.script("api", broken, broken, broken, broken);

    // then
    assertRefused(
        FailureCode.SOURCE_UNREACHABLE,
        "org/tiny: 127.0.0.1 answered 503 (gave up after 4 attempts)",
        "org/tiny",
        null,
        NONE);
  }

  @Test
  void says_that_nobody_is_there() {
    // given
    server.close();

    // then
    assertRefused(
        FailureCode.SOURCE_UNREACHABLE,
        "org/tiny: cannot connect to 127.0.0.1: connection refused (gave up after 4 attempts)",
        "org/tiny",
        null,
        NONE);
  }

  @Test
  void fetches_a_damaged_file_once_more() throws Exception {
    // given
    server.script(SHARD, new HubFault.Corrupt());
    server.script(SMALL, new HubFault.Corrupt());

    // then
    assertFetched();
  }

  @Test
  void publishes_nothing_of_a_file_that_stays_damaged() {
    // given
    server.script(SHARD, new HubFault.Corrupt(), new HubFault.Corrupt());

    // then
    assertThatThrownBy(() -> fetch("org/tiny"))
        .isInstanceOf(DownloadException.class)
        .hasMessageStartingWith(SHARD + " arrived damaged 2 times: expected SHA-256 ")
        .hasMessageEndingWith("; a proxy or mirror on the way changes it, or the source is broken");
    Path directory = cache.resolve("models--org--tiny");
    assertThat(directory.resolve("blobs").resolve(server.repo("org/tiny").etag(SHARD)))
        .doesNotExist();
    assertThat(directory).isDirectoryNotContaining("glob:**/config.json");
    assertThat(directory.resolve("refs")).doesNotExist();
  }

  @Test
  void an_interrupt_stops_it_and_keeps_what_has_come() throws Exception {
    // given
    server.pace(100_000);
    var outcome = new CompletableFuture<Throwable>();
    Thread download =
        Thread.ofPlatform()
            .start(() -> {
              try {
                fetch("org/tiny");
              } catch (Throwable e) {
                outcome.complete(e);
              }
            });
    await().until(() -> server.sentBytes() > 300_000);

    // when
    download.interrupt();

    // then
    assertThat(outcome.get()).isInstanceOf(InterruptedException.class);
    long kept = incompleteBytes();
    assertThat(kept).isGreaterThan(200_000);
    server.pace(0);
    server.forgetRequests();
    assertFetched();
    int piecesOnTheirWayToTheFirst = 100_000;
    assertThat(server.sentBytes()).isLessThan(wholeBytes - kept + piecesOnTheirWayToTheFirst);
  }

  private long incompleteBytes() throws Exception {
    long bytes = 0;
    try (var files = Files.list(cache.resolve("models--org--tiny/blobs"))) {
      for (var file : files.filter(name -> name.toString().endsWith(".incomplete")).toList()) {
        bytes += Files.size(file);
      }
    }
    return bytes;
  }

  @Test
  void tells_its_progress() throws Exception {
    // given
    server.pace(400_000);
    var seen = new AtomicReference<>(progress.snapshot());
    Thread download =
        Thread.ofPlatform()
            .start(() -> {
              try {
                fetch("org/tiny");
              } catch (DownloadException | InterruptedException e) {
                throw new AssertionError(e);
              }
            });

    // when
    await()
        .until(() -> {
          seen.set(progress.snapshot());
          return seen.get().filter(now -> now.bytes() > SHARD_BYTES / 2).isPresent();
        });
    server.pace(0);
    download.join();

    // then
    var snapshot = seen.get().orElseThrow();
    assertThat(snapshot.what()).isEqualTo("org/tiny");
    assertThat(snapshot.totalFiles()).as("all but the index, which came first").isEqualTo(5);
    assertThat(snapshot.totalBytes()).isBetween(2L * SHARD_BYTES, wholeBytes);
    assertThat(progress.snapshot()).isEmpty();
    assertThat(progress.downloadedBytes()).isEqualTo(wholeBytes);
  }
}
