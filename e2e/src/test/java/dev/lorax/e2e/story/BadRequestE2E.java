package dev.lorax.e2e.story;

import static java.util.stream.Collectors.joining;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import dev.lorax.e2e.chat.Question;
import java.net.http.HttpResponse;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** Requests that are wrong are refused with what is wrong, and disturb nobody. */
@Order(2)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class BadRequestE2E {

  // The demo model takes 8192 tokens, a word is at least one, and the router's limit is below that.
  private static final int TOO_MANY_WORDS = 9000;

  private final World world;
  private final Prompts prompts;
  private Served demo;

  BadRequestE2E(World world) {
    this.world = world;
    this.prompts = new Prompts(world.config());
  }

  @BeforeAll
  void serve() {
    demo = world.demo();
  }

  @Test
  void an_unknown_adapter_is_refused_while_other_requests_go_on()
      throws InterruptedException, ExecutionException {
    // given
    var check = prompts.showcase("sql");
    List<Future<String>> others = new ArrayList<>();

    // when
    HttpResponse<String> refused;
    try (ExecutorService asking = Executors.newVirtualThreadPerTaskExecutor()) {
      for (int count = 0; count < 4; count++) {
        others.add(asking.submit(() -> demo.client().ask(check.question())));
      }
      refused = generate("Hello", "\"adapter_id\": \"no-such-adapter\"");
    }

    // then
    assertThat(refused.statusCode()).isEqualTo(424);
    assertThat(refused.body()).contains("\"error_type\":\"generation\"", "no-such-adapter");
    for (Future<String> other : others) {
      assertThat(other.get()).matches(check.expectation()::isMetBy);
    }
  }

  @Test
  void an_unknown_model_of_a_chat_is_refused_by_its_name() {
    var question = new Question("no-such-adapter", "Hello", 8);
    assertThat(catchThrowable(() -> demo.client().ask(question)))
        .hasMessageContaining("no-such-adapter");
  }

  @Test
  void a_prompt_that_is_too_long_is_refused_with_the_limit_and_its_length() {
    String prompt = Stream.generate(() -> "word").limit(TOO_MANY_WORDS).collect(joining(" "));
    HttpResponse<String> refused = generate(prompt, "");
    assertThat(refused.statusCode()).isEqualTo(422);
    assertThat(refused.body())
        .contains("Input validation error", "tokens", "Given: ", "\"error_type\":\"validation\"");
  }

  @Test
  void a_parameter_out_of_range_is_refused_by_its_name() {
    HttpResponse<String> refused = generate("Hello", "\"max_new_tokens\": 0");
    assertThat(refused.statusCode()).isEqualTo(422);
    assertThat(refused.body()).contains("max_new_tokens", "strictly positive");
  }

  @Test
  void malformed_json_is_refused_and_the_server_stays_healthy() {
    assertThat(demo.client().postRaw("/generate", "{\"inputs\": ").statusCode()).isEqualTo(400);
    assertThat(demo.client().get("/health").statusCode()).isEqualTo(200);
  }

  private HttpResponse<String> generate(String prompt, String parameters) {
    String body = "{\"inputs\": \"%s\", \"parameters\": {%s}}".formatted(prompt, parameters);
    return demo.client().postRaw("/generate", body);
  }
}
