package dev.lorax.router;

import static dev.lorax.router.TestingRouter.events;
import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Upstream's own endpoints: shapes, headers, numbers. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GenerateTest {
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeAll
  void start(@TempDir Path directory) throws Exception {
    shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN);
    router = TestingRouter.start(directory.resolve("shard-0"));
  }

  @AfterAll
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    router.close();
    shard.close();
  }

  @Test
  void generates_text() {
    var response =
        router.post(
            "/generate", "{\"inputs\":\"hello world\",\"parameters\":{\"max_new_tokens\":4}}");

    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(json(response).path("generated_text").asText())
        .isEqualTo(ScriptedText.expected("hello world", "", 4));
    assertThat(json(response).has("details")).isFalse();
  }

  @Test
  void tells_details_with_logprobs_that_keep_their_digits() {
    var response =
        router.post(
            "/generate",
            """
            {"inputs":"hello world","parameters":{"max_new_tokens":3,"details":true,
             "decoder_input_details":true,"seed":18446744073709551615,"do_sample":true}}
            """);

    JsonNode details = json(response).path("details");
    assertThat(details.path("finish_reason").asText()).isEqualTo("length");
    assertThat(details.path("prompt_tokens").asInt()).isEqualTo(3);
    assertThat(details.path("generated_tokens").asInt()).isEqualTo(3);
    assertThat(details.path("skipped_tokens").asInt()).isZero();
    assertThat(details.path("seed").bigIntegerValue()).hasToString("18446744073709551615");
    assertThat(details.path("prefill").get(0).path("logprob").isNull()).isTrue();
    assertThat(details.path("prefill").get(1).path("logprob").asDouble()).isEqualTo(-1.5);
    assertThat(details.path("tokens")).hasSize(3);
    // -0.1f widened to a double would read -0.10000000149011612, -0.3f is really -0.3 and a bit.
    assertThat(response.body()).contains("\"logprob\":-0.1,", "\"logprob\":-0.2,");
    assertThat(response.body()).contains("\"logprob\":" + (-0.1f * 3) + ",");
  }

  @Test
  void sends_upstreams_headers() {
    var response =
        router.post(
            "/generate",
            """
            {"inputs":"hello world","parameters":{"max_new_tokens":4,"adapter_id":"red"}}
            """);

    var headers = response.headers();
    assertThat(headers.firstValue("x-prompt-tokens")).contains("3");
    assertThat(headers.firstValue("x-generated-tokens")).contains("4");
    assertThat(headers.firstValue("x-total-tokens")).contains("7");
    assertThat(headers.firstValue("x-compute-characters")).contains("11");
    assertThat(headers.firstValue("x-model-id")).contains("base-model");
    assertThat(headers.firstValue("x-adapter-id")).contains("red");
    assertThat(headers.firstValue("x-adapter-source")).contains("local");
    for (String time : List.of("total", "validation", "queue", "inference")) {
      assertThat(headers.firstValue("x-" + time + "-time").orElseThrow()).matches("\\d+");
    }
  }

  @Test
  void generates_with_the_named_adapter() {
    var response =
        router.post(
            "/generate",
            """
            {"inputs":"hello","parameters":{"max_new_tokens":4,"adapter_id":"green"}}
            """);

    assertThat(json(response).path("generated_text").asText())
        .isEqualTo(ScriptedText.expected("hello", "green", 4));
  }

  @Test
  void streams_one_event_for_each_token() {
    var response =
        router.post(
            "/generate_stream",
            """
            {"inputs":"tell me","parameters":{"max_new_tokens":3,"details":true}}
            """);

    List<String> events = events(response.body());
    assertThat(response.headers().firstValue("content-type")).contains("text/event-stream");
    assertThat(response.headers().firstValue("x-accel-buffering")).contains("no");
    assertThat(events).hasSize(3);
    assertThat(json(events.getFirst()).path("generated_text").isNull()).isTrue();
    assertThat(json(events.getFirst()).path("details").isNull()).isTrue();
    JsonNode last = json(events.getLast());
    assertThat(last.path("generated_text").asText())
        .isEqualTo(ScriptedText.expected("tell me", "", 3));
    assertThat(last.path("details").path("generated_tokens").asInt()).isEqualTo(3);
    assertThat(last.path("token").path("special").asBoolean()).isFalse();
  }

  @Test
  void answers_the_root_path_with_an_array_or_a_stream() {
    var whole =
        router.post(
            "/", "{\"inputs\":\"one\",\"stream\":false,\"parameters\":{\"max_new_tokens\":2}}");
    var stream =
        router.post(
            "/", "{\"inputs\":\"one\",\"stream\":true,\"parameters\":{\"max_new_tokens\":2}}");

    String expected = ScriptedText.expected("one", "", 2);
    assertThat(json(whole).get(0).path("generated_text").asText()).isEqualTo(expected);
    assertThat(json(events(stream.body()).getLast()).path("generated_text").asText())
        .isEqualTo(expected);
  }

  @Test
  void ends_at_the_end_token_and_at_stop_sequences() {
    String stop =
        ScriptedText.expected("two", "", 2).substring(ScriptedText.expected("two", "", 1).length());
    var atEnd = router.post("/generate", "{\"inputs\":\"eos3\",\"parameters\":{\"details\":true}}");
    var atStop =
        router.post(
            "/generate",
            """
            {"inputs":"two","parameters":{"details":true,"stop":["%s"],"max_new_tokens":9}}
            """
                .formatted(stop));

    assertThat(json(atEnd).path("details").path("finish_reason").asText()).isEqualTo("eos_token");
    assertThat(json(atStop).path("details").path("finish_reason").asText())
        .isEqualTo("stop_sequence");
    assertThat(json(atStop).path("details").path("generated_tokens").asInt()).isEqualTo(2);
  }

  @Test
  void truncates_from_the_left_before_it_measures() {
    String long150 = "word ".repeat(149) + "paris";

    var response =
        router.post(
            "/generate",
            """
            {"inputs":"%s","parameters":{"truncate":5,"max_new_tokens":1,"details":true}}
            """
                .formatted(long150));

    assertThat(json(response).path("details").path("prompt_tokens").asInt()).isEqualTo(5);
    var prompt = shard.calls(PrefillRequest.class).getLast().getBatch().getRequests(0);
    assertThat(prompt.getTokenizedInputs().getIdsCount()).isEqualTo(5);
    assertThat(prompt.getTokenizedInputs().getIds(4)).isEqualTo(9);
  }

  @Test
  void sends_greedy_sampling_for_temperature_zero() {
    router.post(
        "/generate",
        """
        {"inputs":"hello","parameters":{"temperature":0,"top_k":5,"do_sample":true,"max_new_tokens":1}}
        """);

    var sampling =
        shard.calls(PrefillRequest.class).getLast().getBatch().getRequests(0).getParameters();
    assertThat(sampling.getDoSample()).isFalse();
    assertThat(sampling.getTemperature()).isEqualTo(1);
    assertThat(sampling.getTopK()).isZero();
  }

  @Test
  void returns_the_best_of_several_sequences_and_the_others() {
    var response =
        router.post(
            "/generate",
            """
            {"inputs":"hello","parameters":{"best_of":2,"do_sample":true,"details":true,
             "max_new_tokens":2}}
            """);

    JsonNode details = json(response).path("details");
    assertThat(details.path("best_of_sequences")).hasSize(1);
    assertThat(details.path("best_of_sequences").get(0).path("seed").bigIntegerValue())
        .isNotEqualTo(details.path("seed").bigIntegerValue());
  }

  @Test
  void returns_the_prompt_in_front_if_asked() {
    var response =
        router.post(
            "/generate",
            """
            {"inputs":"hello","parameters":{"return_full_text":true,"max_new_tokens":1}}
            """);

    assertThat(json(response).path("generated_text").asText()).startsWith("hello w");
  }

  @Test
  void accepts_every_parameter_as_null() {
    var response =
        router.post(
            "/",
            """
            {"inputs":"hello","stream":false,"parameters":{"adapter_id":null,"adapter_source":null,
             "merged_adapters":null,"api_token":null,"best_of":null,"temperature":null,
             "repetition_penalty":null,"top_k":null,"top_p":null,"typical_p":null,"seed":null,
             "stop":[],"truncate":null,"response_format":null,"return_k_alternatives":null,
             "max_new_tokens":1,"do_sample":false,"watermark":false,"details":true}}
            """);

    assertThat(response.statusCode()).isEqualTo(200);
  }

  @Test
  void counts_what_it_did() {
    double before = router.metric("lorax_request_success");

    router.post("/generate", "{\"inputs\":\"hello\",\"parameters\":{\"max_new_tokens\":2}}");

    assertThat(router.metric("lorax_request_success")).isEqualTo(before + 1);
    assertThat(router.metric("lorax_batch_inference_count{method=\"decode\"}")).isPositive();
    assertThat(router.metric("lorax_batch_current_max_tokens")).isZero();
    assertThat(router.get("/metrics").body()).doesNotContain("_total ");
  }

  @Test
  void shows_tokens_with_places_in_code_points() {
    var response =
        router.post("/tokenize", "{\"inputs\":\"😀 hello\",\"add_special_tokens\":false}");

    JsonNode hello = json(response).get(1);
    assertThat(hello.path("text").asText()).isEqualTo("hello");
    assertThat(hello.path("start").asInt()).isEqualTo(2);
    assertThat(hello.path("stop").asInt()).isEqualTo(7);
  }

  @Test
  void describes_itself() {
    JsonNode info = json(router.get("/info"));

    assertThat(info.path("model_id").asText()).isEqualTo("base-model");
    assertThat(info.path("model_device_type").asText()).isEqualTo("cpu");
    assertThat(info.path("max_input_length").asInt()).isEqualTo(100);
    assertThat(info.path("max_batch_total_tokens").asInt()).isEqualTo(4096 - 16);
  }
}
