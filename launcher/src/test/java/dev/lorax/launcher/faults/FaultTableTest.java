package dev.lorax.launcher.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every row of docs/faults.md with a real launcher and real members, and nothing is left after any
 * of them: no process, socket, segment of shared memory or half a model. To run some of them:
 * {@code -Dfaults="kill -9 of the router"}, or another regular expression for a case's name.
 */
@Execution(ExecutionMode.CONCURRENT)
final class FaultTableTest {

  private static final Pods PODS = new Pods();

  static Stream<FaultCase> cases() throws IOException {
    Pattern wanted = Pattern.compile(System.getProperty("faults", ""));
    return FaultTable.cases().filter(row -> wanted.matcher(row.toString()).find());
  }

  @AfterAll
  static void agents_end_in_order() throws Exception {
    PODS.stop();
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void is_as_the_table_says(FaultCase row, @TempDir Path home) throws Exception {
    try (var scene = scene(row, home)) {
      try {
        row.fault().prepare(scene);
        row.moment().reach(scene);
        row.fault().strike(scene);
        if (row.endsTheWait()) {
          scene.release();
        }
        row.outcome().check(scene, row.says());
        assertThat(scene.processes().log().replaceAll(" +", " "))
            .containsPattern(row.says().pattern());
        assertThat(scene.ownTraces()).as("what threads of ours ended with").isEmpty();
        scene.assertNothingLeft();
        scene.giveBack(PODS);
      } catch (Throwable e) {
        throw new AssertionError(
            "docs/faults.md line %d (%s): %s\nits log:\n%s"
                .formatted(row.line(), row, e.getMessage(), scene.processes().log()),
            e);
      }
    }
  }

  private static Scene scene(FaultCase row, Path home) throws Exception {
    return switch (row.place()) {
      case LAPTOP -> Scene.laptop(home, row.fault().mounts());
      case POD -> Scene.pod(PODS, row.fault().mounts());
    };
  }
}
