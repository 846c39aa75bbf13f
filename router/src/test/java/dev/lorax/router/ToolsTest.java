package dev.lorax.router;

import static dev.lorax.router.TestingRouter.events;
import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.protocol.generate.v1.Request;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Chats with tools, and answers that are bound to a schema. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class ToolsTest {
  private static final String WEATHER =
      """
      {"type":"function","function":{"name":"weather","parameters":
        {"type":"object","properties":{"at":{"$ref":"#/$defs/place"}},
         "$defs":{"place":{"enum":["Paris"]}}}}}
      """;
  private static final String CLOCK =
      """
      {"type":"function","function":{"name":"clock"}}
      """;
  private static final String CALL = "{\"name\": \"weather\", \"arguments\": {\"at\": \"Paris\"}}";
  private static final String WORDS =
      "{\"name\": \"no_tool\", \"arguments\": {\"content\": \"It rains.\"}}";

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
  void a_call_comes_back_as_one() {
    JsonNode choice = json(chat(CALL, "")).path("choices").get(0);

    assertThat(choice.path("finish_reason").asText()).isEqualTo("tool_calls");
    JsonNode message = choice.path("message");
    assertThat(message.path("content").isNull()).isTrue();
    JsonNode call = message.path("tool_calls").get(0);
    assertThat(call.path("id").asText()).startsWith("call_");
    assertThat(call.path("function").path("name").asText()).isEqualTo("weather");
    assertThat(call.path("function").path("arguments").asText()).isEqualTo("{\"at\":\"Paris\"}");
  }

  @Test
  void words_come_back_as_words() {
    JsonNode choice = json(chat(WORDS, "")).path("choices").get(0);

    assertThat(choice.path("finish_reason").asText()).isEqualTo("stop");
    assertThat(choice.path("message").path("content").asText()).isEqualTo("It rains.");
    assertThat(choice.path("message").has("tool_calls")).isFalse();
  }

  @Test
  void an_answer_that_was_cut_before_the_name_is_text() {
    JsonNode choice = json(chat(CALL, "\"max_tokens\":2,")).path("choices").get(0);

    assertThat(choice.path("finish_reason").asText()).isEqualTo("length");
    assertThat(choice.path("message").path("content").asText()).isEqualTo("{\"name\": \"");
  }

  @Test
  void a_stream_tells_the_name_of_the_call_and_then_its_arguments_as_they_come() {
    List<String> events = events(chat(CALL, "\"stream\":true,").body());

    List<JsonNode> deltas = deltas(events, 0);
    assertThat(deltas.getFirst().path("role").asText()).isEqualTo("assistant");
    List<JsonNode> calls = calls(deltas);
    assertThat(calls).hasSizeGreaterThan(3);
    assertThat(calls).allMatch(call -> call.path("index").asInt(-1) == 0);
    assertThat(calls.getFirst().path("id").asText()).startsWith("call_");
    assertThat(calls.getFirst().path("function").path("name").asText()).isEqualTo("weather");
    assertThat(calls.subList(1, calls.size()))
        .noneMatch(call -> call.has("id") || call.path("function").has("name"));
    assertThat(arguments(calls)).isEqualTo("{\"at\":\"Paris\"}");
    assertThat(events.get(events.size() - 2)).contains("\"finish_reason\":\"tool_calls\"");
    assertThat(events.getLast()).isEqualTo("[DONE]");
  }

  @Test
  void a_stream_tells_words_as_they_come() {
    List<String> events = events(chat(WORDS, "\"stream\":true,").body());

    List<String> words =
        deltas(events, 0).stream()
            .map(delta -> delta.path("content").asText())
            .filter(text -> !text.isEmpty())
            .toList();
    assertThat(words).hasSizeGreaterThan(1);
    assertThat(String.join("", words)).isEqualTo("It rains.");
    assertThat(events.get(events.size() - 2)).contains("\"finish_reason\":\"stop\"");
  }

  @Test
  void each_choice_of_a_stream_has_its_call() {
    List<String> events = events(chat(CALL, "\"stream\":true,\"n\":2,").body());

    for (int choice = 0; choice < 2; choice++) {
      List<JsonNode> calls = calls(deltas(events, choice));
      assertThat(calls.getFirst().path("function").path("name").asText()).isEqualTo("weather");
      assertThat(arguments(calls)).isEqualTo("{\"at\":\"Paris\"}");
    }
  }

  @Test
  void a_call_that_was_cut_is_a_call_with_cut_arguments() {
    JsonNode whole = json(chat(CALL, "\"max_tokens\":9,")).path("choices").get(0);
    List<String> events = events(chat(CALL, "\"max_tokens\":9,\"stream\":true,").body());

    assertThat(whole.path("finish_reason").asText()).isEqualTo("length");
    assertThat(arguments(List.of(whole.path("message").path("tool_calls").get(0))))
        .isEqualTo("{\"at\":\"Pari");
    assertThat(arguments(calls(deltas(events, 0)))).isEqualTo("{\"at\":\"Pari");
    assertThat(events.get(events.size() - 2)).contains("\"finish_reason\":\"length\"");
  }

  @Test
  void a_stop_sequence_ends_a_call_and_stays_out_of_it() {
    String fields = "\"stop\":\"\\\"Pari\",";

    JsonNode whole = json(chat(CALL, fields)).path("choices").get(0);
    List<String> events = events(chat(CALL, fields + "\"stream\":true,").body());

    String told = arguments(List.of(whole.path("message").path("tool_calls").get(0)));
    assertThat(told).isEqualTo("{\"at\":");
    assertThat(arguments(calls(deltas(events, 0)))).isEqualTo(told);
  }

  private static List<JsonNode> deltas(List<String> events, int choice) {
    return events.subList(0, events.size() - 1).stream()
        .map(event -> json(event).path("choices").get(0))
        .filter(told -> told.path("index").asInt() == choice)
        .map(told -> told.path("delta"))
        .toList();
  }

  private static List<JsonNode> calls(List<JsonNode> deltas) {
    return deltas.stream()
        .filter(delta -> delta.has("tool_calls"))
        .map(delta -> delta.path("tool_calls").get(0))
        .toList();
  }

  private static String arguments(List<JsonNode> calls) {
    return calls.stream()
        .map(call -> call.path("function").path("arguments").asText())
        .collect(Collectors.joining());
  }

  @Test
  void the_answer_is_bound_to_the_tools_and_to_words() {
    Request asked = asked("");

    JsonNode schema = json(asked.getParameters().getSchema());
    assertThat(schema.path("anyOf")).hasSize(3);
    assertThat(schema.path("anyOf").findValuesAsText("const"))
        .containsExactly("weather", "clock", "no_tool");
    assertThat(schema.path("$defs").path("weather").path("properties").path("at"))
        .isEqualTo(json("{\"$ref\":\"#/$defs/weather/$defs/place\"}"));
    assertThat(asked.getInputs()).contains("no_tool").contains("clock");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"required\" | weather,clock",
        "{\"type\":\"function\",\"function\":{\"name\":\"clock\"}} | clock"
      })
  void a_choice_leaves_no_other(String choice, String names) {
    Request asked = asked("\"tool_choice\":%s,".formatted(choice));

    assertThat(json(asked.getParameters().getSchema()).path("anyOf").findValuesAsText("const"))
        .containsExactly(names.split(","));
    assertThat(asked.getInputs()).doesNotContain("no_tool");
  }

  @Test
  void no_choice_means_no_tools() {
    Request asked = asked("\"tool_choice\":\"none\",");

    assertThat(asked.getParameters().hasSchema()).isFalse();
    assertThat(asked.getInputs()).doesNotContain("weather\\\"").doesNotContain("clock");
  }

  @Test
  void earlier_calls_and_parts_of_text_are_rendered_as_templates_read_them() {
    router.post(
        "/v1/chat/completions",
        """
        {"model":"","max_tokens":1,"messages":[
          {"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},
          {"role":"assistant","tool_calls":[{"id":"1","type":"function",
            "function":{"name":"f","arguments":"{\\"x\\": 1}"}}]}]}
        """);

    assertThat(last().getInputs())
        .contains("\"content\":\"a\\nb\"")
        .contains("\"arguments\":{\"x\":1}")
        .contains("\"content\":\"\"");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"tools\":[{\"type\":\"custom\"}]" + "| `tools[0].type`: expected function, got custom",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"a b\"}}]"
            + "| `tools[0].function.name`: expected up to 64 of a-z A-Z 0-9 _ - other than no_tool,"
            + " got a b",
        "\"tool_choice\":\"required\" | `tool_choice`: needs `tools`",
        "\"tool_choice\":\"maybe\""
            + "| `tool_choice`: expected auto, none, required or a function, got maybe",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],\"tool_choice\":"
            + "{\"type\":\"function\",\"function\":{\"name\":\"g\"}}"
            + "| `tool_choice.function.name`: expected one of [f], got g",
        "\"tools\":[{\"type\":\"function\",\"function\":{\"name\":\"f\"}}],"
            + "\"response_format\":{\"type\":\"json_object\"}"
            + "| `response_format` and `tools` are mutually exclusive",
        "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"image_url\"}]}]"
            + "| `messages[0].content[0].type`: expected text, as this model reads nothing else,"
            + " got image_url",
        "\"messages\":[{\"role\":\"assistant\",\"tool_calls\":[{\"function\":[1]}]}]"
            + "| `messages[0].tool_calls[0].function`: expected an object, got an array",
        "\"messages\":[{\"content\":\"a\"}] | missing field `messages[0].role`",
        "\"response_format\":{\"type\":\"json_object\",\"schema\":{\"impossible\":1}}"
            + "| `response_format`: the schema cannot be followed: impossible"
      })
  void what_cannot_be_is_refused_before_it_is_queued(String fields, String problem) {
    int prompts = shard.calls(PrefillRequest.class).size();
    String messages = "\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],";

    HttpResponse<String> response =
        router.post("/v1/chat/completions", "{" + messages + "\"model\":\"\"," + fields + "}");

    assertThat(response.statusCode()).isEqualTo(422);
    assertThat(json(response).path("error").path("message").asText()).endsWith(problem);
    assertThat(shard.calls(PrefillRequest.class)).hasSize(prompts);
  }

  private HttpResponse<String> chat(String said, String fields) {
    return router.post(
        "/v1/chat/completions",
        "{%s\"model\":\"\",\"tools\":[%s,%s],\"messages\":[{\"role\":\"user\",\"content\":\"%s\"}]}"
            .formatted(fields, WEATHER, CLOCK, "«" + said.replace("\"", "\\\"") + "»"));
  }

  private Request asked(String fields) {
    chat("{}", fields);
    return last();
  }

  private Request last() {
    return shard.calls(PrefillRequest.class).getLast().getBatch().getRequests(0);
  }
}
