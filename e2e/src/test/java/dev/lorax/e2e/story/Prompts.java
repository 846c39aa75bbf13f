package dev.lorax.e2e.story;

import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.e2e.chat.DemoPrompts;
import dev.lorax.e2e.chat.DemoPrompts.Check;
import dev.lorax.e2e.chat.Question;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The demo's prompts as the stories use them. */
final class Prompts {

  private final List<Check> heldOut;
  private final List<Check> showcase;

  Prompts(StoryConfig config) {
    this.heldOut = DemoPrompts.heldOut(config.repository());
    this.showcase = DemoPrompts.showcase(config.repository());
  }

  /** Every held-out prompt, and the one prompt of the showcase for base model and adapters. */
  List<Check> all() {
    return Stream.concat(showcase.stream(), heldOut.stream()).toList();
  }

  /** The showcase and two held-out prompts of each adapter: enough to tell answers apart. */
  List<Question> some() {
    var fewOfEach =
        heldOut.stream().collect(groupingBy(check -> check.question().adapter())).values().stream()
            .flatMap(checks -> checks.stream().limit(2));
    return Stream.concat(showcase.stream(), fewOfEach).map(Check::question).toList();
  }

  /** The showcase's prompt for one adapter, or for the base model. */
  Check showcase(String adapter) {
    return showcase.stream()
        .filter(check -> check.question().adapter().equals(adapter))
        .findFirst()
        .orElseThrow();
  }

  static void assertRight(List<Check> checks, Map<Question, String> answers) {
    assertThat(checks)
        .allSatisfy(check ->
            assertThat(answers.get(check.question()))
                .as("answer to %s, expected %s", check.question(), check.expectation())
                .matches(check.expectation()::isMetBy));
  }
}
