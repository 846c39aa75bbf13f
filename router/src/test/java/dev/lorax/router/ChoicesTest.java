package dev.lorax.router;

import static dev.lorax.router.TestingRouter.events;
import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.protocol.generate.v1.Request;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Several choices of one request, whole and in streams. */
class ChoicesTest {
  private static final String MESSAGES = "[{\"role\":\"user\",\"content\":\"hello\"}]";
  private static final String LONG_PROMPT = "one two three four five ".repeat(12);

  @TempDir private Path directory;
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    var slow = ShardScript.PLAIN.withStep(Duration.ofMillis(2));
    shard = ScriptedShard.single(directory.resolve("shard"), slow);
    router =
        TestingRouter.start(
            directory.resolve("shard-0"),
            "--max-best-of",
            "4",
            "--max-concurrent-requests",
            "6",
            "--prefix-caching");
  }

  @AfterEach
  void stop() throws InterruptedException {
    router.close();
    shard.close();
    assertThat(shard.violations()).isEmpty();
  }

  @Test
  void streams_each_choice_of_a_chat_under_its_index() {
    var response =
        router.post(
            "/v1/chat/completions",
            "{\"model\":\"\",\"n\":3,\"max_tokens\":4,\"stream\":true,\"messages\":%s,\"stream_options\":{\"include_usage\":true}}"
                .formatted(MESSAGES));

    List<String> events = events(response.body());
    assertThat(events).filteredOn("[DONE]"::equals).hasSize(1);
    assertThat(events.getLast()).isEqualTo("[DONE]");
    List<JsonNode> chunks = chunks(events);
    assertThat(chunks.stream().map(c -> c.path("id").asText()).distinct()).hasSize(1);
    String expected = ScriptedText.expected(ScriptedTemplate.rendered(MESSAGES), "", 4);
    for (int index = 0; index < 3; index++) {
      List<JsonNode> choice = choice(chunks, index);
      assertThat(choice.getFirst().path("delta").path("role").asText()).isEqualTo("assistant");
      assertThat(
              choice.stream()
                  .map(c -> c.path("delta").path("content").asText())
                  .collect(Collectors.joining()))
          .isEqualTo(expected);
      assertThat(choice.getLast().path("finish_reason").asText()).isEqualTo("length");
      assertThat(choice.stream().filter(c -> !c.path("finish_reason").isNull())).hasSize(1);
    }
    JsonNode usage = chunks.getLast().path("usage");
    assertThat(chunks.getLast().path("choices")).isEmpty();
    assertThat(usage.path("completion_tokens").asInt()).isEqualTo(12);
    assertThat(chunks).filteredOn(c -> c.path("usage").isObject()).hasSize(1);
    assertThat(router.metric("lorax_request_success")).isEqualTo(1);
  }

  @Test
  void the_choices_of_a_completion_count_their_places_each_for_itself() {
    var response =
        router.post(
            "/v1/completions",
            "{\"model\":\"\",\"n\":2,\"prompt\":\"abc\",\"max_tokens\":3,\"logprobs\":0,\"echo\":true,\"stream\":true}");

    List<JsonNode> chunks = chunks(events(response.body()));
    String expected = ScriptedText.expected("abc", "", 3);
    for (int index = 0; index < 2; index++) {
      List<JsonNode> choice = choice(chunks, index);
      String text = choice.stream().map(c -> c.path("text").asText()).collect(Collectors.joining());
      assertThat(text).isEqualTo("abc" + expected);
      List<Integer> offsets =
          choice.stream()
              .flatMap(c -> c.path("logprobs").path("text_offset").valueStream())
              .map(JsonNode::asInt)
              .toList();
      assertThat(offsets).hasSize(3).isSorted();
      assertThat(offsets.getFirst()).isEqualTo(3);
    }
  }

  @Test
  void choices_come_between_one_another() {
    var response =
        router.post(
            "/v1/completions",
            "{\"model\":\"\",\"n\":2,\"prompt\":\"abc\",\"max_tokens\":60,\"stream\":true}");

    List<Integer> order =
        chunks(events(response.body())).stream()
            .map(c -> c.path("choices").get(0).path("index").asInt())
            .toList();
    assertThat(order.indexOf(1)).isLessThan(order.lastIndexOf(0));
  }

  @Test
  void a_client_that_hangs_up_frees_all() throws Exception {
    try (var lines =
        router
            .open(
                "/v1/completions",
                "{\"model\":\"\",\"n\":4,\"prompt\":\"%s\",\"max_tokens\":120,\"stream\":true}"
                    .formatted(LONG_PROMPT))
            .body()) {
      assertThat(lines.filter(line -> line.contains("\"index\":3")).findFirst()).isPresent();
    }

    await()
        .untilAsserted(() -> {
          assertThat(router.metric("lorax_batch_current_size")).isZero();
          assertThat(router.metric("lorax_kv_blocks_held")).isZero();
          assertThat(router.metric("lorax_request_failure{err=\"dropped\"}")).isEqualTo(1);
        });
    await().until(() -> shard.cachedBatches() == 0);
    // All places are free again.
    assertThat(completion("\"n\":4,\"max_tokens\":2").statusCode()).isEqualTo(200);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void the_failure_of_one_is_that_of_all(boolean stream) {
    var response =
        router.post(
            "/v1/completions",
            "{\"model\":\"\",\"n\":4,\"prompt\":\"odd overflow\",\"max_tokens\":100,\"stream\":%s}"
                .formatted(stream));

    String said = stream ? events(response.body()).getLast() : response.body();
    assertThat(json(said).path("error").path("message").asText()).contains("numbers overflow");
    assertThat(response.body()).doesNotContain("[DONE]");
    await().untilAsserted(() -> assertThat(router.metric("lorax_kv_blocks_held")).isZero());
    await().until(() -> shard.cachedBatches() == 0);
    assertThat(shard.calls(DecodeRequest.class)).hasSizeLessThan(50);
    assertThat(router.metric("lorax_request_failure{err=\"generation\"}")).isEqualTo(1);
  }

  @Test
  void each_choice_takes_a_place() {
    var running =
        router.postLater("/v1/completions", body("\"n\":4,\"max_tokens\":90,\"stream\":true"));
    await().until(() -> !shard.calls(DecodeRequest.class).isEmpty());

    assertThat(completion("\"n\":3,\"max_tokens\":2,\"stream\":true").statusCode()).isEqualTo(429);
    assertThat(completion("\"n\":2,\"max_tokens\":2,\"stream\":true").statusCode()).isEqualTo(200);
    assertThat(running.join().statusCode()).isEqualTo(200);
  }

  @Test
  void refuses_what_cannot_be_streamed() {
    var best = completion("\"best_of\":2,\"stream\":true");
    var many = completion("\"n\":5,\"stream\":true");

    assertThat(best.statusCode()).isEqualTo(422);
    assertThat(best.body()).contains("`best_of` != 1 is not supported when streaming tokens");
    assertThat(many.statusCode()).isEqualTo(422);
    assertThat(many.body()).contains("`best_of` must be > 0 and <= 4. Given: 5");
  }

  @Test
  void the_prompt_of_several_choices_is_computed_once() {
    completion("\"n\":4,\"max_tokens\":2,\"stream\":true");
    assertComputedOnce(4);
  }

  @Test
  void the_prompt_of_the_best_of_several_is_computed_once() {
    router.post(
        "/generate",
        "{\"inputs\":\"%s\",\"parameters\":{\"best_of\":4,\"do_sample\":true,\"max_new_tokens\":2}}"
            .formatted(LONG_PROMPT));
    assertComputedOnce(4);
  }

  @ParameterizedTest
  @CsvSource({
    "/v1/completions, n, false",
    "/v1/completions, n, true",
    "/v1/completions, best_of, false",
    "/v1/chat/completions, n, false",
    "/v1/chat/completions, n, true"
  })
  void each_choice_has_a_seed_of_its_own_that_follows_from_the_given_one(
      String path, String count, boolean stream) {
    List<Long> one = seeds(path, count, 1, -1, stream);
    List<Long> four = seeds(path, count, 4, -1, stream);
    List<Long> again = seeds(path, count, 4, -1, stream);
    List<Long> next = seeds(path, count, 4, 0, stream);

    assertThat(one).containsExactly(-1L);
    assertThat(four).hasSize(4).doesNotHaveDuplicates().startsWith(-1L);
    assertThat(again).isEqualTo(four);
    assertThat(next).doesNotContainAnyElementsOf(four);
  }

  @Test
  void the_seeds_of_choices_stay_as_they_are_from_version_to_version() {
    assertThat(seeds("/v1/completions", "n", 3, 7, false))
        .containsExactly(7L, 7191089600892374487L, 309689372594955804L);
  }

  /** What the shard is told, in the order of the choices. */
  private List<Long> seeds(String path, String count, int choices, long seed, boolean stream) {
    int before = requests().size();
    String prompt = path.contains("chat") ? "\"messages\":" + MESSAGES : "\"prompt\":\"hello\"";
    var response =
        router.post(
            path,
            "{\"model\":\"\",%s,\"%s\":%d,\"seed\":%s,\"max_tokens\":1,\"stream\":%s}"
                .formatted(prompt, count, choices, Long.toUnsignedString(seed), stream));
    assertThat(response.statusCode()).as(response.body()).isEqualTo(200);
    List<Request> asked = requests();
    return asked.subList(before, asked.size()).stream()
        .sorted(Comparator.comparing(Request::getId))
        .map(request -> request.getParameters().getSeed())
        .toList();
  }

  private List<Request> requests() {
    return shard.calls(PrefillRequest.class).stream()
        .flatMap(call -> call.getBatch().getRequestsList().stream())
        .toList();
  }

  private void assertComputedOnce(int samples) {
    List<Request> prompts =
        shard.calls(PrefillRequest.class).stream()
            .flatMap(call -> call.getBatch().getRequestsList().stream())
            .filter(request -> request.getInputs().equals(LONG_PROMPT))
            .toList();
    assertThat(prompts).hasSize(samples);
    int length = prompts.getFirst().getTokenizedInputs().getIdsCount();
    int common = (length - 1) / ShardScript.PLAIN.blockSize() * ShardScript.PLAIN.blockSize();
    assertThat(common).as("tokens worth sharing").isPositive();
    assertThat(prompts).filteredOn(request -> request.getCacheLen() == 0).hasSize(1);
    assertThat(prompts).filteredOn(request -> request.getCacheLen() == common).hasSize(samples - 1);
  }

  private java.net.http.HttpResponse<String> completion(String fields) {
    return router.post("/v1/completions", body(fields));
  }

  private static String body(String fields) {
    return "{\"model\":\"\",\"prompt\":\"%s\",%s}".formatted(LONG_PROMPT, fields);
  }

  private static List<JsonNode> chunks(List<String> events) {
    return events.stream().filter(e -> !e.equals("[DONE]")).map(TestingRouter::json).toList();
  }

  private static List<JsonNode> choice(List<JsonNode> chunks, int index) {
    return chunks.stream()
        .flatMap(chunk -> chunk.path("choices").valueStream())
        .filter(choice -> choice.path("index").asInt() == index)
        .toList();
  }
}
