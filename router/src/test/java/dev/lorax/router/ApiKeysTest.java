package dev.lorax.router;

import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.lorax.protocol.generate.v1.DownloadAdapterRequest;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who may ask for what, how often, and how that changes while the server runs. */
class ApiKeysTest {
  @TempDir private Path directory;
  private ScriptedShard shard;
  private TestingRouter router;
  private Path file;

  @BeforeEach
  void start() throws Exception {
    file = directory.resolve("keys.json");
    write(
        key("boss", "boss-key", "\"admin\":true"),
        key("red-team", "red-key", "\"adapters\":[\"re*\"]"),
        key("slow", "slow-key", "\"requests_per_minute\":2"),
        key("small", "small-key", "\"tokens_per_minute\":8"));
    shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN);
    router = TestingRouter.start(directory.resolve("shard-0"), "--api-keys-file", file.toString());
  }

  @AfterEach
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    router.close();
    shard.close();
  }

  @Test
  void asks_for_a_key() {
    for (String path : List.of("/generate", "/", "/v1/completions", "/tokenize")) {
      var answer = router.post(path, "{\"model\":\"\",\"prompt\":\"a\",\"inputs\":\"a\"}");
      assertThat(answer.statusCode()).as(path).isEqualTo(401);
      assertThat(answer.headers().firstValue("www-authenticate")).contains("Bearer");
    }
    assertThat(generate("wrong-key", "").statusCode()).isEqualTo(401);
    assertThat(router.get("/v1/models").statusCode()).isEqualTo(401);
    assertThat(router.get("/health").statusCode()).isEqualTo(200);
    assertThat(generate("boss-key", "").statusCode()).isEqualTo(200);
    assertThat(router.metric("lorax_request_failure{err=\"unauthorized\"}")).isEqualTo(4);
  }

  @Test
  void holds_for_embeddings_too() throws Exception {
    for (String path : List.of("/embed", "/v1/embeddings", "/classify", "/classify_batch")) {
      assertThat(router.post(path, "{\"inputs\":\"a\"}").statusCode()).as(path).isEqualTo(401);
    }
    assertThat(embed("boss-key", "").statusCode()).isEqualTo(200);
    assertThat(embed("red-key", "red").statusCode()).isEqualTo(200);
    assertThat(embed("red-key", "blue").statusCode()).isEqualTo(403);
    // Three tokens each time: the third finds the budget of eight overdrawn.
    assertThat(embed("small-key", "").statusCode()).isEqualTo(200);
    assertThat(embed("small-key", "").statusCode()).isEqualTo(200);
    assertThat(embed("small-key", "").statusCode()).isEqualTo(200);
    var refused = embed("small-key", "");
    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(refused.headers().firstValue("retry-after")).isPresent();
  }

  private HttpResponse<String> embed(String key, String model) {
    String body = "{\"model\":\"%s\",\"input\":\"the capital\"}".formatted(model);
    HttpRequest request = router.request("/v1/embeddings", body);
    return router.send(
        HttpRequest.newBuilder(request, (_, _) -> true)
            .header("authorization", "Bearer " + key)
            .build());
  }

  @Test
  void speaks_openais_language_on_openais_paths() {
    var answer = router.post("/v1/completions", "{\"model\":\"\",\"prompt\":\"a\"}");

    assertThat(json(answer).path("error").path("type").asText()).isEqualTo("authentication_error");
  }

  @Test
  void keeps_a_key_to_its_adapters() {
    assertThat(generate("red-key", "red").statusCode()).isEqualTo(200);
    assertThat(generate("red-key", "").statusCode()).isEqualTo(200);

    var refused = generate("red-key", "blue");

    assertThat(refused.statusCode()).isEqualTo(403);
    assertThat(json(refused).path("error").asText())
        .isEqualTo("this API key may not use adapter `blue`");
    assertThat(shard.calls(DownloadAdapterRequest.class)).hasSize(1);
  }

  @Test
  void does_not_hand_a_key_to_the_hub() {
    send(
        "boss-key",
        "/generate",
        "{\"inputs\":\"a\",\"parameters\":{\"max_new_tokens\":1,\"adapter_id\":\"red\","
            + "\"adapter_source\":\"hub\"}}");

    assertThat(shard.calls(DownloadAdapterRequest.class))
        .extracting(DownloadAdapterRequest::getApiToken)
        .containsExactly("");
  }

  @Test
  void limits_requests_of_a_key() {
    assertThat(generate("slow-key", "").statusCode()).isEqualTo(200);
    assertThat(generate("slow-key", "").statusCode()).isEqualTo(200);

    var refused = generate("slow-key", "");

    assertThat(refused.statusCode()).isEqualTo(429);
    assertThat(json(refused).path("error_type").asText()).isEqualTo("rate_limited");
    String seconds = refused.headers().firstValue("retry-after").orElseThrow();
    assertThat(Integer.parseInt(seconds)).isBetween(20, 30);
    assertThat(generate("boss-key", "").statusCode()).isEqualTo(200);
  }

  @Test
  void limits_tokens_of_a_key_in_streams_too() {
    var stream =
        send(
            "small-key",
            "/generate_stream",
            "{\"inputs\":\"a\",\"parameters\":{\"max_new_tokens\":20}}");

    assertThat(stream.statusCode()).isEqualTo(200);
    assertThat(generate("small-key", "").statusCode()).isEqualTo(429);
  }

  @Test
  void lets_only_administrators_order_adapters_about() {
    String body = "{\"adapter_id\":\"red\"}";

    assertThat(send("red-key", "/adapters/load", body).statusCode()).isEqualTo(403);
    assertThat(send("boss-key", "/adapters/load", body).statusCode()).isEqualTo(202);
  }

  @Test
  void reads_the_file_again_when_it_changes() throws Exception {
    write(key("new", "new-key", "\"weight\":2.5"));

    await().untilAsserted(() -> assertThat(generate("new-key", "").statusCode()).isEqualTo(200));
    assertThat(generate("boss-key", "").statusCode()).isEqualTo(401);

    Files.writeString(file, "{\"keys\":[{\"name\":");
    Thread.sleep(1200);
    assertThat(generate("new-key", "").statusCode()).isEqualTo(200);
    assertThat(generate("new-key", "").statusCode()).isEqualTo(200);
  }

  @Test
  void says_what_is_wrong_with_the_file() throws Exception {
    Files.writeString(file, "{\"keys\":[{\"name\":\"a\",\"sha256\":\"plain-text-key\"}]}");

    assertThatThrownBy(() ->
            TestingRouter.start(directory.resolve("shard-0"), "--api-keys-file", file.toString()))
        .hasMessage("API keys: `keys[0].sha256`: expected 64 hexadecimal digits");
  }

  private HttpResponse<String> generate(String key, String adapter) {
    return send(
        key,
        "/generate",
        "{\"inputs\":\"a\",\"parameters\":{\"max_new_tokens\":2,\"adapter_id\":\"%s\"}}"
            .formatted(adapter));
  }

  private HttpResponse<String> send(String key, String path, String body) {
    return router.send(
        HttpRequest.newBuilder(router.request(path, body), (_, _) -> true)
            .header("authorization", "Bearer " + key)
            .build());
  }

  private void write(String... keys) throws Exception {
    Files.writeString(file, "{\"keys\":[" + String.join(",", keys) + "]}");
  }

  private static String key(String name, String key, String more) throws Exception {
    byte[] hash = MessageDigest.getInstance("SHA-256").digest(key.getBytes(StandardCharsets.UTF_8));
    return "{\"name\":\"%s\",\"sha256\":\"%s\",%s}"
        .formatted(name, HexFormat.of().formatHex(hash), more);
  }
}
