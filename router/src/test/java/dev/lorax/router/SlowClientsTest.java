package dev.lorax.router;

import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Clients that stall, trickle and vanish: whatever they do, they keep nothing for long. */
class SlowClientsTest {
  private static final String LONG =
      "{\"inputs\":\"tell me\",\"parameters\":{\"max_new_tokens\":20000,\"return_k_alternatives\":40}}";
  private static final String SHORT =
      "{\"inputs\":\"tell me\",\"parameters\":{\"max_new_tokens\":3}}";

  @TempDir private Path directory;
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    start(ShardScript.PLAIN.withSupportedTokens(100_000));
  }

  private void start(ShardScript script) throws Exception {
    shard = ScriptedShard.single(directory.resolve("shard"), script);
    router =
        TestingRouter.startWith(
            directory.resolve("shard-0"),
            List.of(
                "--tokenizer-name",
                "src/test/resources/model",
                "--max-input-length",
                "100",
                "--max-total-tokens",
                "30000",
                "--max-batch-prefill-tokens",
                "400",
                "--client-request-timeout-s",
                "1",
                "--client-answer-timeout-s",
                "1",
                "--client-idle-timeout-s",
                "2"));
  }

  @AfterEach
  void stop() throws InterruptedException {
    router.close();
    shard.close();
    assertThat(shard.violations()).isEmpty();
  }

  @Test
  void a_connection_on_which_nothing_is_said_is_closed() throws Exception {
    try (var client = RawClient.connect(router)) {
      assertHungUp(client);
      assertEnded("slow_request");
    }
  }

  @Test
  void a_head_that_trickles_is_not_waited_for() throws Exception {
    try (var client = RawClient.connect(router)) {
      client.send("GET /health HTTP/1.1\r\nx: ");
      await().pollInterval(Duration.ofMillis(50)).until(client::isCut);
      assertEnded("slow_request");
    }
  }

  @Test
  void the_second_head_of_a_connection_may_not_trickle_either() throws Exception {
    try (var client = RawClient.connect(router)) {
      client.send(RawClient.post("/generate", SHORT));
      assertThat(client.input().read()).isEqualTo('H');
      client.send("GET /health HTTP/1.1\r\nx: ");
      await().pollInterval(Duration.ofMillis(50)).until(client::isCut);
      assertEnded("slow_request");
    }
  }

  @Test
  void a_body_that_trickles_is_refused() throws Exception {
    try (var client = RawClient.connect(router)) {
      client.send(RawClient.head("/generate", 500));
      Thread trickling =
          Thread.startVirtualThread(() -> {
            while (!client.isCut()) {
              pause();
            }
          });
      String answer = client.readAll();
      trickling.join();
      assertThat(answer).startsWith("HTTP/1.1 408 ").contains("did not arrive in time");
      assertEnded("slow_request");
    }
    assertThat(router.metric("lorax_request_failure{err=\"bad_request\"}")).isEqualTo(1);
  }

  @Test
  void a_stream_that_nobody_reads_ends_and_gives_its_blocks_back() throws Exception {
    try (var client = RawClient.connect(router)) {
      client.send(RawClient.post("/generate_stream", LONG));
      assertEnded("slow_reader");
      assertThat(router.metric("lorax_batch_inference_count{method=\"decode\"}")).isPositive();
      assertNothingHeld();
    }
  }

  @Test
  void a_stream_that_is_read_a_byte_now_and_then_ends() throws Exception {
    try (var client = RawClient.connect(router)) {
      client.send(RawClient.post("/generate_stream", LONG));
      await()
          .pollInterval(Duration.ofMillis(20))
          .until(() -> {
            client.input().read();
            return router.metric("lorax_connection_closed{reason=\"slow_reader\"}") == 1;
          });
      assertNothingHeld();
    }
  }

  @Test
  void a_client_that_vanishes_frees_what_it_held() throws Exception {
    for (int i = 0; i < 20; i++) {
      var client = RawClient.connect(router);
      client.send(RawClient.post("/generate_stream", LONG));
      if (i % 2 == 0) {
        assertThat(client.input().read()).isEqualTo('H');
      }
      client.vanish();
    }
    assertNothingHeld();
    await()
        .untilAsserted(() ->
            assertThat(router.metric("lorax_request_failure{err=\"dropped\"}")).isEqualTo(20));
  }

  @Test
  void a_client_that_vanishes_is_not_worth_an_error_in_the_log() throws Exception {
    var root = (ch.qos.logback.classic.Logger) LoggerFactory.getLogger(Logger.ROOT_LOGGER_NAME);
    var events = new ListAppender<ILoggingEvent>();
    events.setContext(root.getLoggerContext());
    events.start();
    root.addAppender(events);
    try {
      for (int i = 0; i < 10; i++) {
        var client = RawClient.connect(router);
        String request = RawClient.post("/generate_stream", LONG);
        client.send(i % 2 == 0 ? request : request.substring(0, request.length() / 2));
        if (i % 2 == 0) {
          assertThat(client.input().read()).isEqualTo('H');
        }
        client.vanish();
      }
      assertNothingHeld();
    } finally {
      root.detachAppender(events);
    }
    assertThat(List.copyOf(events.list))
        .filteredOn(event -> event.getLevel().isGreaterOrEqual(Level.WARN))
        .extracting(ILoggingEvent::getFormattedMessage)
        .isEmpty();
  }

  @Test
  void answers_that_nobody_reads_are_not_piled_up() throws Exception {
    try (var client = RawClient.connect(router)) {
      Thread asking =
          Thread.startVirtualThread(() -> {
            try {
              for (int i = 0; i < 200_000; i++) {
                client.send(RawClient.get("/openapi.json"));
              }
            } catch (IOException _) {
              // Cut, as it should be.
            }
          });
      asking.join();
      assertEnded("slow_reader");
    }
    assertThat(router.post("/generate", SHORT).statusCode()).isEqualTo(200);
  }

  @Test
  void a_connection_that_is_not_used_is_closed() throws Exception {
    try (var client = RawClient.connect(router)) {
      client.send(RawClient.post("/generate", SHORT));
      assertThat(client.readAll()).startsWith("HTTP/1.1 200 ");
      assertEnded("idle");
    }
  }

  @Test
  void a_client_may_wait_for_its_answer_longer_than_any_of_that() throws Exception {
    stop();
    var slow = ShardScript.PLAIN.withSupportedTokens(100_000);
    start(slow.withStep(Duration.ofMillis(1500)));
    try (HttpClient modern = HttpClient.newBuilder().version(Version.HTTP_2).build()) {
      var second = modern.sendAsync(router.request("/generate", SHORT), BodyHandlers.ofString());
      var first = router.post("/generate", SHORT);

      assertThat(json(first).path("generated_text").asText())
          .isEqualTo(ScriptedText.expected("tell me", "", 3));
      assertThat(second.join().statusCode()).isEqualTo(200);
    }
  }

  @Test
  void a_head_that_is_too_long_is_refused() throws Exception {
    try (var client = RawClient.connect(router)) {
      client.send("GET /health HTTP/1.1\r\nx: " + "y".repeat(30_000) + "\r\n\r\n");
      assertThat(client.readAll()).startsWith("HTTP/1.1 431 ");
    }
  }

  private void assertNothingHeld() {
    await()
        .untilAsserted(() -> {
          assertThat(router.metric("lorax_batch_current_size")).isZero();
          assertThat(router.metric("lorax_kv_blocks_held")).isZero();
          assertThat(router.metric("lorax_queue_length")).isZero();
        });
    await().until(() -> shard.cachedBatches() == 0);
  }

  private void assertEnded(String reason) {
    await()
        .untilAsserted(() ->
            assertThat(router.metric("lorax_connection_closed{reason=\"%s\"}".formatted(reason)))
                .isEqualTo(1));
  }

  /** The end of the stream, or a reset. */
  private static void assertHungUp(RawClient client) {
    try {
      assertThat(client.input().read()).isEqualTo(-1);
    } catch (IOException e) {
      assertThat(e).hasMessageContaining("reset");
    }
  }

  private static void pause() {
    try {
      Thread.sleep(50);
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
