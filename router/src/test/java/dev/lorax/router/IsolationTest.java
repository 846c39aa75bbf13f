package dev.lorax.router;

import static dev.lorax.router.TestingRouter.events;
import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.DownloadAdapterRequest;
import dev.lorax.protocol.generate.v1.LoadAdapterRequest;
import dev.lorax.protocol.generate.v1.OffloadAdapterRequest;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Requests share batches and nothing else: no failure, adapter or client touches another request.
 */
class IsolationTest {
  private static final String LONG =
      "{\"inputs\":\"tell me a story\",\"parameters\":{\"max_new_tokens\":60,\"details\":true}}";
  private static final String LONG_TEXT = ScriptedText.expected("tell me a story", "", 60);

  @TempDir private Path directory;
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    shard =
        ScriptedShard.single(
            directory.resolve("shard"), ShardScript.PLAIN.withStep(Duration.ofMillis(10)));
    router = TestingRouter.start(directory.resolve("shard-0"), "--waiting-served-ratio", "0");
  }

  @AfterEach
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    router.close();
    shard.close();
  }

  @Test
  void joins_a_running_batch() {
    var running = router.postLater("/generate", LONG);
    awaitDecoding();

    var joining =
        router.post("/generate", "{\"inputs\":\"hello\",\"parameters\":{\"max_new_tokens\":4}}");

    assertThat(running).isNotDone();
    assertThat(json(joining).path("generated_text").asText())
        .isEqualTo(ScriptedText.expected("hello", "", 4));
    assertThat(json(running.join()).path("generated_text").asText()).isEqualTo(LONG_TEXT);
    assertThat(shard.calls(DecodeRequest.class))
        .anyMatch(decode ->
            decode.getBatchesList().stream().mapToInt(b -> b.getRequestIdsCount()).sum() == 2);
  }

  @Test
  void mixes_adapters_in_one_batch() {
    List<CompletableFuture<String>> answers =
        IntStream.range(0, 12)
            .mapToObj(i -> List.of("red", "green", "blue").get(i % 3))
            .map(adapter ->
                router
                    .postLater(
                        "/generate",
                        "{\"inputs\":\"hello\",\"parameters\":{\"max_new_tokens\":8,\"adapter_id\":\"%s\"}}"
                            .formatted(adapter))
                    .thenApply(answer -> adapter + json(answer).path("generated_text").asText()))
            .toList();

    for (int i = 0; i < 12; i++) {
      String adapter = List.of("red", "green", "blue").get(i % 3);
      assertThat(answers.get(i).join())
          .isEqualTo(adapter + ScriptedText.expected("hello", adapter, 8));
    }
    assertThat(shard.calls(LoadAdapterRequest.class)).hasSize(3);
  }

  @Test
  void frees_the_blocks_of_a_client_that_has_gone() throws Exception {
    var stream = router.open("/generate_stream", LONG);
    Iterator<String> lines = stream.body().iterator();
    assertThat(lines.next()).startsWith("data: ");
    int stepsBefore = shard.calls(DecodeRequest.class).size();

    stream.body().close();

    await()
        .untilAsserted(() -> assertThat(router.metric("lorax_batch_current_max_tokens")).isZero());
    await().untilAsserted(() -> assertThat(shard.cachedBatches()).isZero());
    assertThat(shard.calls(DecodeRequest.class).size() - stepsBefore).isLessThan(50);
    assertThat(router.metric("lorax_request_failure{err=\"dropped\"}")).isEqualTo(1);
  }

  @Test
  void lets_others_run_on_when_a_client_goes() throws Exception {
    var staying = router.postLater("/generate", LONG);
    awaitDecoding();
    var going = router.open("/generate_stream", LONG.replace("story", "word"));
    assertThat(going.body().iterator().next()).startsWith("data: ");

    going.body().close();

    assertThat(json(staying.join()).path("generated_text").asText()).isEqualTo(LONG_TEXT);
  }

  @Test
  void fails_only_the_request_whose_prefill_fails() {
    var running = router.postLater("/generate", LONG);
    awaitDecoding();

    // Sent while a step runs, so that they are likely to share a Prefill.
    var poisoned = router.postLater("/generate", "{\"inputs\":\"poison\"}");
    var innocent =
        router.postLater("/generate", "{\"inputs\":\"one\",\"parameters\":{\"max_new_tokens\":3}}");

    assertThat(poisoned.join().statusCode()).isEqualTo(424);
    assertThat(json(poisoned.join()).path("error").asText())
        .isEqualTo("Request failed during generation: Server error: the prompt is poisoned");
    assertThat(json(poisoned.join()).path("error_type").asText()).isEqualTo("generation");
    assertThat(json(innocent.join()).path("generated_text").asText())
        .isEqualTo(ScriptedText.expected("one", "", 3));
    assertThat(json(running.join()).path("generated_text").asText()).isEqualTo(LONG_TEXT);
  }

  @Test
  void finds_the_one_bad_request_of_a_prefill() {
    // The first request keeps the shard busy while the others gather for one Prefill.
    var first = router.postLater("/generate", LONG);
    awaitDecoding();
    var mixed =
        IntStream.range(0, 8)
            .mapToObj(i ->
                router.postLater(
                    "/generate",
                    "{\"inputs\":\"%s\",\"parameters\":{\"max_new_tokens\":2}}"
                        .formatted(i == 3 ? "poison" : "word " + i)))
            .toList();

    List<Integer> statuses = mixed.stream().map(answer -> answer.join().statusCode()).toList();

    assertThat(statuses).containsExactly(200, 200, 200, 424, 200, 200, 200, 200);
    assertThat(first.join().statusCode()).isEqualTo(200);
  }

  @Test
  void fails_only_the_request_whose_numbers_go_wrong_while_others_run() {
    var running = router.postLater("/generate", LONG);
    awaitDecoding();

    var overflowing = router.postLater("/generate", "{\"inputs\":\"overflow\"}");

    assertThat(overflowing.join().statusCode()).isEqualTo(424);
    assertThat(json(overflowing.join()).path("error").asText())
        .isEqualTo("Request failed during generation: Server error: numbers overflow");
    assertThat(json(running.join()).path("generated_text").asText()).isEqualTo(LONG_TEXT);
  }

  @Test
  void fails_only_the_requests_of_an_unknown_adapter() {
    var running = router.postLater("/generate", LONG);
    awaitDecoding();

    var unknown =
        router.post("/generate", "{\"inputs\":\"a\",\"parameters\":{\"adapter_id\":\"pink\"}}");
    var stream =
        router.post(
            "/generate_stream", "{\"inputs\":\"a\",\"parameters\":{\"adapter_id\":\"pink\"}}");

    assertThat(unknown.statusCode()).isEqualTo(424);
    assertThat(json(unknown).path("error").asText())
        .isEqualTo(
            "Request failed during generation: adapter `pink` could not be downloaded: adapter"
                + " `pink` not found");
    assertThat(json(events(stream.body()).getFirst()).path("error_type").asText())
        .isEqualTo("generation");
    assertThat(json(running.join()).path("generated_text").asText()).isEqualTo(LONG_TEXT);
    assertThat(router.metric("lorax_request_failure{err=\"download_adapter\"}")).isEqualTo(2);
  }

  @Test
  void keeps_adapters_of_different_sources_and_tokens_apart() {
    for (String choice :
        List.of(
            "\"adapter_source\":\"hub\"",
            "\"adapter_source\":\"hub\"",
            "\"adapter_source\":\"hub\",\"api_token\":\"secret\"",
            "\"adapter_source\":\"local\",\"api_token\":\"secret\"",
            "\"adapter_source\":\"local\"",
            "\"adapter_source\":\"s3\",\"api_token\":\"secret\"",
            "\"adapter_source\":\"s3\"")) {
      router.post(
          "/generate",
          "{\"inputs\":\"a\",\"parameters\":{\"max_new_tokens\":1,\"adapter_id\":\"red\",%s}}"
              .formatted(choice));
    }

    assertThat(shard.calls(DownloadAdapterRequest.class)).hasSize(4);
    assertThat(shard.calls(PrefillRequest.class))
        .extracting(p -> p.getBatch().getRequests(0).getAdapterIndex())
        .containsExactly(1, 1, 2, 3, 3, 4, 4);
  }

  @Test
  void merges_adapters_as_asked() {
    var response =
        router.post(
            "/generate",
            """
            {"inputs":"a","parameters":{"max_new_tokens":1,"merged_adapters":
             {"ids":["red","blue"],"weights":[0.25,0.75],"merge_strategy":"ties","density":0.5}}}
            """);

    assertThat(response.statusCode()).isEqualTo(200);
    var parameters = shard.calls(LoadAdapterRequest.class).getFirst().getAdapterParameters();
    assertThat(parameters.getAdapterIdsList()).containsExactly("red", "blue");
    assertThat(parameters.getWeightsList()).containsExactly(0.25f, 0.75f);
    assertThat(parameters.getMergeStrategy().name()).isEqualTo("TIES");
    assertThat(parameters.getDensity()).isEqualTo(0.5f);
    assertThat(response.headers().firstValue("x-adapter-id")).contains("red,blue");
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void makes_room_for_more_adapters_than_fit(boolean loadsReplace) throws Exception {
    stop();
    var script = ShardScript.PLAIN.withLoad(Duration.ofMillis(5));
    shard =
        ScriptedShard.single(
            directory.resolve("small"), loadsReplace ? script : script.withoutCapabilities());
    router =
        TestingRouter.start(
            directory.resolve("small-0"),
            "--max-active-adapters",
            "2",
            "--adapter-cycle-time-s",
            "0");

    var answers =
        IntStream.range(0, 30)
            .mapToObj(i -> List.of("red", "green", "blue").get(i % 3))
            .map(adapter ->
                router.postLater(
                    "/generate",
                    "{\"inputs\":\"hello\",\"parameters\":{\"max_new_tokens\":5,\"adapter_id\":\"%s\"}}"
                        .formatted(adapter)))
            .toList();

    assertThat(answers).allMatch(answer -> answer.join().statusCode() == 200);
    int loads = shard.calls(LoadAdapterRequest.class).size();
    int offloads = shard.calls(OffloadAdapterRequest.class).size();
    assertThat(loads).isGreaterThan(2);
    // What is in the two places at the end has not left, and no place is emptied twice. A shard
    // that keeps what it has is asked to empty the place before each load, too.
    assertThat(offloads).isEqualTo(loadsReplace ? loads - 2 : loads - 2 + loads);
  }

  private void awaitDecoding() {
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).isNotEmpty());
  }
}
