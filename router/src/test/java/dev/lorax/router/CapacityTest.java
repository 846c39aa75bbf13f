package dev.lorax.router;

import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.lorax.protocol.generate.v1.DecodeRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Limits of a whole server: places, blocks, several shards. */
class CapacityTest {
  private static final String LONG =
      "{\"inputs\":\"tell me\",\"parameters\":{\"max_new_tokens\":80}}";

  @TempDir private Path directory;

  @Test
  void refuses_requests_beyond_its_places() throws Exception {
    ShardScript slow = ShardScript.PLAIN.withStep(Duration.ofMillis(10));
    try (var shard = ScriptedShard.single(directory.resolve("shard"), slow);
        var router =
            TestingRouter.start(directory.resolve("shard-0"), "--max-concurrent-requests", "1")) {
      var running = router.postLater("/generate", LONG);
      await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).isNotEmpty());

      var refused = router.post("/generate", LONG);
      var refusedChat = router.post("/v1/chat/completions", "{\"model\":\"\",\"messages\":[]}");

      assertThat(refused.statusCode()).isEqualTo(429);
      assertThat(refused.headers().firstValue("retry-after")).isPresent();
      assertThat(json(refused).path("error").asText()).isEqualTo("Model is overloaded");
      assertThat(json(refused).path("error_type").asText()).isEqualTo("overloaded");
      assertThat(refusedChat.statusCode()).isEqualTo(429);
      assertThat(json(refusedChat).path("error").path("type").asText())
          .isEqualTo("rate_limit_error");
      assertThat(running.join().statusCode()).isEqualTo(200);
      await()
          .untilAsserted(
              () -> assertThat(router.post("/generate", LONG).statusCode()).isEqualTo(200));
    }
  }

  @Test
  void serves_more_requests_than_the_cache_holds_at_once() throws Exception {
    ShardScript small = ShardScript.PLAIN.withSupportedTokens(320);
    try (var shard = ScriptedShard.single(directory.resolve("shard"), small);
        var router = TestingRouter.start(directory.resolve("shard-0"))) {
      List<CompletableFuture<Integer>> answers =
          IntStream.range(0, 40)
              .mapToObj(_ -> router.postLater("/generate", LONG))
              .map(answer -> answer.thenApply(a -> a.statusCode()))
              .toList();

      assertThat(answers).allMatch(answer -> answer.join() == 200);
      assertThat(shard.violations()).isEmpty();
      // The last answer leaves before the loop tells that nothing runs any more.
      await()
          .untilAsserted(
              () -> assertThat(router.metric("lorax_batch_current_max_tokens")).isZero());
    }
  }

  @Test
  void takes_back_every_block_when_clients_come_and_go() throws Exception {
    ShardScript slow = ShardScript.PLAIN.withStep(Duration.ofMillis(2)).withSupportedTokens(1024);
    try (var shard = ScriptedShard.single(directory.resolve("shard"), slow);
        var router = TestingRouter.start(directory.resolve("shard-0"))) {
      var staying = new ArrayList<CompletableFuture<HttpResponse<String>>>();
      for (int i = 0; i < 60; i++) {
        String body =
            LONG.replace("}}", ",\"adapter_id\":\"" + (i % 2 == 0 ? "red" : "blue") + "\"}}");
        if (i % 3 == 0) {
          staying.add(router.postLater("/generate_stream", body));
        } else {
          var going = router.open("/generate_stream", body);
          assertThat(going.body().iterator().next()).startsWith("data: ");
          going.body().close();
        }
      }

      for (var answer : staying) {
        assertThat(answer.join().body()).contains("\"generated_text\":\" w");
      }
      await()
          .untilAsserted(
              () -> assertThat(router.metric("lorax_batch_current_max_tokens")).isZero());
      await().untilAsserted(() -> assertThat(shard.cachedBatches()).isZero());
      assertThat(router.metric("lorax_request_failure{err=\"dropped\"}")).isEqualTo(40);
      assertThat(shard.violations()).isEmpty();
    }
  }

  @Test
  void says_when_a_prompt_needs_chunks_that_the_shards_do_not_know() throws Exception {
    var options = new ArrayList<>(List.of("--tokenizer-name", "src/test/resources/model"));
    options.addAll(List.of("--max-input-length", "100", "--max-total-tokens", "200"));
    options.addAll(List.of("--max-batch-prefill-tokens", "99"));
    try (var _ = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN)) {
      assertThatThrownBy(() -> TestingRouter.startWith(directory.resolve("shard-0"), options))
          .hasMessageContaining(
              "--max-batch-prefill-tokens: expected at least --max-input-length 100, got 99")
          .hasMessageContaining("chunked_prefill");
    }
  }

  @Test
  void says_when_the_longest_request_can_never_fit() throws Exception {
    ShardScript tiny = ShardScript.PLAIN.withSupportedTokens(160);
    try (var _ = ScriptedShard.single(directory.resolve("shard"), tiny)) {
      assertThatThrownBy(() -> TestingRouter.start(directory.resolve("shard-0")))
          .hasMessageContaining("a request of `max_total_tokens` 200 does not fit")
          .hasMessageContaining("it holds 144 tokens");
    }
  }

  @Test
  void puts_the_answers_of_several_shards_together() throws Exception {
    List<ScriptedShard> shards =
        ScriptedShard.group(directory.resolve("shard"), 2, ShardScript.PLAIN);
    try (var router = TestingRouter.start(directory.resolve("shard-0"))) {
      List<String> prompts = Stream.of("one", "two", "three", "four", "five", "six").toList();
      var answers =
          prompts.stream()
              .map(p ->
                  router.postLater(
                      "/generate",
                      "{\"inputs\":\"%s\",\"parameters\":{\"max_new_tokens\":9,\"adapter_id\":\"red\"}}"
                          .formatted(p)))
              .toList();

      for (int i = 0; i < prompts.size(); i++) {
        assertThat(json(answers.get(i).join()).path("generated_text").asText())
            .isEqualTo(ScriptedText.expected(prompts.get(i), "red", 9));
      }
      for (ScriptedShard shard : shards) {
        assertThat(shard.violations()).isEmpty();
      }
      assertThat(json(router.get("/info")).path("model_dtype").asText()).isEqualTo("torch.float32");
    } finally {
      shards.forEach(ScriptedShard::close);
    }
  }
}
