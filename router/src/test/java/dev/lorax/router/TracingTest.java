package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;
import static org.awaitility.Awaitility.await;

import io.grpc.Metadata;
import io.opentelemetry.proto.trace.v1.Span;
import io.opentelemetry.proto.trace.v1.Status.StatusCode;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a collector of traces gets to see of a request, and what it never does. */
class TracingTest {
  private static final String TRACE = "0af7651916cd43dd8448eb211c80319c";
  private static final String CLIENT = "b7ad6b7169203331";
  private static final Metadata.Key<String> PARENT =
      Metadata.Key.of("traceparent", Metadata.ASCII_STRING_MARSHALLER);
  private static final Metadata.Key<String> REQUESTS =
      Metadata.Key.of("lorax-traced-requests", Metadata.ASCII_STRING_MARSHALLER);

  @TempDir private Path directory;
  private ScriptedShard shard;
  private SpanCollector collector;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    start(ShardScript.PLAIN);
  }

  private void start(ShardScript script) throws Exception {
    shard = ScriptedShard.single(directory.resolve("shard"), script);
    collector = new SpanCollector();
    router =
        TestingRouter.start(directory.resolve("shard-0"), "--otlp-endpoint", collector.address());
  }

  @AfterEach
  void stop() throws Exception {
    router.close();
    collector.close();
    shard.close();
  }

  @Test
  void a_request_is_a_part_of_its_clients_trace_and_shows_its_phases() throws Exception {
    ask("/generate", body("red"), "01");
    router.close();

    Span request = span("POST /generate");
    assertThat(hex(request.getTraceId().toByteArray())).isEqualTo(TRACE);
    assertThat(hex(request.getParentSpanId().toByteArray())).isEqualTo(CLIENT);
    assertThat(request.getKind()).isEqualTo(Span.SpanKind.SPAN_KIND_SERVER);
    assertThat(SpanCollector.attributes(request))
        .containsAllEntriesOf(
            Map.of(
                "http.response.status_code", "200",
                "lorax.adapter.id", "red",
                "lorax.request.id", "mine",
                "gen_ai.request.model", "base-model",
                "gen_ai.usage.output_tokens", "3"));
    List<Span> phases = List.of(span("validation"), span("queue"), span("prefill"), span("decode"));
    assertThat(phases)
        .allSatisfy(phase -> {
          assertThat(phase.getTraceId()).isEqualTo(request.getTraceId());
          assertThat(phase.getParentSpanId()).isEqualTo(request.getSpanId());
        });
    for (int i = 1; i < phases.size(); i++) {
      assertThat(phases.get(i).getStartTimeUnixNano())
          .isEqualTo(phases.get(i - 1).getEndTimeUnixNano());
    }
    assertThat(phases.getFirst().getStartTimeUnixNano()).isEqualTo(request.getStartTimeUnixNano());
    assertThat(phases.getLast().getEndTimeUnixNano())
        .isLessThanOrEqualTo(request.getEndTimeUnixNano());
  }

  @Test
  void the_shards_are_told_whose_trace_their_step_is_a_part_of() throws Exception {
    ask("/generate_stream", body("red"), "01");
    router.close();

    Span request = span("POST /generate_stream");
    String parent = "00-%s-%s-01".formatted(TRACE, hex(request.getSpanId().toByteArray()));
    assertThat(shard.headersOfWork().getLast().get(REQUESTS)).matches("\\d+=" + parent);
  }

  @Test
  void texts_are_traced_as_prompts_are() throws Exception {
    ask("/embed", "{\"inputs\":\"a text\"}", "01");
    router.close();

    Span request = span("POST /embed");
    String parent = "00-%s-%s-01".formatted(TRACE, hex(request.getSpanId().toByteArray()));
    assertThat(shard.headersOfWork().getLast().get(REQUESTS)).matches("\\d+=" + parent);
    assertThat(List.of(span("validation"), span("queue"), span("encode")))
        .allSatisfy(phase -> assertThat(phase.getParentSpanId()).isEqualTo(request.getSpanId()));
  }

  @Test
  void calls_of_their_own_carry_the_trace_as_all_calls_do() throws Exception {
    stop();
    start(ShardScript.PLAIN.withoutCapabilities());
    ask("/embed", "{\"inputs\":\"a text\"}", "01");
    router.close();

    String parent =
        "00-%s-%s-01".formatted(TRACE, hex(span("POST /embed").getSpanId().toByteArray()));
    Metadata headers = shard.headersOfWork().getLast();
    assertThat(headers.get(PARENT)).isEqualTo(parent);
    assertThat(headers.get(REQUESTS)).matches("\\d+=" + parent);
  }

  @Test
  void a_client_that_samples_nothing_is_not_traced() throws Exception {
    ask("/generate", body("red"), "00");
    router.close();

    assertThat(collector.spans()).isEmpty();
    assertThat(shard.headersOfWork().getLast().get(REQUESTS)).isNull();
  }

  @Test
  void what_goes_wrong_is_told_and_no_prompt_ever() throws Exception {
    ask("/generate", body("absent"), "01");
    ask("/generate", "{\"inputs\":\"poison\"}", "01");
    ask("/v1/completions", "{\"prompt\":\"secret\",\"max_tokens\":\"many\"}", "01");
    router.close();

    assertThat(collector.spans())
        .filteredOn(span -> span.getName().startsWith("POST"))
        .extracting(
            span -> SpanCollector.attributes(span).get("error.type"),
            span -> span.getStatus().getCode())
        .containsExactlyInAnyOrder(
            tuple("generation", StatusCode.STATUS_CODE_ERROR),
            tuple("generation", StatusCode.STATUS_CODE_ERROR),
            tuple("bad_request", StatusCode.STATUS_CODE_UNSET));
    assertThat(collector.spans().toString()).doesNotContain("poison", "secret");
  }

  @Test
  void a_stream_that_its_client_leaves_ends_its_span() throws Exception {
    var slow =
        ScriptedShard.single(
            directory.resolve("slow"), ShardScript.PLAIN.withStep(Duration.ofMillis(20)));
    try (slow;
        var patient =
            TestingRouter.start(
                directory.resolve("slow-0"), "--otlp-endpoint", collector.address())) {
      var stream =
          patient.open(
              "/generate_stream",
              "{\"inputs\":\"hi\",\"parameters\":{\"max_new_tokens\":100,\"ignore_eos_token\":true}}");
      stream.body().limit(1).forEach(_ -> {});
      stream.body().close();
      await()
          .untilAsserted(() ->
              assertThat(patient.metric("lorax_request_failure{err=\"dropped\"}")).isEqualTo(1));
    }
    assertThat(SpanCollector.attributes(span("POST /generate_stream")))
        .containsEntry("error.type", "dropped");
  }

  private Span span(String name) {
    return collector.spans().stream()
        .filter(span -> span.getName().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no span " + name + " in " + collector.spans()));
  }

  private void ask(String path, String body, String flags) {
    router.send(
        HttpRequest.newBuilder(router.uri(path))
            .header("content-type", "application/json")
            .header("x-request-id", "mine")
            .header("traceparent", "00-%s-%s-%s".formatted(TRACE, CLIENT, flags))
            .POST(BodyPublishers.ofString(body))
            .build());
  }

  private static String body(String adapter) {
    return "{\"inputs\":\"hi\",\"parameters\":{\"adapter_id\":\"%s\",\"max_new_tokens\":3}}"
        .formatted(adapter);
  }

  private static String hex(byte[] bytes) {
    return HexFormat.of().formatHex(bytes);
  }
}
