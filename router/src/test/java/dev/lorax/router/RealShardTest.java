package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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
 * The router with a real shard of a tiny model: whatever prompts share and however they are cut,
 * the answers are those of a router that shares and cuts nothing.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@EnabledIfEnvironmentVariable(
    named = "LORAX_TEST_PYTHON",
    matches = ".+",
    disabledReason = "./lorax test names a Python that can run the shard")
class RealShardTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String STORY =
      "the quick brown fox jumps over the lazy dog and runs away from the hungry wolf ".repeat(3);
  private static final List<String> ADAPTERS = List.of("", "attention", "every-module");

  private TinyShard shard;

  /** What is asked for: the story up to some character, its end, and the adapter. */
  private record Question(int told, String end, String adapter) {
    String body(boolean details) {
      var body = JSON.createObjectNode().put("inputs", STORY.substring(0, told) + end);
      var parameters = body.putObject("parameters");
      parameters.put("max_new_tokens", 8).put("details", true);
      parameters.put("decoder_input_details", details);
      if (!adapter.isEmpty()) {
        parameters.put("adapter_id", adapter);
      }
      return body.toString();
    }
  }

  @BeforeAll
  void start(@TempDir Path temporary) throws Exception {
    shard = TinyShard.start(temporary);
  }

  @AfterAll
  void stop() throws Exception {
    shard.close();
  }

  @Test
  void shared_and_chunked_prompts_change_no_answer() throws Exception {
    List<Question> questions = questions();
    List<JsonNode> expected = new ArrayList<>();
    try (var plain = router("--max-batch-prefill-tokens", "500")) {
      for (Question question : questions) {
        expected.add(details(plain.post("/generate", question.body(false))));
      }
      assertThat(plain.metric("lorax_prefix_cache_hit_tokens")).isZero();
    }

    try (var router = router("--prefill-chunk-tokens", "40", "--prefix-caching")) {
      for (int round = 0; round < 2; round++) {
        var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
        for (Question question : questions) {
          answers.add(router.postLater("/generate", question.body(false)));
        }
        for (int i = 0; i < questions.size(); i++) {
          assertSame(details(answers.get(i).get()), expected.get(i));
        }
      }

      assertThat(router.metric("lorax_batch_concat{reason=\"chunking\"}")).isPositive();
      double asked = router.metric("lorax_prefix_cache_query_tokens");
      // The second round finds all but the last block of each prompt, if it was not given up.
      assertThat(router.metric("lorax_prefix_cache_hit_tokens")).isGreaterThan(asked / 3);
      assertThat(router.metric("lorax_kv_blocks_cached")).isPositive();
    }
  }

  @Test
  void a_request_that_asks_about_its_prompt_hears_of_every_token() throws Exception {
    var question = new Question(STORY.length(), "", "attention");
    try (var router = router("--max-batch-prefill-tokens", "40", "--prefix-caching")) {
      router.post("/generate", question.body(false));

      JsonNode prefill = details(router.post("/generate", question.body(true)));

      assertThat(router.metric("lorax_prefix_cache_hit_tokens")).isZero();
      assertThat(prefill.get("prefill").size()).isGreaterThan(40);
      assertThat(prefill.get("prefill").findValues("logprob").subList(1, 41))
          .allMatch(JsonNode::isNumber);
    }
  }

  @Test
  void a_seed_gives_each_of_several_choices_the_same_text_again() throws Exception {
    try (var router = router("--max-best-of", "4", "--prefix-caching")) {
      List<String> four = texts(router, 4, 7);

      assertThat(texts(router, 4, 7)).isEqualTo(four).doesNotHaveDuplicates();
      assertThat(texts(router, 1, 7)).containsExactly(four.getFirst());
      assertThat(texts(router, 4, 8)).doesNotContainAnyElementsOf(four);
    }
  }

  private static List<String> texts(TestingRouter router, int choices, int seed) {
    var body = JSON.createObjectNode().put("model", "").put("prompt", STORY).put("n", choices);
    body.put("seed", seed)
        .put("temperature", 1)
        .put("max_tokens", 20)
        .put("ignore_eos_token", true);
    return TestingRouter.json(router.post("/v1/completions", body.toString()))
        .path("choices")
        .findValuesAsText("text");
  }

  private TestingRouter router(String... options) throws Exception {
    return shard.router(options);
  }

  private static List<Question> questions() {
    var questions = new ArrayList<Question>();
    for (String adapter : ADAPTERS) {
      questions.add(new Question(STORY.length(), "", adapter));
      questions.add(new Question(STORY.length(), "and that was all", adapter));
      questions.add(new Question(STORY.length() / 2, "", adapter));
      questions.add(new Question(STORY.length() / 2, "while many adapters run", adapter));
      questions.add(new Question(7, "", adapter));
    }
    return questions;
  }

  private static JsonNode details(HttpResponse<String> response) {
    JsonNode details = TestingRouter.json(response).get("details");
    assertThat(details).as(response.body()).isNotNull();
    return details;
  }

  private static void assertSame(JsonNode found, JsonNode expected) {
    assertThat(found.get("prompt_tokens")).isEqualTo(expected.get("prompt_tokens"));
    assertThat(found.get("tokens").findValues("id"))
        .isEqualTo(expected.get("tokens").findValues("id"));
    for (int i = 0; i < expected.get("tokens").size(); i++) {
      assertThat(found.get("tokens").get(i).get("logprob").asDouble())
          .isCloseTo(expected.get("tokens").get(i).get("logprob").asDouble(), within(1e-3));
    }
  }
}
