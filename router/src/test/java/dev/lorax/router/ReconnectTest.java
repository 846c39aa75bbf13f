package dev.lorax.router;

import static dev.lorax.router.TestingRouter.events;
import static dev.lorax.router.TestingRouter.json;
import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.protocol.extensions.v1.ResumeRequest;
import dev.lorax.protocol.generate.v1.ClearCacheRequest;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.InfoRequest;
import dev.lorax.protocol.generate.v1.LoadAdapterRequest;
import dev.lorax.protocol.generate.v1.ServiceDiscoveryRequest;
import dev.lorax.protocol.generate.v1.WarmupRequest;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Shards die and come back as a new epoch behind the same symbolic link; the router stays. */
class ReconnectTest {
  private static final String LONG =
      "{\"inputs\":\"tell me\",\"parameters\":{\"max_new_tokens\":150,\"adapter_id\":\"red\"}}";
  private static final String SHORT =
      "{\"inputs\":\"hello\",\"parameters\":{\"max_new_tokens\":2,\"adapter_id\":\"red\"}}";

  private static final ShardScript SLOW = ShardScript.PLAIN.withStep(Duration.ofMillis(10));
  private static final String MESSAGES = "[{\"role\":\"user\",\"content\":\"hello\"}]";
  private static final String CHAT =
      "{\"model\":\"\",\"max_tokens\":2,\"messages\":%s}".formatted(MESSAGES);

