package dev.lorax.router;

import static dev.lorax.router.TestingRouter.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.protocol.generate.v1.LoadAdapterRequest;
import dev.lorax.protocol.generate.v1.OffloadAdapterRequest;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import java.nio.file.Path;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the operator of a server asks it and tells it: adapters, start-up, documents. */
class AdministrationTest {
  @TempDir private Path directory;
  private ScriptedShard shard;
  private TestingRouter router;

  @BeforeEach
  void start() throws Exception {
    shard =
        ScriptedShard.single(directory.resolve("shard"), ShardScript.PLAIN.withPreloaded("always"));
    router = TestingRouter.start(directory.resolve("shard-0"), "--max-active-adapters", "2");
  }

  @AfterEach
  void stop() throws Exception {
    assertThat(shard.violations()).isEmpty();
    router.close();
    shard.close();
  }

  @Test
  void loads_an_adapter_before_anybody_asks_for_it() {
    var answer = router.post("/adapters/load", "{\"adapter_id\":\"red\"}");

    assertThat(answer.statusCode()).isEqualTo(202);
    assertThat(json(answer).path("id").asText()).isEqualTo("red");
    await().untilAsserted(() -> assertThat(state("red")).isEqualTo("resident"));
    assertThat(adapter("red").path("rank").asInt()).isEqualTo(16);
    assertThat(adapter("red").path("bytes").asInt()).isEqualTo(2000);
    assertThat(adapter("red").path("memory_fraction").floatValue()).isEqualTo(0.1f);
    assertThat(adapter("red").path("pinned").asBoolean()).isFalse();
  }

  @Test
  void lists_preloaded_adapters_as_pinned() {
    assertThat(state("always")).isEqualTo("resident");
    assertThat(adapter("always").path("pinned").asBoolean()).isTrue();
    assertThat(adapter("always").path("rank").asInt()).isEqualTo(8);
    assertThat(router.post("/adapters/unload", "{\"adapter_id\":\"always\"}").statusCode())
        .isEqualTo(422);
  }

  @Test
  void keeps_a_pinned_adapter_while_others_come_and_go() {
    router.post("/adapters/load", "{\"adapter_id\":\"red\",\"pin\":true}");
    await().untilAsserted(() -> assertThat(state("red")).isEqualTo("resident"));

    for (String other : new String[] {"green", "blue", "green"}) {
      assertThat(generate(other)).isEqualTo(200);
    }

    assertThat(state("red")).isEqualTo("resident");
    assertThat(shard.calls(LoadAdapterRequest.class))
        .filteredOn(load -> load.getAdapterParameters().getAdapterIdsList().contains("red"))
        .hasSize(1);
  }

  @Test
  void leaves_a_place_that_is_not_pinned() {
    router.post("/adapters/load", "{\"adapter_id\":\"red\",\"pin\":true}");

    var refused = router.post("/adapters/load", "{\"adapter_id\":\"blue\",\"pin\":true}");

    assertThat(refused.statusCode()).isEqualTo(422);
    assertThat(json(refused).path("error").asText())
        .contains("adapter `blue` cannot be pinned: 1 of 2 places are pinned");
  }

  @Test
  void unloads_an_adapter_that_comes_back_when_it_is_asked_for() {
    assertThat(generate("red")).isEqualTo(200);
    int offloads = shard.calls(OffloadAdapterRequest.class).size();

    assertThat(router.post("/adapters/unload", "{\"adapter_id\":\"red\"}").statusCode())
        .isEqualTo(202);

    await()
        .untilAsserted(
            () -> assertThat(shard.calls(OffloadAdapterRequest.class)).hasSize(offloads + 1));
    await().untilAsserted(() -> assertThat(router.get("/adapters").body()).doesNotContain("red"));
    assertThat(generate("red")).isEqualTo(200);
  }

  @Test
  void tells_why_an_adapter_failed() {
    router.post("/adapters/load", "{\"adapter_id\":\"nowhere\"}");

    await().untilAsserted(() -> assertThat(state("nowhere")).isEqualTo("failed"));
    assertThat(adapter("nowhere").path("failure").asText())
        .isEqualTo("adapter `nowhere` could not be downloaded: adapter `nowhere` not found");
    assertThat(json(router.get("/v1/models")).path("data").findValuesAsText("id"))
        .containsExactly("base-model", "always");
  }

  @Test
  void refuses_orders_that_make_no_sense() {
    assertThat(router.post("/adapters/unload", "{\"adapter_id\":\"pink\"}").statusCode())
        .isEqualTo(422);
    assertThat(router.post("/adapters/load", "{\"adapter_id\":\"\"}").statusCode()).isEqualTo(422);
    assertThat(router.post("/adapters/load", "{\"adapter_id\":\"a\\nb\"}").statusCode())
        .isEqualTo(422);
    assertThat(router.post("/adapters/load", "{}").statusCode()).isEqualTo(422);
    assertThat(router.post("/adapters/load", "{").statusCode()).isEqualTo(400);
  }

  @Test
  void shows_no_secret_and_no_private_adapter() {
    router.post(
        "/adapters/load",
        "{\"adapter_id\":\"red\",\"adapter_source\":\"hub\",\"api_token\":\"hf_secret\"}");

    await().untilAsserted(() -> assertThat(state("red")).isEqualTo("resident"));
    assertThat(router.get("/adapters").body()).doesNotContain("hf_secret");
    assertThat(adapter("red").path("with_token").asBoolean()).isTrue();
    assertThat(router.get("/v1/models").body()).doesNotContain("red");
  }

  @Test
  void starts_up_by_generating_a_token() {
    var answer = router.get("/startup");

    assertThat(answer.statusCode()).isEqualTo(200);
    assertThat(answer.body()).isEmpty();
    assertThat(shard.calls(PrefillRequest.class).getLast().getBatch().getRequests(0).getInputs())
        .isEqualTo("Who?");
  }

  @Test
  void serves_its_documents() {
    JsonNode document = json(router.get("/openapi.json"));

    assertThat(document.path("openapi").asText()).isEqualTo("3.1.0");
    assertThat(router.get("/api-doc/openapi.json").body())
        .isEqualTo(router.get("/openapi.json").body());
    assertThat(router.get("/docs").headers().firstValue("content-type"))
        .contains("text/html; charset=utf-8");
    document
        .path("paths")
        .properties()
        .forEach(path ->
            path.getValue()
                .fieldNames()
                .forEachRemaining(method ->
                    assertThat(
                            method.equals("get")
                                ? router.get(path.getKey()).statusCode()
                                : router.post(path.getKey(), "{").statusCode())
                        .as("%s %s", method, path.getKey())
                        .isEqualTo(method.equals("get") ? 200 : 400)));
  }

  private int generate(String adapter) {
    return router
        .post(
            "/generate",
            "{\"inputs\":\"a\",\"parameters\":{\"max_new_tokens\":2,\"adapter_id\":\"%s\"}}"
                .formatted(adapter))
        .statusCode();
  }

  private String state(String id) {
    return adapter(id).path("state").asText();
  }

  private JsonNode adapter(String id) {
    return StreamSupport.stream(json(router.get("/adapters")).path("adapters").spliterator(), false)
        .filter(adapter -> adapter.path("id").asText().equals(id))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no adapter " + id));
  }
}
