package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;
import org.junit.jupiter.api.io.TempDir;

/**
 * The router with a real shard that brings several tokens of a request in one step: clients see
 * what they see without, token by token, and every token is counted once.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@EnabledIfEnvironmentVariable(
    named = "LORAX_TEST_PYTHON",
    matches = ".+",
    disabledReason = "./lorax test names a Python that can run the shard")
class SpeculationTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int TOKENS = 60;
  private static final List<String> PROMPTS =
      List.of("the quick brown fox", "a shard serves", "many adapters", "other characters");
  private static final List<String> ADAPTERS = List.of("", "attention", "every-module");

  private final List<JsonNode> expected = new ArrayList<>();
  private TinyShard shard;
  private TestingRouter router;

  @BeforeAll
  void start(@TempDir Path plain, @TempDir Path speculating) throws Exception {
    try (var without = TinyShard.start(plain, "--speculative-tokens=0");
        var itsRouter = without.router()) {
      for (String body : bodies()) {
        expected.add(details(itsRouter.post("/generate", body)));
      }
      assertThat(itsRouter.metric("lorax_request_skipped_tokens_sum")).isZero();
    }
    shard = TinyShard.start(speculating, "--speculative-tokens=4");
    router = shard.router("--prefix-caching");
  }

  @AfterAll
  void stop() throws Exception {
    router.close();
    shard.close();
  }

  @Test
  void answers_are_those_without_it_and_count_every_token_once() throws Exception {
    // given
    double counted = router.metric("lorax_request_skipped_tokens_sum");

    // when
    var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (String body : bodies()) {
      answers.add(router.postLater("/generate", body));
    }

    // then
    int skipped = 0;
    for (int i = 0; i < answers.size(); i++) {
      HttpResponse<String> response = answers.get(i).get();
      JsonNode found = details(response);
      int skippedHere = found.get("skipped_tokens").asInt();
      assertThat(found.get("tokens").findValues("id"))
          .isEqualTo(expected.get(i).get("tokens").findValues("id"));
      assertThat(found.get("tokens").findValues("text"))
          .isEqualTo(expected.get(i).get("tokens").findValues("text"));
      assertThat(found.get("finish_reason")).isEqualTo(expected.get(i).get("finish_reason"));
      assertThat(found.get("generated_tokens").asInt()).isEqualTo(found.get("tokens").size());
      assertThat(skippedTokens(found.get("tokens"))).isEqualTo(skippedHere);
      assertThat(response.headers().firstValueAsLong("x-skipped-tokens")).hasValue(skippedHere);
      skipped += skippedHere;
    }
    assertThat(skipped).isPositive();
    assertThat(router.metric("lorax_request_skipped_tokens_sum") - counted).isEqualTo(skipped);
  }

  @Test
  void a_stream_has_an_event_for_each_token() {
    // when
    String body = router.post("/generate_stream", body(PROMPTS.getFirst(), "")).body();

    // then
    List<JsonNode> events = TestingRouter.events(body).stream().map(TestingRouter::json).toList();
    assertThat(events).hasSize(TOKENS);
    assertThat(events.stream().map(event -> event.get("token").get("id")).toList())
        .isEqualTo(expected.getFirst().get("tokens").findValues("id"));
    assertThat(events.stream().filter(event -> event.get("token").get("skipped").asBoolean()))
        .isNotEmpty();
    assertThat(events.getLast().get("details").get("generated_tokens").asInt()).isEqualTo(TOKENS);
  }

  @Test
  void usage_of_a_stream_has_all_tokens() {
    // given
    var request = JSON.createObjectNode().put("model", "").put("prompt", PROMPTS.getFirst());
    request.put("max_tokens", TOKENS).put("temperature", 0).put("stream", true);
    request.put("ignore_eos_token", true).putObject("stream_options").put("include_usage", true);

    // when
    List<String> events =
        TestingRouter.events(router.post("/v1/completions", request.toString()).body());

    // then
    assertThat(events.getLast()).isEqualTo("[DONE]");
    JsonNode usage = TestingRouter.json(events.get(events.size() - 2)).get("usage");
    assertThat(usage.get("completion_tokens").asInt()).isEqualTo(TOKENS);
    var text = new StringBuilder();
    for (String event : events.subList(0, events.size() - 2)) {
      text.append(TestingRouter.json(event).at("/choices/0/text").asText());
    }
    var plain = new StringBuilder();
    expected.getFirst().get("tokens").forEach(token -> plain.append(token.get("text").asText()));
    assertThat(text.toString()).isEqualTo(plain.toString());
  }

  private static List<String> bodies() {
    var bodies = new ArrayList<String>();
    for (String adapter : ADAPTERS) {
      for (String prompt : PROMPTS) {
        bodies.add(body(prompt, adapter));
      }
    }
    return bodies;
  }

  private static String body(String prompt, String adapter) {
    var body = JSON.createObjectNode().put("inputs", prompt);
    var parameters = body.putObject("parameters");
    parameters.put("max_new_tokens", TOKENS).put("details", true).put("ignore_eos_token", true);
    if (!adapter.isEmpty()) {
      parameters.put("adapter_id", adapter);
    }
    return body.toString();
  }

  private static int skippedTokens(JsonNode tokens) {
    int skipped = 0;
    for (JsonNode token : tokens) {
      skipped += token.get("skipped").asBoolean() ? 1 : 0;
    }
    return skipped;
  }

  private static JsonNode details(HttpResponse<String> response) {
    JsonNode details = TestingRouter.json(response).get("details");
    assertThat(details).as(response.body()).isNotNull();
    return details;
  }
}
