package dev.lorax.router;

import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.DownloadAdapterRequest;
import dev.lorax.protocol.generate.v1.LoadAdapterRequest;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.protocol.generate.v1.Request;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who goes first, who is told to come again later, and how adapters come and go meanwhile. */
class SchedulingTest {
  /** Room for two of the requests below. */
  private static final ShardScript NARROW =
      ShardScript.PLAIN.withSupportedTokens(250).withStep(Duration.ofMillis(2));

  @TempDir private Path directory;

  @SuppressWarnings("NullAway.Init")
  private ScriptedShard shard;

  @SuppressWarnings("NullAway.Init")
  private TestingRouter router;

  @AfterEach
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    router.close();
    shard.close();
  }

  @Test
  void serves_a_quiet_adapter_among_many_requests_for_a_busy_one() throws Exception {
    start(NARROW);
    var busy = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 30; i++) {
      busy.add(router.postLater("/generate", generation("red", 40)));
    }
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).isNotEmpty());

    var quiet = router.post("/generate", generation("blue", 40));

    assertThat(quiet.statusCode()).isEqualTo(200);
    assertThat(busy).allMatch(answer -> answer.join().statusCode() == 200);
    List<String> order = prefilled();
    // What had joined before it came, and two or three that the batch had room for meanwhile.
    assertThat(order.indexOf("blue")).isBetween(1, 12);
  }

  @Test
  void serves_in_the_order_of_arrival_if_asked_to() throws Exception {
    start(NARROW, "--queue-order", "arrival");
    var busy = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 12; i++) {
      busy.add(router.postLater("/generate", generation("red", 10)));
    }
    await().until(() -> router.metric("lorax_request_count") == 12);
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).isNotEmpty());

    router.post("/generate", generation("blue", 10));

    assertThat(busy).allMatch(answer -> answer.join().statusCode() == 200);
    assertThat(prefilled().getLast()).isEqualTo("blue");
  }

  @Test
  void an_adapter_is_on_its_way_and_in_its_place_before_the_step_ends() throws Exception {
    start(ShardScript.PLAIN.withStep(Duration.ofMillis(1500)));
    var stream = router.postLater("/generate", generation("", 3));
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).hasSize(1));

    var cold = router.postLater("/generate", generation("red", 1));

    await().untilAsserted(() -> assertThat(shard.calls(LoadAdapterRequest.class)).hasSize(1));
    assertThat(shard.calls(DecodeRequest.class)).hasSize(1);
    assertThat(List.of(stream.join(), cold.join())).allMatch(answer -> answer.statusCode() == 200);
  }

  @Test
  void tells_to_come_again_later_when_too_many_tokens_wait() throws Exception {
    start(NARROW.withStep(Duration.ofMillis(20)), "--max-queue-tokens", "300");
    var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    answers.add(router.postLater("/generate", generation("", 80)));
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).isNotEmpty());
    for (int i = 0; i < 19; i++) {
      answers.add(router.postLater("/generate", generation("", 80)));
    }

    List<HttpResponse<String>> refused =
        answers.stream().map(CompletableFuture::join).filter(a -> a.statusCode() != 200).toList();

    // Two run and three fit into the queue, give or take one that came while another joined.
    assertThat(refused).hasSizeBetween(12, 16).allMatch(a -> a.statusCode() == 429);
    assertThat(json(refused.getFirst()).path("error_type").asText()).isEqualTo("overloaded");
    String seconds = refused.getFirst().headers().firstValue("retry-after").orElseThrow();
    assertThat(Integer.parseInt(seconds)).isBetween(1, 60);
  }

  @Test
  void tells_to_come_again_later_when_the_wait_would_be_too_long() throws Exception {
    start(NARROW.withStep(Duration.ofMillis(20)), "--max-queue-wait-s", "4");
    var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 12; i++) {
      answers.add(router.postLater("/generate", generation("", 80)));
    }
    // About a second for two of them: the last ones cannot be served in time.
    await()
        .atMost(Duration.ofSeconds(15))
        .pollInterval(Duration.ofMillis(100))
        .until(() -> {
          answers.add(router.postLater("/generate", generation("", 80)));
          return answers.stream().anyMatch(a -> a.isDone() && a.join().statusCode() == 429);
        });

    List<Integer> statuses = answers.stream().map(a -> a.join().statusCode()).toList();
    assertThat(statuses).contains(200, 429);
  }

  @Test
  void ends_a_request_that_takes_too_long() throws Exception {
    start(ShardScript.PLAIN.withStep(Duration.ofMillis(30)), "--max-request-s", "1");

    var answer = router.post("/generate", generation("", 90));

    assertThat(answer.statusCode()).isEqualTo(424);
    assertThat(json(answer).path("error").asText())
        .isEqualTo(
            "Request failed during generation: the request took longer than the server allows");
    await()
        .untilAsserted(() -> assertThat(router.metric("lorax_batch_current_max_tokens")).isZero());
  }

  @Test
  void downloads_adapters_side_by_side_while_others_run() throws Exception {
    start(ShardScript.PLAIN.withDownload(Duration.ofMillis(400)));
    long start = System.nanoTime();

    var answers =
        List.of("red", "green", "blue").stream()
            .map(adapter -> router.postLater("/generate", generation(adapter, 2)))
            .toList();
    var base = router.post("/generate", generation("", 2));
    long baseNanos = System.nanoTime() - start;
    answers.forEach(CompletableFuture::join);

    assertThat(base.statusCode()).isEqualTo(200);
    assertThat(baseNanos).isLessThan(Duration.ofMillis(400).toNanos());
    assertThat(System.nanoTime() - start).isLessThan(Duration.ofMillis(1100).toNanos());
  }

  @Test
  void downloads_while_the_places_are_taken() throws Exception {
    start(
        ShardScript.PLAIN.withStep(Duration.ofMillis(10)),
        "--max-active-adapters",
        "1",
        "--adapter-cycle-time-s",
        "60");
    var running = router.postLater("/generate", generation("red", 80));
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).isNotEmpty());

    var next = router.postLater("/generate", generation("blue", 1));

    await().untilAsserted(() -> assertThat(shard.calls(DownloadAdapterRequest.class)).hasSize(2));
    assertThat(running).isNotDone();
    assertThat(shard.calls(LoadAdapterRequest.class)).hasSize(1);
    assertThat(next.join().statusCode()).isEqualTo(200);
  }

  @Test
  void tries_a_download_again_when_the_shard_says_that_it_may_help() throws Exception {
    start(ShardScript.PLAIN);

    var answer = router.post("/generate", generation("flaky", 2));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(shard.calls(DownloadAdapterRequest.class)).hasSize(3);
  }

  @Test
  void leaves_an_adapter_alone_for_a_while_after_repeated_failures() throws Exception {
    start(ShardScript.PLAIN);

    List<HttpResponse<String>> answers = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      answers.add(router.post("/generate", generation("nowhere", 1)));
    }

    assertThat(answers).allMatch(answer -> answer.statusCode() == 424);
    assertThat(answers.stream().map(HttpResponse::body).distinct()).hasSize(1);
    assertThat(shard.calls(DownloadAdapterRequest.class)).hasSize(2);
    // The pause after two failures is a second.
    await()
        .atMost(Duration.ofSeconds(5))
        .untilAsserted(() -> {
          router.post("/generate", generation("nowhere", 1));
          assertThat(shard.calls(DownloadAdapterRequest.class)).hasSize(3);
        });
  }

  @Test
  void tells_gateways_what_they_look_for() throws Exception {
    start(NARROW.withStep(Duration.ofMillis(20)));
    router.post("/generate", generation("blue", 1));
    var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 8; i++) {
      answers.add(router.postLater("/generate", generation("red", 60)));
    }

    await()
        .untilAsserted(() -> {
          assertThat(router.metric("vllm:num_requests_waiting")).isPositive();
          assertThat(router.metric("vllm:num_requests_running")).isPositive();
        });
    assertThat(router.metric("vllm:kv_cache_usage_perc")).isBetween(0.5, 1.0);
    assertThat(router.metric("lorax_kv_blocks_held")).isBetween(8.0, 15.0);
    assertThat(router.metric("lorax_queue_tokens")).isPositive();
    String page = router.get("/metrics").body();
    // The idle adapter is resident as well, and a value is the second at which it was true.
    assertThat(page)
        .containsPattern(
            "vllm:lora_requests_info\\{max_lora=\"128\",running_lora_adapters=\"blue,red\","
                + "waiting_lora_adapters=\"\"\\} \\d{10}\n")
        .contains("vllm:cache_config_info{block_size=\"16\",num_gpu_blocks=\"14\"} 1")
        .contains("lorax_adapters{state=\"resident\"} 2")
        .contains("lorax_adapter_move_count{move=\"load\"} 2");
    answers.forEach(CompletableFuture::join);
    assertThat(router.metric("lorax_request_inter_token_duration_count")).isEqualTo(8 * 59);
  }

  private void start(ShardScript script, String... options) throws Exception {
    shard = ScriptedShard.single(directory.resolve("shard"), script);
    router = TestingRouter.start(directory.resolve("shard-0"), options);
  }

  private List<String> prefilled() {
    return shard.calls(PrefillRequest.class).stream()
        .flatMap(prefill -> prefill.getBatch().getRequestsList().stream())
        .map(Request::getParameters)
        .map(parameters -> parameters.getAdapterId())
        .toList();
  }

  @Test
  void a_short_prompt_does_not_wait_until_a_long_one_is_computed() throws Exception {
    start(ShardScript.PLAIN.withUnfinishedPrompts().withStep(Duration.ofMillis(2)));
    var running = router.postLater("/generate", generation("red", 90));
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).isNotEmpty());

    var answer = router.post("/generate", generation("blue", 5));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(running.join().statusCode()).isEqualTo(200);
    assertThat(shard.calls(PrefillRequest.class).getLast().hasCachedBatch()).isTrue();
    assertThat(shard.template().heldSteps()).isEqualTo(1);
  }

  @Test
  void shards_that_hold_no_prompts_are_not_told_to() throws Exception {
    var script = ShardScript.PLAIN.withUnfinishedPrompts().withStep(Duration.ofMillis(2));
    start(script.withoutCapabilities());
    var running = router.postLater("/generate", generation("red", 40));
    await().untilAsserted(() -> assertThat(shard.calls(DecodeRequest.class)).isNotEmpty());

    var answer = router.post("/generate", generation("blue", 5));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(running.join().statusCode()).isEqualTo(200);
    // There was no step without the long prompt until that ended.
    assertThat(shard.calls(PrefillRequest.class).getLast().hasCachedBatch()).isFalse();
  }

  private static String generation(String adapter, int tokens) {
    return "{\"inputs\":\"hello\",\"parameters\":{\"max_new_tokens\":%d,\"adapter_id\":\"%s\"}}"
        .formatted(tokens, adapter);
  }
}
