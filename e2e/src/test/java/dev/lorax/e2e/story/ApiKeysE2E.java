package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** A server with weights in 8 bits, which only those may ask who have a key. */
@Order(5)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ApiKeysE2E {

  private static final String NAME = "with-keys";
  private static final Duration SOON = Duration.ofMinutes(3);
  private static final Duration READY_DEADLINE = Duration.ofMinutes(5);

  /** Of {@code foo}, as the documentation has it. */
  private static final String KEYS =
      """
      {"keys": [{"name": "search", "adapters": ["sql"],
        "sha256": "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}]}
      """;

  private final World world;
  private final Replica replica;

  ApiKeysE2E(World world) {
    this.world = world;
    this.replica = new Replica(world, NAME);
  }

  @AfterAll
  void delete() {
    world.kubectl("delete", "loraxserver", NAME, "--ignore-not-found");
    world.kubectl("delete", "secret", "tenants", "--ignore-not-found");
  }

  @Test
  @Order(1)
  void without_the_secret_nobody_gets_in_and_the_condition_says_why() {
    // when
    world.apply("api-keys.yaml");

    // then
    await()
        .atMost(SOON)
        .untilAsserted(() -> {
          assertThat(replica.ready().getReason()).isEqualTo("WrongApiKeys");
          assertThat(replica.ready().getMessage()).contains("API keys: expected a file");
        });
  }

  @Test
  @Order(2)
  void once_the_secret_is_there_the_server_becomes_ready() {
    // given
    String before = replica.uid();

    // when
    world.secret("tenants", "keys.json", KEYS);

    // then
    await().atMost(READY_DEADLINE).untilAsserted(replica::assertReady);
    assertThat(replica.uid()).isEqualTo(before);
  }

  @Test
  @Order(3)
  void a_key_opens_the_base_model_and_its_own_adapters() throws Exception {
    // given
    URI server = world.serve(NAME).client().server();

    // when, then
    assertThat(ask(server, "", null)).isEqualTo(401);
    assertThat(ask(server, "", "bar")).isEqualTo(401);
    assertThat(ask(server, "", "foo")).isEqualTo(200);
    assertThat(ask(server, "sql", "foo")).isEqualTo(200);
    assertThat(ask(server, "pirate", "foo")).isEqualTo(403);
  }

  private static int ask(URI server, String adapter, @Nullable String key)
      throws IOException, InterruptedException {
    String body =
        """
        {"inputs": "Once upon a time", "parameters": {"max_new_tokens": 4%s}}
        """
            .formatted(adapter.isEmpty() ? "" : ", \"adapter_id\": \"%s\"".formatted(adapter));
    var request =
        HttpRequest.newBuilder(server.resolve("/generate"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (key != null) {
      request.header("Authorization", "Bearer " + key);
    }
    try (var client = HttpClient.newHttpClient()) {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode();
    }
  }
}
