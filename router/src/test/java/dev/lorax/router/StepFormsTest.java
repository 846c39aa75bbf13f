package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.protocol.generate.v1.DecodeRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Whether steps are a stream of columns or, as upstream's, calls with rows: clients get the same.
 */
class StepFormsTest {
  private static final List<String> PARAMETERS =
      List.of(
          "\"max_new_tokens\":1",
          "\"max_new_tokens\":9",
          "\"max_new_tokens\":5,\"adapter_id\":\"red\"",
          "\"max_new_tokens\":7,\"return_k_alternatives\":2",
          "\"max_new_tokens\":4,\"do_sample\":true,\"seed\":18446744073709551615",
          "\"max_new_tokens\":30,\"stop\":[\" w4\",\" w20\"]");
  private static final List<String> INPUTS = List.of("hello", "a text that goes to eos3");

  @TempDir private Path directory;

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void clients_get_the_same_from_columns_and_from_rows(int shards) throws Exception {
    List<String> columns = answers("columns", shards, ShardScript.PLAIN, Set.of("Steps"));
    List<String> asked = answers("asked", shards, ShardScript.PLAIN.withoutRuns(), Set.of("Steps"));
    List<String> rows =
        answers(
            "rows", shards, ShardScript.PLAIN.withoutCapabilities(), Set.of("Prefill", "Decode"));

    assertThat(columns).isEqualTo(rows).isEqualTo(asked);
    assertThat(columns).allMatch(answer -> answer.startsWith("200 "));
  }

  @Test
  void a_shard_is_not_asked_again_while_nobody_comes() throws Exception {
    Path sockets = Files.createDirectory(directory.resolve("unasked"));
    try (var shard = ScriptedShard.single(sockets.resolve("shard"), slow(ShardScript.PLAIN));
        var router = TestingRouter.start(sockets.resolve("shard-0"))) {
      var alone = router.post("/generate", body("hello", "\"max_new_tokens\":60"));
      assertThat(alone.statusCode()).isEqualTo(200);
      assertThat(shard.calls(DecodeRequest.class)).hasSize(59);
      // For a Prefill, beside which no other batch of this shard makes a step, and for a Decode.
      assertThat(shard.template().askedSteps()).isEqualTo(2);

      // One that comes has the run of the other ended.
      var first = router.open("/generate_stream", body("hello", "\"max_new_tokens\":150"));
      await().until(() -> shard.calls(DecodeRequest.class).size() > 65);
      var second = router.post("/generate", body("hello", "\"max_new_tokens\":3"));
      assertThat(second.statusCode()).isEqualTo(200);
      assertThat(shard.template().askedSteps()).isBetween(6, 9);

      // One whose client has gone is computed no longer.
      first.body().close();
      await().untilAsserted(() -> assertThat(shard.cachedBatches()).isZero());
      assertThat(shard.calls(DecodeRequest.class)).hasSizeLessThan(200);
      assertThat(shard.violations()).isEmpty();
    }
  }

  @Test
  void a_step_that_fails_for_one_request_fails_that_one_alone() throws Exception {
    Path sockets = Files.createDirectory(directory.resolve("failing"));
    try (var shard = ScriptedShard.single(sockets.resolve("shard"), slow(ShardScript.PLAIN));
        var router = TestingRouter.start(sockets.resolve("shard-0"))) {
      var well = router.postLater("/generate", body("hello", "\"max_new_tokens\":60"));
      var ill = router.postLater("/generate", body("overflow", "\"max_new_tokens\":60"));

      assertThat(ill.join().statusCode()).isEqualTo(424);
      assertThat(ill.join().body()).contains("numbers overflow");
      assertThat(well.join().statusCode()).isEqualTo(200);
      assertThat(shard.methods()).contains("Steps").doesNotContain("Prefill", "Decode");
      assertThat(shard.violations()).isEmpty();
    }
  }

  /** What clients that ask all at once get, whole and in streams. */
  private List<String> answers(String name, int count, ShardScript script, Set<String> methods)
      throws Exception {
    Path sockets = Files.createDirectory(directory.resolve(name));
    List<ScriptedShard> shards = ScriptedShard.group(sockets.resolve("shard"), count, slow(script));
    try (var router = TestingRouter.start(sockets.resolve("shard-0"), "--prefix-caching")) {
      var asked = new ArrayList<CompletableFuture<HttpResponse<String>>>();
      for (String inputs : INPUTS) {
        for (String parameters : PARAMETERS) {
          asked.add(router.postLater("/generate_stream", body(inputs, parameters)));
          asked.add(
              router.postLater(
                  "/generate", body(inputs, "\"decoder_input_details\":true," + parameters)));
        }
      }
      List<String> answers =
          asked.stream()
              .map(CompletableFuture::join)
              .map(answer -> answer.statusCode() + " " + answer.body())
              .toList();
      for (ScriptedShard shard : shards) {
        assertThat(shard.methods()).containsAll(methods);
        assertThat(shard.methods().contains("Steps")).isEqualTo(methods.contains("Steps"));
        assertThat(shard.methods().contains("Decode")).isEqualTo(methods.contains("Decode"));
        assertThat(shard.violations()).isEmpty();
      }
      return answers;
    } finally {
      shards.forEach(ScriptedShard::close);
    }
  }

  /** Slow enough for requests to meet in a step. */
  private static ShardScript slow(ShardScript script) {
    return script.withStep(Duration.ofMillis(2));
  }

  private static String body(String inputs, String parameters) {
    return "{\"inputs\":\"%s\",\"parameters\":{\"details\":true,%s}}".formatted(inputs, parameters);
  }
}
