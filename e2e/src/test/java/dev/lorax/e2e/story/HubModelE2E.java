package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.chat.DemoPrompts.Check;
import dev.lorax.e2e.chat.Question;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** A private model of a hub and adapters by their ids there, from a wrong token to answers. */
@Order(4)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class HubModelE2E {

  private static final String NAME = "model-of-a-hub";
  private static final Duration SOON = Duration.ofMinutes(2);
  private static final Duration READY_DEADLINE = Duration.ofMinutes(5);

  private final World world;
  private final Prompts prompts;
  private final Replica replica;

  HubModelE2E(World world) {
    this.world = world;
    this.prompts = new Prompts(world.config());
    this.replica = new Replica(world, NAME);
  }

  @BeforeAll
  void open() {
    world.hub();
  }

  @AfterAll
  void delete() {
    world.kubectl("delete", "loraxserver", NAME, "--ignore-not-found");
  }

  @Test
  @Order(1)
  void the_condition_says_that_the_token_is_wrong() {
    // given
    world.secret("hub-token", Map.of("token", "hf_mistyped"));

    // when
    world.apply("model-of-a-hub.yaml");

    // then
    await()
        .atMost(SOON)
        .untilAsserted(() -> {
          assertThat(replica.ready().getReason()).isEqualTo("WrongToken");
          assertThat(replica.ready().getMessage())
              .contains("http://hub", "token")
              .doesNotContain("hf_");
        });
  }

  @Test
  @Order(2)
  void once_the_token_is_mended_the_download_can_be_watched_until_the_server_is_ready() {
    // given
    String before = replica.uid();

    // when
    world.secret("hub-token", Map.of("token", World.HUB_TOKEN));

    // then
    await()
        .atMost(SOON)
        .pollInterval(Duration.ofMillis(300))
        .untilAsserted(() ->
            assertThat(replica.ready().getMessage())
                .containsPattern("downloading demo/smollm2.*: [1-9]\\d? % of \\d+ MB"));
    // The launcher has ended before, so that waiting for the pods' containers to be well is vain.
    await().atMost(READY_DEADLINE).untilAsserted(replica::assertReady);
    assertThat(replica.uid()).isEqualTo(before);
  }

  @Test
  @Order(3)
  void adapters_are_named_by_their_ids_on_the_hub() {
    // given
    ChatClient client = world.serve(NAME).client();

    // when, then
    for (String adapter : List.of("pirate", "sql")) {
      Check check = prompts.showcase(adapter);
      assertThat(client.ask(ofHub(check.question()))).matches(check.expectation()::isMetBy);
    }
  }

  private static Question ofHub(Question question) {
    return new Question("demo/" + question.adapter(), question.prompt(), question.maxNewTokens());
  }
}
