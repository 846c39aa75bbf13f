package dev.lorax.e2e.install;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class TroubleTest {

  @Test
  void is_none_while_containers_only_wait_for_each_other() {
    assertThat(trouble("-", "?", "?")).isEmpty();
  }

  @Test
  void names_the_image_that_the_node_lacks() {
    assertThat(trouble("+", "ErrImagePull", "?").orElseThrow())
        .contains("shard-0", "demo-0", "told by the kubelet", "load the image lorax/x");
  }

  @Test
  void repeats_what_a_container_said_before_it_ended_again_and_again() {
    assertThat(trouble("CrashLoopBackOff", "?", "?").orElseThrow())
        .contains("launcher", "exit code 1", "model file /models/x.gguf does not exist");
  }

  private static Optional<String> trouble(String... states) {
    return Trouble.of(List.of(Pods.of(states)));
  }
}
