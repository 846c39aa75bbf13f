package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.e2e.chat.DemoPrompts.Check;
import dev.lorax.e2e.chat.Question;
import dev.lorax.e2e.cluster.Command;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * A person applies the sample, waits until it is Ready, and asks the base model and three adapters.
 */
@Order(1)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ServingE2E {

  private final World world;
  private final Prompts prompts;
  private Served demo;

  ServingE2E(World world) {
    this.world = world;
    this.prompts = new Prompts(world.config());
  }

  @BeforeAll
  void serve() {
    demo = world.demo();
  }

  @Test
  @Order(1)
  void the_condition_ready_is_true() {
    assertThat(demo.server().condition("Ready"))
        .hasValueSatisfying(ready -> assertThat(ready.getStatus()).isEqualTo("True"));
  }

  @Test
  @Order(2)
  void base_model_and_adapters_answer_rightly_when_all_are_asked_at_once()
      throws InterruptedException, ExecutionException {
    // given
    List<Check> checks = prompts.all();

    // when
    Map<Question, String> answers =
        Together.mixed(demo.client(), checks.stream().map(Check::question).toList());

    // then
    Prompts.assertRight(checks, answers);
  }

  @Test
  @Order(3)
  void an_answer_does_not_depend_on_what_else_is_in_the_batch()
      throws InterruptedException, ExecutionException {
    // given
    List<Question> questions = prompts.some();

    // when
    Map<Question, String> alone = Together.alone(demo.client(), questions);
    Map<Question, String> mixed = Together.mixed(demo.client(), questions);

    // then
    assertThat(mixed).isEqualTo(alone);
  }

  @Test
  @Order(4)
  void the_real_client_package_passes_its_calls() {
    String script =
        world
            .config()
            .repository()
            .resolve("router/src/test/python/lorax_client_check.py")
            .toString();
    Command.of(world.config().python().toString(), script, demo.client().server().toString())
        .run(Duration.ofMinutes(3), World::say);
  }
}
