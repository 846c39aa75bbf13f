package dev.lorax.router;

import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a browser is told before and after a page of another origin asks. */
class CrossOriginTest {
  private static final String PAGE = "https://chat.example.org";
  private static final String ALLOW_ORIGIN = "access-control-allow-origin";

  @TempDir private Path directory;
  private ScriptedShard shard;

  @BeforeEach
  void start() throws Exception {
    shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN);
  }

  @AfterEach
  void stop() {
    shard.close();
  }

  @Test
  void any_page_may_ask_with_a_key_where_nothing_is_said() throws Exception {
    try (var router = router()) {
      HttpResponse<String> announced = announce(router, PAGE);

      assertThat(announced.statusCode()).isEqualTo(204);
      assertThat(announced.headers().firstValue(ALLOW_ORIGIN)).hasValue("*");
      assertThat(header(announced, "access-control-allow-headers"))
          .contains("authorization", "content-type");
      assertThat(header(announced, "access-control-allow-methods")).contains("GET", "POST");
      HttpResponse<String> answer = router.send(generate(router, PAGE));
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.headers().firstValue(ALLOW_ORIGIN)).hasValue("*");
    }
  }

  @Test
  void only_pages_of_named_origins_may_ask_where_some_are_named() throws Exception {
    try (var router =
        router(
            "--cors-allow-origin", PAGE + ",http://localhost:8080",
            "--cors-allow-header", "x-team",
            "--cors-expose-header", "x-total-time",
            "--cors-allow-credentials", "true")) {
      HttpResponse<String> announced = announce(router, PAGE);
      assertThat(announced.headers().firstValue(ALLOW_ORIGIN)).hasValue(PAGE);
      assertThat(header(announced, "access-control-allow-headers")).isEqualTo("x-team");
      assertThat(header(announced, "access-control-allow-credentials")).isEqualTo("true");

      HttpResponse<String> answer = router.send(generate(router, "http://localhost:8080"));
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(header(answer, "access-control-expose-headers")).isEqualTo("x-total-time");

      HttpResponse<String> refused = router.send(generate(router, "https://evil.example.org"));
      assertThat(refused.statusCode()).isEqualTo(403);
      assertThat(refused.headers().firstValue(ALLOW_ORIGIN)).isEmpty();
      assertThat(json(refused).path("error").asText()).contains("--cors-allow-origin");
      assertThat(router.post("/generate", "{\"inputs\":\"hi\"}").statusCode())
          .as("no page at all")
          .isEqualTo(200);
    }
  }

  private TestingRouter router(String... options) throws Exception {
    return TestingRouter.start(directory.resolve("shard-0"), options);
  }

  private static HttpResponse<String> announce(TestingRouter router, String origin) {
    return router.send(
        HttpRequest.newBuilder(router.uri("/v1/chat/completions"))
            .header("origin", origin)
            .header("access-control-request-method", "POST")
            .header("access-control-request-headers", "authorization,content-type")
            .method("OPTIONS", BodyPublishers.noBody())
            .build());
  }

  private static HttpRequest generate(TestingRouter router, String origin) {
    return HttpRequest.newBuilder(router.uri("/generate"))
        .header("origin", origin)
        .header("content-type", "application/json")
        .POST(BodyPublishers.ofString("{\"inputs\":\"hi\"}"))
        .build();
  }

  private static String header(HttpResponse<String> response, String name) {
    Optional<String> value = response.headers().firstValue(name);
    assertThat(value).as(name).isPresent();
    return value.orElseThrow();
  }
}