  @TempDir private Path directory;
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    shard = startEpoch(1);
    router = TestingRouter.start(directory.resolve("current").resolve("shard-0"));
  }

  @AfterEach
  void stop() throws Exception {
    router.close();
    shard.close();
  }

  @Test
  void greets_the_shards_in_upstreams_order() {
    assertThat(shard.calls().subList(0, 4))
        .extracting(Object::getClass)
        .containsExactly(
            ServiceDiscoveryRequest.class,
            ClearCacheRequest.class,
            InfoRequest.class,
            WarmupRequest.class);
    WarmupRequest warmup = shard.calls(WarmupRequest.class).getFirst();
    assertThat(warmup.getBatch().getRequestsList()).extracting(r -> r.getId()).containsOnly(0L);
    assertThat(warmup.getBatch().getRequestsList().stream().mapToInt(r -> r.getTruncate()).sum())
        .isEqualTo(400);
  }

  @Test
  void goes_on_with_the_next_epoch_as_if_nothing_had_happened() throws Exception {
    // given
    var answer = router.postLater("/generate", LONG);
    var stream = router.postLater("/generate_stream", LONG);
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).hasSizeGreaterThan(3));

    // when
    shard.close();
    await().untilAsserted(() -> assertThat(router.get("/health").statusCode()).isEqualTo(503));
    var inBetween = router.postLater("/generate", SHORT);
    shard = startEpoch(2);

    // then
    String text = ScriptedText.expected("tell me", "red", 150);
    assertThat(answer.join().statusCode()).isEqualTo(200);
    assertThat(json(answer.join()).path("generated_text").asText()).isEqualTo(text);
    List<String> events = events(stream.join().body());
    assertThat(events).hasSize(150);
    assertThat(json(events.getLast()).path("generated_text").asText()).isEqualTo(text);
    assertThat(events.stream().map(e -> json(e).at("/token/text").asText()).collect(joining()))
        .isEqualTo(text);
    assertThat(inBetween.join().statusCode()).isEqualTo(200);
    ResumeRequest resumed = shard.calls(ResumeRequest.class).getFirst();
    assertThat(resumed.getGeneratedList()).hasSize(2);
    assertThat(router.metric("lorax_request_resumed")).isEqualTo(2);
    assertThat(router.metric("lorax_request_success")).isEqualTo(3);
    assertThat(shard.calls(LoadAdapterRequest.class)).hasSize(1);
    assertThat(shard.violations()).isEmpty();
  }

  @Test
  void goes_on_after_two_deaths_and_gives_up_after_the_third() throws Exception {
    // given shards that die in a step: in between it may be nobody's fault
    shard.hangAfter(4);
    var answer = router.postLater("/generate", LONG);

    // when
    for (int epoch = 1; epoch <= 3; epoch++) {
      await().until(() -> shard.unansweredSteps() == 1);
      shard.close();
      shard = startEpoch(epoch + 1);
      shard.hangAfter(4);
    }

    // then
    assertThat(answer.join().statusCode()).isEqualTo(424);
    assertThat(json(answer.join()).path("error").asText())
        .startsWith("Request failed during generation: Connection to the shards lost: shard 0")
        .endsWith("not tried again: 3 times shards were lost in a step with it");
    assertThat(router.metric("lorax_request_resumed")).isEqualTo(2);
  }

  @Test
  void a_client_that_left_meanwhile_is_not_resumed() throws Exception {
    // given
    var stream = router.open("/generate_stream", LONG);
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).hasSizeGreaterThan(3));
    shard.close();
    await().untilAsserted(() -> assertThat(router.metric("lorax_queue_length")).isEqualTo(1));

    // when
    stream.body().close();
    await().untilAsserted(() -> assertThat(router.metric("lorax_queue_length")).isZero());
    shard = startEpoch(2);

    // then
    assertThat(router.post("/generate", SHORT).statusCode()).isEqualTo(200);
    assertThat(shard.calls(ResumeRequest.class)).isEmpty();
  }

  @Test
  void a_router_that_is_told_to_stop_does_not_wait_for_shards() throws Exception {
    // given
    var answer = router.postLater("/generate", LONG);
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).hasSizeGreaterThan(3));
    shard.close();
    await().untilAsserted(() -> assertThat(router.metric("lorax_queue_length")).isEqualTo(1));

    // when
    boolean drained = router.process().drain(Duration.ZERO, Duration.ofMinutes(2));

    // then
    assertThat(drained).isTrue();
    assertThat(answer.join().statusCode()).isEqualTo(503);
    assertThat(json(answer.join()).path("error").asText()).contains("shutting down");
  }

  @Test
  void shards_that_are_lost_while_it_drains_are_not_waited_for_either() throws Exception {
    // given
    var answer = router.postLater("/generate", LONG);
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).hasSizeGreaterThan(3));
    var drained =
        CompletableFuture.supplyAsync(() -> {
          try {
            return router.process().drain(Duration.ZERO, Duration.ofMinutes(2));
          } catch (InterruptedException e) {
            throw new AssertionError(e);
          }
        });
    await().untilAsserted(() -> assertThat(router.get("/health").statusCode()).isEqualTo(503));
    int steps = shard.calls(DecodeRequest.class).size();
    await()
        .untilAsserted(
            () -> assertThat(shard.calls(DecodeRequest.class)).hasSizeGreaterThan(steps + 2));

    // when
    shard.close();

    // then
    assertThat(answer.join().statusCode()).isEqualTo(424);
    assertThat(json(answer.join()).path("error").asText())
        .startsWith("Request failed during generation: Connection to the shards lost: shard 0");
    assertThat(drained.join()).isTrue();
  }

  @Test
  void shards_that_cannot_resume_fail_what_runs_and_the_next_epoch_serves_again() throws Exception {
    router.close();
    shard.close();
    shard = startEpoch(2, SLOW.withoutCapabilities());
    router = TestingRouter.start(directory.resolve("current").resolve("shard-0"));
    var running = router.postLater("/generate", LONG);
    var stream = router.postLater("/generate_stream", LONG);
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).hasSizeGreaterThan(3));

    shard.close();

    assertThat(running.join().statusCode()).isEqualTo(424);
    assertThat(json(running.join()).path("error").asText())
        .startsWith("Request failed during generation: Connection to the shards lost: shard 0");
    assertThat(json(events(stream.join().body()).getLast()).path("error_type").asText())
        .isEqualTo("generation");
    await().untilAsserted(() -> assertThat(router.get("/health").statusCode()).isEqualTo(503));
    assertThat(json(router.get("/health")).path("error").asText()).isEqualTo("unhealthy");

    var waiting = router.postLater("/generate", SHORT);
    shard = startEpoch(3, SLOW.withoutCapabilities());

    assertThat(waiting.join().statusCode()).isEqualTo(200);
    assertThat(json(waiting.join()).path("generated_text").asText())
        .isEqualTo(ScriptedText.expected("hello", "red", 2));
    assertThat(router.get("/health").statusCode()).isEqualTo(200);
    assertThat(shard.calls(LoadAdapterRequest.class)).hasSize(1);
    assertThat(shard.violations()).isEmpty();
  }

  @Test
  void a_chat_that_meets_the_end_of_an_epoch_is_answered_by_the_next() throws Exception {
    // given
    shard.template().fallSilent();
    var onItsWay = router.postLater("/v1/chat/completions", CHAT);
    await().until(() -> shard.template().unanswered() == 1);

    // when
    shard.close();
    await().untilAsserted(() -> assertThat(router.get("/health").statusCode()).isEqualTo(503));
    var inBetween = router.postLater("/v1/chat/completions", CHAT);

    // then
    assertThat(onItsWay).isNotDone();
    shard = startEpoch(2);
    for (var chat : List.of(onItsWay, inBetween)) {
      assertThat(chat.join().statusCode()).as(chat.join().body()).isEqualTo(200);
      assertThat(json(chat.join()).at("/choices/0/message/content").asText())
          .isEqualTo(ScriptedText.expected(ScriptedTemplate.rendered(MESSAGES), "", 2));
    }
    assertThat(shard.violations()).isEmpty();
  }

  @Test
  void texts_that_meet_the_end_of_an_epoch_are_embedded_by_the_next() throws Exception {
    // given one call under way and one text behind it
    shard.close();
    await().untilAsserted(() -> assertThat(router.get("/health").statusCode()).isEqualTo(503));
    shard = startEpoch(2, Duration.ofSeconds(20));
    await().untilAsserted(() -> assertThat(router.get("/health").statusCode()).isEqualTo(200));
    String text = "{\"inputs\":\"hello\",\"parameters\":{\"adapter_id\":\"red\"}}";
    var underWay = router.postLater("/embed", "{\"inputs\":\"hello\"}");
    await().until(() -> router.metric("vllm:num_requests_running") == 1);
    var behind = router.postLater("/embed", text);

    // when
    shard.close();
    shard = startEpoch(3, Duration.ofMillis(10));

    // then
    assertThat(underWay.join().statusCode()).as(underWay.join().body()).isEqualTo(200);
    assertThat(behind.join().statusCode()).as(behind.join().body()).isEqualTo(200);
    // Whichever of the two loops sees the new shards first: an order to load the adapter that came
    // before the shards it is meant for was forgotten with an index, and made again 10 s later.
    assertThat(json(behind.join()).at("/embeddings/1").asInt()).isEqualTo(1);
    assertThat(shard.calls(LoadAdapterRequest.class))
        .singleElement()
        .extracting(LoadAdapterRequest::getAdapterIndex)
        .isEqualTo(1);
    assertThat(shard.violations()).isEmpty();
  }

  @Test
  void notices_the_death_of_an_idle_shard() {
    assertThat(router.get("/health").statusCode()).isEqualTo(200);

    shard.close();

    await().untilAsserted(() -> assertThat(router.get("/health").statusCode()).isEqualTo(503));
    assertThat(json(router.get("/info")).path("model_dtype").isNull()).isTrue();
  }

  @Test
  void fails_requests_that_wait_longer_than_they_may() throws Exception {
    router.close();
    router =
        TestingRouter.start(
            directory.resolve("current").resolve("shard-0"), "--max-queue-wait-s", "1");
    shard.close();
    await().untilAsserted(() -> assertThat(router.get("/health").statusCode()).isEqualTo(503));

    var response = router.post("/generate", SHORT);

    assertThat(response.statusCode()).isEqualTo(424);
    assertThat(json(response).path("error").asText())
        .isEqualTo(
            "Request failed during generation: request waited too long in the queue: the shards"
                + " are not connected");
  }

  @Test
  void fails_interrupted_requests_that_wait_longer_than_they_may() throws Exception {
    router.close();
    router =
        TestingRouter.start(
            directory.resolve("current").resolve("shard-0"), "--max-queue-wait-s", "1");
    var answer = router.postLater("/generate", LONG);
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).hasSizeGreaterThan(3));

    shard.close();

    assertThat(answer.join().statusCode()).isEqualTo(424);
    assertThat(json(answer.join()).path("error").asText())
        .endsWith("request waited too long in the queue: the shards are not connected");
  }

  private ScriptedShard startEpoch(int epoch) throws Exception {
    return startEpoch(epoch, SLOW);
  }

  private ScriptedShard startEpoch(int epoch, Duration step) throws Exception {
    return startEpoch(epoch, ShardScript.PLAIN.withStep(step));
  }

  private ScriptedShard startEpoch(int epoch, ShardScript script) throws Exception {
    Path epochDirectory = Files.createDirectory(directory.resolve("epoch-" + epoch));
    ScriptedShard started = ScriptedShard.single(epochDirectory.resolve("shard"), script);
    Path next = Files.createSymbolicLink(directory.resolve("next"), epochDirectory.getFileName());
    Files.move(
        next,
        directory.resolve("current"),
        StandardCopyOption.ATOMIC_MOVE,
        StandardCopyOption.REPLACE_EXISTING);
    return started;
  }
}
