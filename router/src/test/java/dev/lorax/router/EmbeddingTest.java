package dev.lorax.router;

import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import com.google.protobuf.Message;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.EmbedRequest;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.protocol.generate.v1.Request;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Embeddings of a model that also generates, in upstream's and in OpenAI's form. */
class EmbeddingTest {
  /** Four words and the token before them. */
  private static final String TEXT = "the capital of france";

  @TempDir private Path directory;
  private List<ScriptedShard> shards = List.of();
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    begin(1, ShardScript.PLAIN);
  }

  private void serve(ShardScript script) throws Exception {
    stop();
    begin(1, script);
  }

  private void begin(int count, ShardScript script) throws Exception {
    shards = ScriptedShard.group(directory.resolve("shard"), count, script);
    shard = shards.getFirst();
    router = TestingRouter.start(directory.resolve("shard-0"));
  }

  @AfterEach
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    router.close();
    shards.forEach(ScriptedShard::close);
  }

  @Test
  void embeds_a_text_as_upstream() {
    var answer = router.post("/embed", inputs(TEXT));

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEqualTo("{\"embeddings\":[5.0,0.0,0.1]}");
    assertThat(answer.headers().firstValue("x-compute-type")).contains("cpu");
    assertThat(answer.headers().firstValue("x-prompt-tokens")).contains("5");
    for (String name : List.of("compute", "total", "validation", "queue", "inference")) {
      assertThat(answer.headers().firstValueAsLong("x-" + name + "-time").orElseThrow())
          .isBetween(0L, 60_000L);
    }
    Request request = shard.calls(EmbedRequest.class).getFirst().getBatch().getRequests(0);
    assertThat(request.getInputs()).isEqualTo(TEXT);
    assertThat(request.getTokenizedInputs().getIdsList()).containsExactly(1, 4 - 1, 5, 6, 7);
    assertThat(request.getStoppingParameters().getMaxNewTokens()).isEqualTo(1);
  }

  @Test
  void takes_what_lorax_client_sends_beside_the_text() {
    var answer = router.post("/embed", "{\"inputs\":\"the\",\"parameters\":null,\"stream\":false}");

    assertThat(answer.statusCode()).isEqualTo(200);
  }

  @Test
  void embeds_texts_and_tokens_in_openais_form() {
    for (String input :
        List.of("\"" + TEXT + "\"", "[\"" + TEXT + "\"]", "[1,3,5,6,7]", "[[1,3,5,6,7]]")) {
      JsonNode answer = json(embeddings(input, ",\"encoding_format\":\"float\""));
      assertThat(answer.toString())
          .as(input)
          .isEqualTo(
              "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,"
                  + "\"embedding\":[5.0,0.0,0.1]}],\"model\":\"base-model\","
                  + "\"usage\":{\"prompt_tokens\":5,\"total_tokens\":5}}");
    }
  }

  @Test
  void keeps_the_order_of_texts_and_counts_all_their_tokens() {
    JsonNode answer = json(embeddings("[\"the\",\"the capital of france\",\"of france\"]", ""));

    assertThat(answer.at("/data").findValuesAsText("index")).containsExactly("0", "1", "2");
    var lengths = new ArrayList<Double>();
    answer.path("data").forEach(item -> lengths.add(item.at("/embedding/0").asDouble()));
    assertThat(lengths).containsExactly(2.0, 5.0, 3.0);
    assertThat(answer.at("/usage/prompt_tokens").asInt()).isEqualTo(10);
    // Upstream's own list, for clients that do not ask as OpenAI's do.
    assertThat(answer.path("embeddings")).isEqualTo(answer.path("data"));
  }

  @Test
  void writes_base64_as_openais_client_reads_it() {
    JsonNode answer = json(embeddings("\"" + TEXT + "\"", ",\"encoding_format\":\"base64\""));

    byte[] bytes = Base64.getDecoder().decode(answer.at("/data/0/embedding").asText());
    var values = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer();
    assertThat(new float[] {values.get(0), values.get(1), values.get(2)})
        .containsExactly(5, 0, 0.1f);
    assertThat(answer.has("embeddings")).isFalse();
  }

  @Test
  void refuses_by_name_what_it_cannot_do() {
    refused("{\"model\":\"\",\"input\":\"a\",\"dimensions\":64}", "`dimensions` is not supported");
    refused("{\"model\":\"\",\"input\":\"a\",\"encoding_format\":\"int8\"}", "`encoding_format`");
    refused("{\"model\":\"\"}", "missing field `input`");
    refused("{\"input\":\"a\"}", "missing field `model`");
    refused("{\"model\":\"\",\"input\":7}", "`input`: expected a string, token ids, or an array");
    refused("{\"model\":\"\",\"input\":[\"a\",7]}", "`input[1]`: expected a string or an array");
    refused("{\"model\":\"\",\"input\":[1,-2]}", "`input[1]`: expected a token id of at least 0");
    refused("{\"model\":\"\",\"input\":[]}", "`input` cannot be empty");
    refused("{\"model\":\"\",\"input\":[\"a\",\"\"]}", "`input` cannot be empty");
    refused(
        "{\"model\":\"\",\"input\":\"" + "a ".repeat(101) + "\"}",
        "`input` must have less than 100 tokens. Given: 102");
    var nothing = router.post("/embed", inputs(""));
    assertThat(nothing.statusCode()).isEqualTo(422);
    assertThat(json(nothing).path("error").asText())
        .isEqualTo("Input validation error: `inputs` cannot be empty");
    var classes = router.post("/classify", inputs(TEXT));
    assertThat(classes.statusCode()).isEqualTo(422);
    assertThat(json(classes).path("error").asText())
        .isEqualTo("Input validation error: this model generates text, it does not classify");
    assertThat(router.post("/embed", "{").statusCode()).isEqualTo(400);
    assertThat(router.metric("lorax_request_failure{err=\"validation\"}")).isEqualTo(5);
  }

  private void refused(String body, String reason) {
    var answer = router.post("/v1/embeddings", body);
    assertThat(answer.statusCode()).as(body).isEqualTo(422);
    assertThat(json(answer).at("/error/message").asText()).contains(reason);
    assertThat(json(answer).at("/error/type").asText()).isEqualTo("invalid_request_error");
  }

  @Test
  void sends_many_texts_in_few_calls_within_the_budget() throws Exception {
    // given
    serve(ShardScript.PLAIN.withStep(Duration.ofMillis(100)));

    // when
    var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 60; i++) {
      answers.add(router.postLater("/embed", inputs("the ".repeat(9 + i % 5))));
    }
    answers.forEach(answer -> assertThat(answer.join().statusCode()).isEqualTo(200));

    // then
    List<EmbedRequest> calls = shard.calls(EmbedRequest.class);
    assertThat(calls).hasSizeLessThan(30);
    assertThat(calls).allMatch(call -> call.getBatch().getMaxTokens() <= 400);
    assertThat(calls.stream().mapToInt(call -> call.getBatch().getRequestsCount()).sum())
        .isEqualTo(60);
    assertThat(router.metric("lorax_batch_inference_success{method=\"embed\"}"))
        .isEqualTo(calls.size());
    await().untilAsserted(() -> assertThat(router.metric("lorax_queue_length")).isZero());
  }

  @Test
  void a_text_that_fails_its_call_fails_alone() throws Exception {
    // given the first call under way, so that the others share one
    serve(ShardScript.PLAIN.withStep(Duration.ofMillis(200)));
    var first = router.postLater("/embed", inputs("the"));
    await().until(() -> !shard.calls(EmbedRequest.class).isEmpty());

    // when
    var texts = List.of("a", "poison", "overflow", "of");
    var answers = texts.stream().map(text -> router.postLater("/embed", inputs(text))).toList();

    // then
    assertThat(first.join().statusCode()).isEqualTo(200);
    assertThat(answers.stream().map(answer -> answer.join().statusCode()))
        .containsExactly(200, 424, 424, 200);
    assertThat(json(answers.get(1).join()).toString())
        .isEqualTo(
            "{\"error\":\"Request failed during generation: Server error: the text is poisoned\","
                + "\"error_type\":\"generation\"}");
    assertThat(json(answers.get(2).join()).path("error").asText())
        .isEqualTo("Request failed during generation: Server error: numbers overflow");
    assertThat(router.metric("lorax_request_failure{err=\"generation\"}")).isEqualTo(2);
  }

  @Test
  void embeds_with_the_adapter_that_is_named() {
    var red = router.post("/embed", "{\"inputs\":\"the\",\"parameters\":{\"adapter_id\":\"red\"}}");
    var blue = router.post("/v1/embeddings", "{\"model\":\"blue\",\"input\":\"the\"}");
    var again = router.post("/v1/embeddings", "{\"model\":\"red\",\"input\":\"the\"}");
    var upstreams =
        router.post(
            "/v1/embeddings",
            "{\"model\":\"any\",\"input\":\"the\",\"parameters\":{\"adapter_id\":\"red\"}}");

    assertThat(json(red).at("/embeddings/1").asInt()).isEqualTo(1);
    assertThat(red.headers().firstValue("x-adapter-id")).contains("red");
    assertThat(json(blue).at("/data/0/embedding/1").asInt()).isEqualTo(2);
    assertThat(json(blue).path("model").asText()).isEqualTo("blue");
    assertThat(json(again).at("/data/0/embedding/1").asInt()).isEqualTo(1);
    assertThat(json(upstreams).at("/data/0/embedding/1").asInt()).isEqualTo(1);
  }

  @Test
  void an_adapter_that_cannot_be_had_is_an_error() {
    var answer = router.post("/v1/embeddings", "{\"model\":\"nobody\",\"input\":\"the\"}");

    assertThat(answer.statusCode()).isEqualTo(424);
    assertThat(json(answer).at("/error/message").asText())
        .startsWith("Request failed during generation: adapter `nobody` could not be downloaded: ");
    assertThat(json(answer).at("/error/code").asText()).isEqualTo("generation");
  }

  @Test
  void a_text_without_an_answer_is_upstreams_failure() {
    var answer = router.post("/embed", inputs("silence"));

    assertThat(answer.statusCode()).isEqualTo(500);
    assertThat(answer.body())
        .isEqualTo("{\"error\":\"Embedding Failure\",\"error_type\":\"embedding_failure\"}");
    assertThat(router.metric("lorax_request_failure{err=\"embedding_failure\"}")).isEqualTo(1);
  }

  @Test
  void a_running_generation_and_embeddings_both_go_on() throws Exception {
    // given
    serve(ShardScript.PLAIN.withStep(Duration.ofMillis(5)));
    var stream =
        router.postLater(
            "/generate", "{\"inputs\":\"the\",\"parameters\":{\"max_new_tokens\":150}}");
    await().until(() -> shard.calls(DecodeRequest.class).size() > 3);

    // when
    var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 20; i++) {
      answers.add(router.postLater("/embed", inputs(TEXT)));
    }

    // then
    answers.forEach(answer -> assertThat(answer.join().statusCode()).isEqualTo(200));
    assertThat(stream.join().statusCode()).isEqualTo(200);
    assertThat(json(stream.join()).path("generated_text").asText())
        .isEqualTo(ScriptedText.expected("the", "", 150));
  }

  @Test
  void two_shards_share_the_answers() throws Exception {
    // given
    stop();
    begin(2, ShardScript.PLAIN);

    // when
    JsonNode answer = json(embeddings("[\"a\",\"a b\",\"a b c\",\"a b c d\"]", ""));

    // then
    var lengths = new ArrayList<Integer>();
    answer.path("data").forEach(item -> lengths.add(item.at("/embedding/0").asInt()));
    assertThat(lengths).containsExactly(2, 3, 4, 5);
    for (ScriptedShard each : shards) {
      assertThat(each.calls(EmbedRequest.class)).hasSize(1);
    }
  }

  @Test
  void shards_are_asked_for_steps_and_for_texts_in_the_same_order() throws Exception {
    // given
    stop();
    begin(3, ShardScript.PLAIN.withStep(Duration.ofMillis(1)));

    // when
    var answers = new ArrayList<CompletableFuture<HttpResponse<String>>>();
    for (int i = 0; i < 20; i++) {
      answers.add(
          router.postLater(
              "/generate", "{\"inputs\":\"the\",\"parameters\":{\"max_new_tokens\":100}}"));
      answers.add(router.postLater("/embed", inputs(TEXT)));
    }
    for (var answer : answers) {
      assertThat(answer.join().statusCode()).isEqualTo(200);
      assertThat(router.post("/embed", inputs(TEXT)).statusCode()).isEqualTo(200);
    }

    // then
    List<Message> order = computed(shard);
    assertThat(order).hasAtLeastOneElementOfType(EmbedRequest.class);
    assertThat(order).hasAtLeastOneElementOfType(DecodeRequest.class);
    for (ScriptedShard each : shards) {
      assertThat(computed(each)).isEqualTo(order);
    }
  }

  /** What a shard was asked to compute with the others. */
  private static List<Message> computed(ScriptedShard shard) {
    return shard.calls().stream()
        .filter(call ->
            call instanceof PrefillRequest
                || call instanceof DecodeRequest
                || call instanceof EmbedRequest)
        .toList();
  }

  private HttpResponse<String> embeddings(String input, String more) {
    var answer = router.post("/v1/embeddings", "{\"model\":\"\",\"input\":" + input + more + "}");
    assertThat(answer.statusCode()).as(answer.body()).isEqualTo(200);
    return answer;
  }

  private static String inputs(String text) {
    return "{\"inputs\":\"" + text + "\"}";
  }
}
