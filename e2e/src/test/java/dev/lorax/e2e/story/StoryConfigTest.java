package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class StoryConfigTest {

  @TempDir Path folder;

  @Test
  void reads_the_archives_and_programs() throws IOException {
    Path archive = Files.createFile(folder.resolve("router.tar"));
    StoryConfig config =
        StoryConfig.fromEnvironment(
            Map.of(
                "LORAX_IMAGES", archive + "," + archive, "LORAX_TEST_PYTHON", archive.toString()),
            folder.resolve("e2e"));
    assertThat(config.images()).containsExactly(archive, archive);
    assertThat(config.clusterProgram()).isNull();
    assertThat(config.repository()).isEqualTo(folder);
  }

  @Test
  void names_all_that_is_missing_at_once() {
    assertThatThrownBy(
            () -> StoryConfig.fromEnvironment(Map.of("LORAX_IMAGES", "/no/such.tar"), folder))
        .hasMessageContainingAll(
            "LORAX_IMAGES", "/no/such.tar", "LORAX_TEST_PYTHON", "./lorax test");
  }
}
