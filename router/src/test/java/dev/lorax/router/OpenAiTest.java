package dev.lorax.router;

import static dev.lorax.router.TestingRouter.events;
import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.protocol.generate.v1.DownloadAdapterRequest;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import java.net.http.HttpRequest;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** The OpenAI endpoints, in OpenAI's shapes. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenAiTest {
  private static final String MESSAGES = "[{\"role\":\"user\",\"content\":\"hello\"}]";
  private static final String PROMPT = ScriptedTemplate.rendered(MESSAGES);

  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeAll
  void start(@TempDir Path directory) throws Exception {
    shard =
        ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN.withPreloaded("always"));
    router = TestingRouter.start(directory.resolve("shard-0"));
  }

  @AfterAll
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    router.close();
    shard.close();
  }

  @Test
  void answers_a_chat() {
    var response = chat("\"model\":\"base-model\",\"max_tokens\":3");

    JsonNode answer = json(response);
    assertThat(response.statusCode()).isEqualTo(200);
    assertThat(answer.path("id").asText()).startsWith("chatcmpl-");
    assertThat(answer.path("object").asText()).isEqualTo("chat.completion");
    assertThat(answer.path("created").asLong()).isGreaterThan(1_700_000_000L);
    assertThat(answer.path("model").asText()).isEqualTo("base-model");
    JsonNode choice = answer.path("choices").get(0);
    assertThat(choice.path("index").asInt()).isZero();
    assertThat(choice.path("message").path("role").asText()).isEqualTo("assistant");
    assertThat(choice.path("message").path("content").asText())
        .isEqualTo(ScriptedText.expected(PROMPT, "", 3));
    assertThat(choice.path("finish_reason").asText()).isEqualTo("length");
    JsonNode usage = answer.path("usage");
    assertThat(usage.path("completion_tokens").asInt()).isEqualTo(3);
    assertThat(usage.path("total_tokens").asInt())
        .isEqualTo(3 + usage.path("prompt_tokens").asInt());
  }

  @Test
  void renders_the_chat_on_the_shard_without_further_special_tokens() {
    chat("\"model\":\"\",\"max_tokens\":1");

    var prompt = shard.calls(PrefillRequest.class).getLast().getBatch().getRequests(0);
    assertThat(prompt.getInputs()).isEqualTo(PROMPT);
    // Id 1 is the token that the tokenizer puts in front of plain prompts.
    assertThat(prompt.getTokenizedInputs().getIds(0)).isNotEqualTo(1);
  }

  @Test
  void takes_any_other_model_for_an_adapter() {
    var response = chat("\"model\":\"red\",\"max_tokens\":3");

    assertThat(json(response).path("model").asText()).isEqualTo("red");
    assertThat(json(response).path("choices").get(0).path("message").path("content").asText())
        .isEqualTo(ScriptedText.expected(PROMPT, "red", 3));
  }

  @Test
  void takes_the_key_for_the_adapters_token_unless_it_is_the_customary_empty_one() {
    for (String key : List.of("EMPTY", "hf_mine")) {
      var body = "{\"model\":\"keyed\",\"prompt\":\"a\",\"adapter_source\":\"hub\"}";
      router.send(
          HttpRequest.newBuilder(router.request("/v1/completions", body), (_, _) -> true)
              .header("authorization", "Bearer " + key)
              .build());
    }

    assertThat(shard.calls(DownloadAdapterRequest.class))
        .filteredOn(call -> call.getAdapterParameters().getAdapterIdsList().contains("keyed"))
        .extracting(DownloadAdapterRequest::getApiToken)
        .containsExactly("", "hf_mine");
  }

  @Test
  void streams_a_chat_with_role_first_and_usage_last() {
    var response =
        chat(
            "\"model\":\"base-model\",\"max_tokens\":3,\"stream\":true,"
                + "\"stream_options\":{\"include_usage\":true}");

    List<String> events = events(response.body());
    assertThat(events.getLast()).isEqualTo("[DONE]");
    List<JsonNode> chunks =
        events.subList(0, events.size() - 1).stream().map(TestingRouter::json).toList();
    assertThat(chunks).allMatch(c -> c.path("object").asText().equals("chat.completion.chunk"));
    assertThat(chunks.stream().map(c -> c.path("id").asText()).distinct()).hasSize(1);
    JsonNode first = chunks.getFirst().path("choices").get(0);
    assertThat(first.path("delta").path("role").asText()).isEqualTo("assistant");
    assertThat(first.path("finish_reason").isNull()).isTrue();
    assertThat(content(chunks)).isEqualTo(ScriptedText.expected(PROMPT, "", 3));
    assertThat(chunks.get(chunks.size() - 2).path("choices").get(0).path("finish_reason").asText())
        .isEqualTo("length");
    assertThat(chunks.getLast().path("choices")).isEmpty();
    assertThat(chunks.getLast().path("usage").path("completion_tokens").asInt()).isEqualTo(3);
  }

  @Test
  void keeps_stop_sequences_out_of_the_text() {
    String two = ScriptedText.expected(PROMPT, "", 2);
    String one = ScriptedText.expected(PROMPT, "", 1);
    String stop = two.substring(one.length());

    var whole = chat("\"model\":\"\",\"stop\":\"%s\"".formatted(stop));
    var stream = chat("\"model\":\"\",\"stream\":true,\"stop\":[\"%s\"]".formatted(stop));

    JsonNode choice = json(whole).path("choices").get(0);
    assertThat(choice.path("finish_reason").asText()).isEqualTo("stop");
    assertThat(choice.path("message").path("content").asText()).isEqualTo(one);
    List<String> events = events(stream.body());
    assertThat(
            content(
                events.subList(0, events.size() - 1).stream().map(TestingRouter::json).toList()))
        .isEqualTo(one);
  }

  @Test
  void hides_end_tokens_and_calls_them_stop() {
    var response =
        router.post("/v1/completions", "{\"model\":\"\",\"prompt\":\"eos3\",\"stream\":true}");

    List<String> events = events(response.body());
    String text =
        events.subList(0, events.size() - 1).stream()
            .map(e -> json(e).path("choices").get(0).path("text").asText())
            .collect(Collectors.joining());
    assertThat(text).isEqualTo(ScriptedText.expected("eos3", "", 2));
    assertThat(
            json(events.get(events.size() - 2))
                .path("choices")
                .get(0)
                .path("finish_reason")
                .asText())
        .isEqualTo("stop");
  }

  @Test
  void answers_a_completion() {
    var response =
        router.post(
            "/v1/completions",
            "{\"model\":\"base-model\",\"prompt\":[\"hello\"],\"max_tokens\":2,\"echo\":true}");

    assertThat(json(response).path("object").asText()).isEqualTo("text_completion");
    assertThat(json(response).path("id").asText()).startsWith("cmpl-");
    assertThat(json(response).path("choices").get(0).path("text").asText())
        .isEqualTo("hello" + ScriptedText.expected("hello", "", 2));
  }

  @Test
  void gives_as_many_choices_as_asked_for() {
    var response = chat("\"model\":\"\",\"n\":2,\"max_tokens\":2");

    assertThat(json(response).path("choices")).hasSize(2);
    assertThat(json(response).path("choices").get(1).path("index").asInt()).isEqualTo(1);
    assertThat(json(response).path("usage").path("completion_tokens").asInt()).isEqualTo(4);
  }

  @Test
  void tells_logprobs_of_a_chat() {
    var whole =
        json(chat("\"model\":\"\",\"max_tokens\":2,\"logprobs\":true,\"top_logprobs\":2"))
            .path("choices")
            .get(0);
    var stream =
        chat(
            "\"model\":\"\",\"max_tokens\":2,\"logprobs\":true,\"top_logprobs\":2,"
                + "\"stream\":true");

    JsonNode content = whole.path("logprobs").path("content");
    assertThat(content).hasSize(2);
    JsonNode second = content.get(1);
    assertThat(second.path("token").asText()).startsWith(" w");
    assertThat(second.path("logprob").floatValue()).isEqualTo(-0.2f);
    assertThat(second.path("bytes").get(1).asInt()).isEqualTo('w');
    assertThat(second.path("top_logprobs").findValuesAsText("token")).containsExactly(" o0", " o1");
    List<String> events = events(stream.body());
    var streamed =
        events.subList(0, events.size() - 1).stream()
            .flatMap(e -> streamOf(json(e).path("choices").get(0).path("logprobs").path("content")))
            .toList();
    assertThat(streamed).isEqualTo(streamOf(content).toList());
  }

  @Test
  void tells_logprobs_of_a_completion() {
    JsonNode logprobs =
        json(router.post(
                "/v1/completions",
                "{\"model\":\"\",\"prompt\":\"abc\",\"max_tokens\":2,\"logprobs\":1,\"echo\":true}"))
            .path("choices")
            .get(0)
            .path("logprobs");

    assertThat(logprobs.path("tokens")).hasSize(2);
    assertThat(logprobs.path("token_logprobs").get(1).floatValue()).isEqualTo(-0.2f);
    assertThat(logprobs.path("top_logprobs").get(0).path(" o0").floatValue()).isEqualTo(-1f);
    assertThat(logprobs.path("text_offset").get(0).asInt()).isEqualTo(3);
    assertThat(logprobs.path("text_offset").get(1).asInt())
        .isEqualTo(3 + logprobs.path("tokens").get(0).asText().length());
  }

  @Test
  void refuses_logprobs_that_openai_refuses() {
    assertThat(chat("\"model\":\"\",\"top_logprobs\":2").statusCode()).isEqualTo(422);
    assertThat(chat("\"model\":\"\",\"logprobs\":true,\"top_logprobs\":21").statusCode())
        .isEqualTo(422);
  }

  @Test
  void passes_on_the_templates_complaint() {
    var response =
        router.post(
            "/v1/chat/completions",
            "{\"model\":\"\",\"messages\":[{\"role\":\"robot\",\"content\":\"x\"}]}");

    assertThat(response.statusCode()).isEqualTo(422);
    assertThat(json(response).path("error").path("message").asText())
        .isEqualTo("Failed applying chat template to inputs: unknown role robot");
  }

  @Test
  void refuses_a_stream_with_a_status_while_it_still_can() {
    var response = chat("\"model\":\"nowhere\",\"stream\":true");

    assertThat(response.statusCode()).isEqualTo(424);
    assertThat(json(response).path("error").path("type").asText()).isEqualTo("server_error");
    assertThat(json(response).path("error").path("message").asText())
        .contains("adapter `nowhere` could not be downloaded");
  }

  @Test
  void lists_the_base_model_and_loaded_adapters() {
    chat("\"model\":\"blue\",\"max_tokens\":1");

    JsonNode list = json(router.get("/v1/models"));

    assertThat(list.path("object").asText()).isEqualTo("list");
    List<String> ids = list.path("data").findValuesAsText("id");
    assertThat(ids).startsWith("base-model").contains("always", "blue");
  }

  private java.net.http.HttpResponse<String> chat(String fields) {
    return router.post("/v1/chat/completions", "{%s,\"messages\":%s}".formatted(fields, MESSAGES));
  }

  private static Stream<JsonNode> streamOf(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false);
  }

  private static String content(List<JsonNode> chunks) {
    return chunks.stream()
        .filter(c -> !c.path("choices").isEmpty())
        .map(c -> c.path("choices").get(0).path("delta").path("content").asText())
        .collect(Collectors.joining());
  }
}
