package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every answer names its request. */
class RequestIdTest {
  private static final String HEADER = "x-request-id";
  private static final String FRESH = "[0-9a-f]{32}";

  @TempDir private Path directory;
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    shard = ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN);
    router = TestingRouter.start(directory.resolve("shard-0"));
  }

  @AfterEach
  void stop() throws Exception {
    router.close();
    shard.close();
  }

  @Test
  void answers_streams_and_refusals_have_ids_of_their_own() {
    List<String> ids =
        List.of(
            id(router.post("/generate", "{\"inputs\":\"hi\"}")),
            id(router.post("/generate_stream", "{\"inputs\":\"hi\"}")),
            id(router.post("/generate", "no json")),
            id(router.get("/nowhere")),
            id(router.get("/health")));

    assertThat(ids).doesNotHaveDuplicates().allMatch(id -> id.matches(FRESH));
  }

  @Test
  void a_client_may_choose_what_is_safe_in_a_log() {
    assertThat(id(asking("checkout-7f.3_A"))).isEqualTo("checkout-7f.3_A");
    assertThat(id(asking("a b"))).matches(FRESH);
    assertThat(id(asking("x".repeat(129)))).matches(FRESH);
  }

  private HttpResponse<String> asking(String id) {
    return router.send(
        HttpRequest.newBuilder(router.uri("/generate"))
            .header("content-type", "application/json")
            .header(HEADER, id)
            .POST(BodyPublishers.ofString("{\"inputs\":\"hi\"}"))
            .build());
  }

  private static String id(HttpResponse<String> response) {
    return response.headers().firstValue(HEADER).orElseThrow();
  }
}
