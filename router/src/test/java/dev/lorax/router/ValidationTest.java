package dev.lorax.router;

import static dev.lorax.router.TestingRouter.events;
import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.protocol.generate.v1.PrefillRequest;
import java.io.ByteArrayOutputStream;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the router refuses, in which words and with which status. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ValidationTest {
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeAll
  void start(@TempDir Path directory) throws Exception {
    shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN);
    router = TestingRouter.start(directory.resolve("shard-0"), "--max-stop-sequences", "2");
  }

  @AfterAll
  void stop() throws Exception {
    // Nothing that is refused may ever reach a shard.
    assertThat(shard.calls(PrefillRequest.class)).isEmpty();
    router.close();
    shard.close();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          "adapter_id":"x","merged_adapters":{"ids":["a"],"weights":[1]} | at most one of `adapter_id` or `adapters` may be provided
          "merged_adapters":{"ids":[],"weights":[]} | at least one adapter ID must be provided when setting `adapters`
          "merged_adapters":{"ids":["a"],"weights":[]} | number of adapter IDs must match number of adapter weights
          "merged_adapters":{"ids":["a"],"weights":[1],"merge_strategy":"magic"} | `merge_strategy` must be one of linear, ties, dare_linear, dare_ties. Given: `magic`
          "merged_adapters":{"ids":["a"],"weights":[1],"majority_sign_method":"x"} | `majority_sign_method` must be one of total, frequency. Given: `x`
          "adapter_id":"x","adapter_source":"moon" | `adapter_source` must be one of hub, s3, local. Given: `moon`
          "adapter_id":"x","adapter_source":"pbase" | `adapter_source` must be one of hub, s3, local. Given: `pbase`
          "adapter_source":"moon" | `adapter_source` must be one of hub, s3, local. Given: `moon`
          "adapter_id":"a\\nb" | `adapter_id` must not contain control characters
          "best_of":3 | `best_of` must be > 0 and <= 2. Given: 3
          "best_of":0 | `best_of` must be > 0 and <= 2. Given: 0
          "best_of":2 | you must use sampling when `best_of` is > 1
          "best_of":2,"do_sample":true,"seed":1 | `seed` must not be set when `best_of` > 1
          "temperature":-1 | `temperature` must be non-negative
          "repetition_penalty":0 | `repetition_penalty` must be strictly positive
          "frequency_penalty":2.5 | `frequency_penalty` must be >= -2.0 and <= 2.0
          "presence_penalty":-2.5 | `presence_penalty` must be >= -2.0 and <= 2.0
          "top_p":0 | `top_p` must be > 0.0 and < 1.0
          "top_p":1.5 | `top_p` must be > 0.0 and < 1.0
          "typical_p":1.0 | `typical_p` must be > 0.0 and < 1.0
          "top_k":0 | `top_k` must be strictly positive
          "top_k":-4 | `top_k` must be strictly positive
          "return_k_alternatives":0 | `return_k_alternatives` must be strictly positive
          "max_new_tokens":0 | `max_new_tokens` must be strictly positive
          "stop":["a","b","c"] | `stop` supports up to 2 stop sequences. Given: 3
          "truncate":0 | `truncate` must be strictly positive and less than 100. Given: 0
          "truncate":101 | `truncate` must be strictly positive and less than 100. Given: 101
          "max_new_tokens":199 | `inputs` tokens + `max_new_tokens` must be <= 200. Given: 2 `inputs` tokens and 199 `max_new_tokens`
          "temperature":-1,"top_k":0 | `temperature` must be non-negative
          "temperature":-1,"best_of":9 | `best_of` must be > 0 and <= 2. Given: 9
          """)
  void refuses_in_upstreams_words(String parameters, String message) {
    var response =
        router.post(
            "/generate", "{\"inputs\":\"hello\",\"parameters\":{%s}}".formatted(parameters));

    assertThat(response.statusCode()).isEqualTo(422);
    assertThat(json(response).path("error").asText())
        .isEqualTo("Input validation error: " + message);
    assertThat(json(response).path("error_type").asText()).isEqualTo("validation");
  }

  @Test
  void refuses_prompts_that_are_empty_or_too_long() {
    var empty = router.post("/generate", "{\"inputs\":\"\"}");
    var tooLong =
        router.post(
            "/generate",
            "{\"inputs\":\"%s\",\"parameters\":{\"max_new_tokens\":1}}"
                .formatted("word ".repeat(120)));
    var farTooLong =
        router.post("/generate", "{\"inputs\":\"%s\"}".formatted("a ".repeat(900_000)));

    assertThat(json(empty).path("error").asText())
        .isEqualTo("Input validation error: `inputs` cannot be empty");
    assertThat(json(tooLong).path("error").asText())
        .isEqualTo("Input validation error: `inputs` must have less than 100 tokens. Given: 121");
    assertThat(json(farTooLong).path("error").asText())
        .startsWith("Input validation error: `inputs` must have less than 100 tokens.");
  }

  @Test
  void refuses_what_streams_cannot_do_with_an_event() {
    var bestOf =
        router.post(
            "/generate_stream",
            "{\"inputs\":\"a\",\"parameters\":{\"best_of\":2,\"do_sample\":true}}");
    var prefill =
        router.post(
            "/generate_stream",
            "{\"inputs\":\"a\",\"parameters\":{\"decoder_input_details\":true}}");

    assertThat(bestOf.statusCode()).isEqualTo(200);
    assertThat(json(events(bestOf.body()).getFirst()).path("error").asText())
        .isEqualTo("Input validation error: `best_of` != 1 is not supported when streaming tokens");
    assertThat(json(events(prefill.body()).getFirst()).path("error").asText())
        .isEqualTo(
            "Input validation error: `decoder_input_details` == true is not supported when"
                + " streaming tokens");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '~',
      textBlock =
          """
          {"inputs":3} | `inputs`: expected a string, got a number
          {} | missing field `inputs`
          [] | `body`: expected an object, got an array
          {"inputs":"a","parameters":[]} | `parameters`: expected an object, got an array
          {"inputs":"a","parameters":{"top_k":"x"}} | `parameters.top_k`: expected a 32-bit integer, got a string
          {"inputs":"a","parameters":{"max_new_tokens":-1}} | `parameters.max_new_tokens`: expected an integer of at least 0, got -1
          {"inputs":"a","parameters":{"temperature":1e99}} | `parameters.temperature`: expected a finite number, got 1.0E99
          {"inputs":"a","parameters":{"seed":18446744073709551616}} | `parameters.seed`: expected an unsigned 64-bit integer, got 18446744073709551616
          {"inputs":"a","parameters":{"stop":"x"}} | `parameters.stop`: expected an array, got a string
          {"inputs":"a","parameters":{"details":1}} | `parameters.details`: expected a boolean, got a number
          """)
  void names_the_field_that_has_the_wrong_type(String body, String problem) {
    var response = router.post("/generate", body);

    assertThat(response.statusCode()).isEqualTo(422);
    assertThat(json(response).path("error").asText())
        .isEqualTo("Failed to deserialize the JSON body into the target type: " + problem);
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "{", "{\"inputs\":\"a\"} trailing", "{\"inputs\":\"a\",}"})
  void refuses_what_is_not_json(String body) {
    var response = router.post("/generate", body);

    assertThat(response.statusCode()).isEqualTo(400);
    assertThat(json(response).path("error_type").asText()).isEqualTo("bad_request");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"inputs\":\"a \\ud83d\"}",
        "{\"inputs\":\"a\",\"parameters\":{\"stop\":[\"\\uDE00\"]}}",
        "{\"inputs\":\"a\",\"\\udead\":1}"
      })
  void refuses_halves_of_characters(String body) {
    for (String path : List.of("/generate", "/tokenize")) {
      var response = router.post(path, body);

      assertThat(response.statusCode()).isEqualTo(400);
      assertThat(json(response).path("error").asText()).contains("surrogate");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f7bfbfbf", "f5808080", "f08f9f98", "eda080"})
  void refuses_bytes_that_are_no_character(String bytes) {
    var body = new ByteArrayOutputStream();
    body.writeBytes("{\"inputs\":\"".getBytes(StandardCharsets.UTF_8));
    body.writeBytes(HexFormat.of().parseHex(bytes));
    body.writeBytes("\"}".getBytes(StandardCharsets.UTF_8));

    var response = router.postBytes("/tokenize", body.toByteArray());

    assertThat(response.statusCode()).isEqualTo(400);
  }

  @Test
  void refuses_halves_of_characters_in_utf_16() {
    byte[] body = "{\"inputs\":\"a\"}".getBytes(StandardCharsets.UTF_16BE);
    // Where the a was, the first half of a pair.
    body[2 * "{\"inputs\":\"".length() + 2] = (byte) 0xD8;

    assertThat(router.postBytes("/tokenize", body).statusCode()).isEqualTo(400);
  }

  @Test
  void takes_characters_of_two_halves() {
    var response = router.post("/tokenize", "{\"inputs\":\"a \\ud83d\\ude00 😀 \\ud55c\"}");

    assertThat(response.statusCode()).isEqualTo(200);
  }

  @Test
  void refuses_other_content_types() {
    var response =
        router.send(
            HttpRequest.newBuilder(router.uri("/generate"))
                .header("content-type", "text/plain")
                .POST(HttpRequest.BodyPublishers.ofString("{\"inputs\":\"a\"}"))
                .build());

    assertThat(response.statusCode()).isEqualTo(415);
    assertThat(json(response).path("error").asText()).contains("application/json");
  }

  @Test
  void refuses_bodies_above_two_megabytes() {
    var response =
        router.post("/generate", "{\"inputs\":\"%s\"}".formatted("a".repeat(2 * 1024 * 1024)));

    assertThat(response.statusCode()).isEqualTo(413);
    assertThat(json(response).path("error").asText()).contains("2097152 bytes");
  }

  @Test
  void knows_its_paths_and_methods() {
    var unknown = router.get("/nowhere");
    var wrongMethod = router.get("/generate");
    var unknownOpenAi = router.get("/v1/nowhere");

    assertThat(unknown.statusCode()).isEqualTo(404);
    assertThat(json(unknown).path("error").asText()).isEqualTo("no such path");
    assertThat(wrongMethod.statusCode()).isEqualTo(405);
    assertThat(unknownOpenAi.statusCode()).isEqualTo(404);
    assertThat(json(unknownOpenAi).path("error").path("message").asText())
        .isEqualTo("no such path");
  }

  @Test
  void shapes_refusals_of_openai_endpoints_as_openai_does() {
    for (String path : List.of("/v1/chat/completions", "/v1/completions")) {
      var missing = router.post(path, "{\"model\":\"\"}");
      var malformed = router.post(path, "{");

      assertThat(missing.statusCode()).isEqualTo(422);
      assertThat(json(missing).path("error").path("type").asText())
          .isEqualTo("invalid_request_error");
      assertThat(json(missing).path("error").has("param")).isTrue();
      assertThat(json(missing).path("error").path("code").asText()).isEqualTo("validation");
      assertThat(malformed.statusCode()).isEqualTo(400);
      assertThat(json(malformed).path("error").path("message").asText()).isNotEmpty();
    }
  }
}
