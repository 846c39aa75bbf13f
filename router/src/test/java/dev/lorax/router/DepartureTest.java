package dev.lorax.router;

import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.protocol.generate.v1.DecodeRequest;
import java.net.http.HttpClient;
import java.net.http.HttpClient.Version;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A router that is told to stop: whom it still serves, and how it sends others away. */
class DepartureTest {
  private static final String LONG =
      "{\"inputs\":\"tell me\",\"parameters\":{\"max_new_tokens\":80}}";
  private static final String SHORT = LONG.replace("80", "8");

  /** Longer than any test should take. */
  private static final Duration QUIET = Duration.ofSeconds(20);

  @TempDir private Path directory;
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    ShardScript slow = ShardScript.PLAIN.withStep(Duration.ofMillis(10));
    shard = ScriptedShard.single(directory.resolve("shard"), slow);
    router = TestingRouter.start(directory.resolve("shard-0"));
  }

  @AfterEach
  void stop() throws InterruptedException {
    router.close();
    shard.close();
  }

  @Test
  void serves_on_and_ends_connections_while_it_leaves() {
    var before = router.post("/generate", LONG);

    router.process().leave();

    var after = router.post("/generate", LONG);
    assertThat(before.headers().firstValue("connection")).isEmpty();
    assertThat(after.statusCode()).isEqualTo(200);
    assertThat(after.headers().firstValue("connection")).hasValue("close");
  }

  @Test
  void ends_the_connection_of_a_request_that_came_before_and_is_answered_after() {
    var waiting = router.postLater("/generate", LONG);
    awaitWork();

    router.process().leave();

    assertThat(waiting.join().headers().firstValue("connection")).hasValue("close");
  }

  @Test
  void lets_running_requests_end_and_refuses_who_comes_by_a_new_connection() {
    var running = router.postLater("/generate", LONG);
    awaitWork();

    var drained = CompletableFuture.supplyAsync(this::drain);

    await().untilAsserted(() -> assertThat(router.get("/health").statusCode()).isEqualTo(503));
    try (var newcomer = HttpClient.newHttpClient()) {
      var late = newcomer.sendAsync(router.request("/generate", LONG), BodyHandlers.ofString());
      assertThat(late.join().statusCode()).isEqualTo(503);
      assertThat(json(late.join()).path("error").asText()).isEqualTo("the server is shutting down");
    }
    assertThat(drained.join()).isTrue();
    assertThat(json(running.join()).path("generated_text").asText())
        .isEqualTo(ScriptedText.expected("tell me", "", 80));
  }

  /** Its stream's head was on its way before, so nothing could tell it to go elsewhere. */
  @Test
  void serves_a_client_again_that_comes_back_when_its_stream_has_ended() throws Exception {
    try (HttpClient keeping = client(Version.HTTP_1_1)) {
      var stream = keeping.send(router.request("/generate_stream", LONG), BodyHandlers.ofLines());
      assertThat(stream.headers().firstValue("connection")).isEmpty();

      var drained = CompletableFuture.supplyAsync(this::drain);
      assertThat(stream.body().toList().toString()).contains("\"generated_text\"");
      var again = ask(keeping);

      assertThat(again.statusCode()).isEqualTo(200);
      assertThat(again.headers().firstValue("connection")).hasValue("close");
      // It has been told now, so nobody is waited for any more.
      assertThat(drained).succeedsWithin(QUIET.dividedBy(2));
    }
  }

  @Test
  void waits_a_while_for_a_connection_that_nobody_uses() throws Exception {
    try (HttpClient keeping = client(Version.HTTP_1_1)) {
      assertThat(ask(keeping).statusCode()).isEqualTo(200);

      boolean impatient = router.process().drain(QUIET, Duration.ofMillis(100));
      boolean patient = router.process().drain(Duration.ofMillis(100), QUIET);

      assertThat(impatient).isFalse();
      assertThat(patient).isTrue();
    }
  }

  @Test
  void gives_up_on_those_who_have_not_ended_within_its_patience() throws Exception {
    var running = router.postLater("/generate_stream", LONG);
    awaitWork();

    boolean drained = router.process().drain(QUIET, Duration.ofMillis(200));

    assertThat(drained).isFalse();
    assertThat(running.join().statusCode()).isEqualTo(200);
  }

  @Test
  void sends_clients_of_http_2_away_without_failing_any_of_their_requests() {
    try (HttpClient modern = client(Version.HTTP_2)) {
      var first = ask(modern);
      var running = modern.sendAsync(router.request("/generate", LONG), BodyHandlers.ofString());
      awaitWork();

      router.process().leave();

      assertThat(first.version()).isEqualTo(Version.HTTP_2);
      assertThat(running.join().statusCode()).isEqualTo(200);
      for (int request = 0; request < 5; request++) {
        assertThat(ask(modern).statusCode()).isEqualTo(200);
      }
    }
  }

  private static HttpClient client(Version version) {
    return HttpClient.newBuilder().version(version).build();
  }

  private HttpResponse<String> ask(HttpClient client) {
    return client.sendAsync(router.request("/generate", SHORT), BodyHandlers.ofString()).join();
  }

  private void awaitWork() {
    int before = shard.calls(DecodeRequest.class).size();
    await().until(() -> shard.calls(DecodeRequest.class).size() > before);
  }

  private boolean drain() {
    try {
      return router.process().drain(QUIET, QUIET.multipliedBy(2));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }
}
