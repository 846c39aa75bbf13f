package dev.lorax.launcher.faults;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.api.parallel.Execution;
import org.junit.jupiter.api.parallel.ExecutionMode;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every row of docs/faults.md with a real launcher and real members, and nothing is left after any
 * of them: no process, socket, segment of shared memory or half a model. To run some of them:
 * {@code -Dfaults="kill -9 of the router"}, or another part of a case's name.
 */
@Execution(ExecutionMode.CONCURRENT)
final class FaultTableTest {

  static Stream<FaultCase> cases() throws IOException {
    String wanted = System.getProperty("faults", "");
    return FaultTable.cases().filter(row -> row.toString().contains(wanted));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("cases")
  void is_as_the_table_says(FaultCase row, @TempDir Path home) throws Exception {
    try (var scene = new Scene(home, row.place())) {
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
        scene.stopAgents();
        assertThat(scene.leftovers().all()).as("what is left").isEmpty();
      } catch (Throwable e) {
        throw new AssertionError(
            "docs/faults.md line %d (%s): %s\nits log:\n%s"
                .formatted(row.line(), row, e.getMessage(), scene.processes().log()),
            e);
      }
    }
  }
}
