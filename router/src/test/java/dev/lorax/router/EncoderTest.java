package dev.lorax.router;

import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.protocol.generate.v1.ClassifyRequest;
import dev.lorax.protocol.generate.v1.EmbedRequest;
import dev.lorax.router.batching.ModelAbilities.Classification;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A router whose model generates nothing: it embeds, or it classifies. */
class EncoderTest {
  @TempDir private Path directory;
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    begin(Classification.NONE);
  }

  private void begin(Classification classification) throws Exception {
    shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.encoder(classification));
    router = TestingRouter.start(directory.resolve("shard-0"));
  }

  private void serve(Classification classification) throws Exception {
    stop();
    begin(classification);
  }

  @AfterEach
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    router.close();
    shard.close();
  }

  @ParameterizedTest
  @CsvSource({
    "NONE, feature-extraction, embeds texts",
    "TOKENS, token-classification, classifies the tokens of texts",
    "TEXTS, text-classification, classifies texts"
  })
  void is_ready_and_says_what_it_is_for(Classification kind, String pipeline, String does)
      throws Exception {
    // given
    serve(kind);

    // then
    assertThat(router.get("/health").statusCode()).isEqualTo(200);
    assertThat(router.get("/startup").statusCode()).isEqualTo(200);
    var info = json(router.get("/info"));
    assertThat(info.path("model_pipeline_tag").asText()).isEqualTo(pipeline);
    assertThat(info.path("max_batch_total_tokens").asInt()).isEqualTo(400);
    assertThat(json(router.get("/v1/models")).at("/data/0/id").asText()).isEqualTo("base-model");
    var text = router.post("/generate", "{\"inputs\":\"the\"}");
    assertThat(text.statusCode()).isEqualTo(422);
    assertThat(json(text).path("error").asText())
        .isEqualTo("Input validation error: this model %s, it does not generate text", does);
    var chat =
        router.post(
            "/v1/chat/completions",
            "{\"model\":\"\",\"stream\":true,\"messages\":[{\"role\":\"user\",\"content\":\"a\"}]}");
    assertThat(chat.statusCode()).isEqualTo(422);
    assertThat(json(chat).at("/error/message").asText()).contains("does not generate text");
  }

  @Test
  void embeds_texts_up_to_the_models_own_limit() throws Exception {
    serve(Classification.NONE);

    var longest = router.post("/embed", "{\"inputs\":\"" + "the ".repeat(19) + "\"}");
    var longer = router.post("/embed", "{\"inputs\":\"" + "the ".repeat(20) + "\"}");

    assertThat(longest.statusCode()).isEqualTo(200);
    assertThat(longer.statusCode()).isEqualTo(422);
    assertThat(json(longer).path("error").asText())
        .isEqualTo("Input validation error: `inputs` must have less than 20 tokens. Given: 21");
    assertThat(shard.calls(EmbedRequest.class)).hasSize(1);
  }

  @Test
  void finds_entities_as_upstream() throws Exception {
    serve(Classification.TOKENS);

    var answer = router.post("/classify", "{\"inputs\":\"The capital of France\"}");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body())
        .isEqualTo(
            "[{\"entity_group\":\"PER\",\"score\":0.75,\"word\":\"the capital\",\"start\":0,"
                + "\"end\":11},{\"entity_group\":\"LOC\",\"score\":0.5,\"word\":\"france\","
                + "\"start\":15,\"end\":21}]");
    for (String name : List.of("type", "time")) {
      assertThat(answer.headers().firstValue("x-compute-" + name)).isPresent();
    }
    assertThat(json(router.post("/embed", "{\"inputs\":\"a\"}")).path("error").asText())
        .endsWith("this model classifies the tokens of texts, it does not embed");
  }

  @Test
  void finds_entities_of_several_texts_in_one_call() throws Exception {
    serve(Classification.TOKENS);

    var answer = router.post("/classify_batch", "{\"inputs\":[\"the\",\"🦙 capital\"]}");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(json(answer).at("/0/0/word").asText()).isEqualTo("the");
    assertThat(json(answer).at("/1/0").toString())
        .isEqualTo(
            "{\"entity_group\":\"PER\",\"score\":0.75,\"word\":\"🦙 capital\",\"start\":0,"
                + "\"end\":9}");
    assertThat(shard.calls(ClassifyRequest.class)).hasSize(1);
    assertThat(router.metric("lorax_batch_inference_success{method=\"classify\"}")).isEqualTo(1);
    assertThat(router.post("/classify_batch", "{\"inputs\":[]}").statusCode()).isEqualTo(422);
    assertThat(router.post("/classify_batch", "{}").statusCode()).isEqualTo(422);
  }

  @Test
  void labels_whole_texts_best_first() throws Exception {
    serve(Classification.TEXTS);

    String labels = "[{\"label\":\"good\",\"score\":0.75},{\"label\":\"bad\",\"score\":0.25}]";
    assertThat(router.post("/classify", "{\"inputs\":\"the\"}").body()).isEqualTo(labels);
    assertThat(router.post("/classify_batch", "{\"inputs\":[\"the\",\"a\"]}").body())
        .isEqualTo("[" + labels + "," + labels + "]");
  }

  @Test
  void a_text_that_cannot_be_classified_is_an_error() throws Exception {
    serve(Classification.TEXTS);

    var answer = router.post("/classify", "{\"inputs\":\"poison\"}");
    var none = router.post("/classify", "{\"inputs\":\"silence\"}");

    assertThat(answer.statusCode()).isEqualTo(424);
    assertThat(json(answer).path("error").asText())
        .isEqualTo("Request failed during generation: Server error: the text is poisoned");
    assertThat(none.statusCode()).isEqualTo(500);
    assertThat(json(none).path("error_type").asText()).isEqualTo("classification_failure");
  }
}
