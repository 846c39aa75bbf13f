package dev.lorax.e2e.demo;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.e2e.cluster.ClusterChoice;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

final class DemoStateTest {

  @TempDir Path folder;

  static List<ClusterChoice> choices() {
    return List.of(
        new ClusterChoice.Embedded(Path.of("/programs/lorax-cluster")),
        new ClusterChoice.K3s("rancher/k3s:v1"),
        new ClusterChoice.Existing("minikube"));
  }

  @ParameterizedTest
  @MethodSource("choices")
  void is_read_as_it_was_written(ClusterChoice choice) {
    var state = new DemoState(choice, true, null).write(folder);
    assertThat(DemoState.read(folder)).contains(state);

    var withForward = state.withForward(new LastingForward(17, 3000)).write(folder);
    assertThat(DemoState.read(folder)).contains(withForward);
  }

  @Test
  void is_absent_where_no_demo_was_started() {
    assertThat(DemoState.read(folder)).isEmpty();
  }
}
