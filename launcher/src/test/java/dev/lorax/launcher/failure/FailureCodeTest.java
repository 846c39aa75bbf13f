package dev.lorax.launcher.failure;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.BindException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class FailureCodeTest {

  private static final Pattern ROW =
      Pattern.compile("^\\| `([A-Z]\\w+)` \\| ([^|]+) \\| ([^|]+) \\|$", Pattern.MULTILINE);

  private static final Pattern PYTHON_VALUE =
      Pattern.compile("^    [A-Z_]+ = \"(\\w+)\"$", Pattern.MULTILINE);

  private static List<MatchResult> matches(Pattern pattern, String file) throws IOException {
    return pattern.matcher(Files.readString(Path.of(file))).results().toList();
  }

  @Test
  void every_code_has_a_row_in_the_documentation_and_every_row_a_code() throws Exception {
    assertThat(matches(ROW, "../docs/launcher.md").stream().map(row -> row.group(1)))
        .containsExactly(
            Arrays.stream(FailureCode.values()).map(FailureCode::word).toArray(String[]::new));
  }

  @Test
  void shards_use_words_of_the_launcher() throws Exception {
    assertThat(matches(PYTHON_VALUE, "../shard-image/src/lorax_shard/failure.py"))
        .isNotEmpty()
        .allSatisfy(value -> assertThat(FailureCode.ofWord(value.group(1))).isPresent());
  }

  @Test
  void a_word_of_somebody_else_is_no_code() {
    assertThat(FailureCode.ofWord("ValueError")).isEmpty();
    assertThat(FailureCode.ofWord(null)).isEmpty();
    assertThat(FailureCode.ofWord("ModelNotFound")).contains(FailureCode.MODEL_NOT_FOUND);
  }

  @Test
  void refusals_of_the_system_are_told_apart() {
    assertThat(FailureCode.of(new IOException("port 80", new BindException("in use"))))
        .isEqualTo(FailureCode.PORT_TAKEN);
    assertThat(FailureCode.of(new FileSystemException("/x", null, "No space left on device")))
        .isEqualTo(FailureCode.DISK_FULL);
    assertThat(FailureCode.of(new FileSystemException("/x", null, "Read-only file system")))
        .isEqualTo(FailureCode.READ_ONLY_VOLUME);
    assertThat(FailureCode.of(new AccessDeniedException("/x")))
        .isEqualTo(FailureCode.READ_ONLY_VOLUME);
    assertThat(FailureCode.of(new IOException("Input/output error")))
        .isEqualTo(FailureCode.UNEXPECTED);
  }
}
