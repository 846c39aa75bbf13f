package dev.lorax.e2e.story;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.lorax.e2e.cluster.CommandFailed;
import java.time.Duration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.extension.ExtendWith;

/** Servers that cannot be served: what is wrong is said by the API server or by the status. */
@Order(6)
@ExtendWith(StoryExtension.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class BadServerE2E {

  private final World world;

  BadServerE2E(World world) {
    this.world = world;
  }

  @BeforeAll
  void serve() {
    world.demo();
  }

  @Test
  void two_sources_of_a_model_are_refused_when_they_are_applied() {
    assertThatThrownBy(() -> world.apply("two-sources.yaml"))
        .isInstanceOf(CommandFailed.class)
        .hasMessageContaining("set exactly one of hub, s3 and pvc");
  }

  @Test
  void the_model_of_a_server_cannot_be_changed() {
    String patch = "{\"spec\": {\"model\": {\"pvc\": {\"path\": \"other.gguf\"}}}}";
    assertThatThrownBy(
            () -> world.kubectl("patch", "loraxserver", World.DEMO, "--type=merge", "-p", patch))
        .isInstanceOf(CommandFailed.class)
        .hasMessageContainingAll("spec.model is immutable", "create a second LoraxServer");
  }

  @Test
  void a_model_file_that_is_missing_is_named_by_the_condition() {
    refused("missing-model", "ModelNotFound", "no-such-model.gguf");
  }

  @Test
  void an_image_that_cannot_be_had_is_named_by_the_condition() {
    refused("missing-image", "ImagePullFailed", "registry.invalid/lorax/router:none");
  }

  @Test
  void a_quota_that_is_used_up_is_named_by_the_condition() {
    world.kubectl("create", "quota", "full", "--hard=count/pods=0");
    try {
      refused("over-quota", "PodsRefused", "exceeded quota: full");
    } finally {
      world.kubectl("delete", "quota", "full");
    }
  }

  /** Applies a server and awaits what its status says, in a condition that needs somebody. */
  private void refused(String name, String reason, String part) {
    world.apply(name + ".yaml");
    try {
      await()
          .atMost(Duration.ofMinutes(3))
          .untilAsserted(() ->
              assertThat(world.server(name).condition("Ready"))
                  .hasValueSatisfying(ready -> {
                    assertThat(ready.getReason()).isEqualTo(reason);
                    assertThat(ready.getMessage()).contains(part);
                  }));
      assertThat(world.server(name).condition("Degraded"))
          .hasValueSatisfying(degraded -> assertThat(degraded.getStatus()).isEqualTo("True"));
    } finally {
      world.kubectl("delete", "loraxserver", name);
    }
  }
}
