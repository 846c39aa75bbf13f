package dev.lorax.launcher.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.options.Option;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvFileSource;

/** What a person reads who typed something wrong: words of the line or variables to sentences. */
final class ArgumentProblemsTest {

  private static List<String> problems(String... words) {
    try {
      parse(words);
      return List.of();
    } catch (ArgumentException refusal) {
      return refusal.problems();
    }
  }

  private static ArgumentException refusal(String... words) {
    return catchThrowableOfType(ArgumentException.class, () -> parse(words));
  }

  /** A word such as {@code PORT=80} is a variable. */
  private static void parse(String... words) throws ArgumentException {
    Map<String, String> variables = new HashMap<>();
    List<String> line = new ArrayList<>();
    for (var word : words) {
      if (word.matches("[A-Z][A-Z0-9_]*=.*")) {
        variables.put(word.split("=", 2)[0], word.split("=", 2)[1]);
      } else {
        line.add(word);
      }
    }
    LauncherArguments.parse(line, variables, Path.of("/home/someone"));
  }

  /** Several sentences for one line are separated by a bar. */
  @ParameterizedTest
  @CsvFileSource(resources = "/ArgumentProblemsTest/problems.csv", delimiter = '>')
  void says_what_was_expected_what_came_and_what_to_do(String words, String sentences) {
    assertThat(problems(words.split(" ")))
        .containsExactlyInAnyOrder(
            Arrays.stream(sentences.split("\\|")).map(String::strip).toArray(String[]::new));
  }

  @Test
  void refuses_every_option_of_upstream_that_is_not_here_from_line_and_environment() {
    for (var refused : UpstreamOptions.REFUSED) {
      String name = refused.name();
      String variable = Option.variableOf(name);
      String line = refused.takesValue() ? name + "=s3cret" : name;
      String value = refused.takesValue() ? "s3cret" : "1";

      assertThat(problems(line)).containsExactly(name + ": " + refused.sentence());
      assertThat(problems(variable + "=" + value))
          .containsExactly("%s (%s): %s".formatted(variable, name, refused.sentence()));
      for (var harmless : refused.harmless()) {
        assertThat(problems(variable + "=" + harmless)).as(name).isEmpty();
      }
    }
  }

  @Test
  void tells_everything_at_once() {
    assertThat(
            problems("--port", "70000", "--quantize", "eetq", "--colour", "red", "NUM_SHARD=many"))
        .containsExactlyInAnyOrder(
            "--port: expected a port from 1 to 65535, got 70000",
            "--quantize: expected int8, int4, awq or gptq, got eetq",
            "--colour: unknown option; --help lists all",
            "NUM_SHARD (--num-shard): expected a whole number, got many");
  }

  @Test
  void knows_how_long_the_path_of_a_socket_may_be() {
    String path = "/" + "x".repeat(94);
    assertThat(problems("--shard-uds-path", path))
        .containsExactly(
            "--shard-uds-path: expected a path of at most 86 bytes, got %s; the paths of Unix sockets are short"
                .formatted(path));
    assertThat(problems("--shard-uds-path", "/" + "x".repeat(85))).isEmpty();
  }

  @Test
  void one_word_tells_a_model_that_is_missing_from_arguments_that_are_wrong() {
    assertThat(refusal("--model-id", "/no/model.gguf").code())
        .isEqualTo(FailureCode.MODEL_NOT_FOUND);
    assertThat(refusal("--model-id", "/no/model.gguf", "--port", "0").code())
        .isEqualTo(FailureCode.WRONG_ARGUMENTS);
  }

  @Test
  void knows_where_to_tell_what_is_wrong() {
    Path log = Path.of("/tmp/termination-log");
    assertThat(refusal("--termination-log", log.toString(), "--port", "0").terminationLog())
        .isEqualTo(log);
    assertThat(refusal("LORAX_TERMINATION_LOG=" + log, "--port", "0").terminationLog())
        .isEqualTo(log);
  }
}
