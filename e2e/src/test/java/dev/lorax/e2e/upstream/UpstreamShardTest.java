package dev.lorax.e2e.upstream;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A shard of upstream's image needs nothing of ours but the command line that its own has. */
final class UpstreamShardTest {

  private static final Map<String, Object> THREE_TOKENS = Map.of("max_new_tokens", 3);
  private static final String OF_THE_BASE = " __base_model__-1 __base_model__-2 __base_model__-3";
  private static final Map<String, Object> WITH_ADAPTER =
      Map.of("max_new_tokens", 3, "adapter_id", "pirate", "adapter_source", "hub");
  private static final String OF_THE_ADAPTER = " pirate-1 pirate-2 pirate-3";

  @Test
  void is_started_by_our_launcher_and_driven_by_our_router(@TempDir Path home) throws Exception {
    // given
    assumeTrue(UpstreamGroup.jarsAreThere(), "needs the jars that mvn verify makes");
    try (var group = new UpstreamGroup(home)) {
      group.awaitServing(1);

      // then
      answersAreRight(group);
      assertThat(group.post("/generate_stream", WITH_ADAPTER))
          .contains("\"text\":\" pirate-1\"", "\"generated_text\":\"" + OF_THE_ADAPTER + "\"");
      assertThat(group.logged()).contains("Server started at unix://");

      // when
      group.killShard();
      group.awaitServing(2);

      // then
      answersAreRight(group);
    }
  }

  /** Several, because each shard tells of every second request alone. */
  private static void answersAreRight(UpstreamGroup group) {
    for (int request = 0; request < 4; request++) {
      assertThat(group.generate(THREE_TOKENS)).isEqualTo(OF_THE_BASE);
      assertThat(group.generate(WITH_ADAPTER)).isEqualTo(OF_THE_ADAPTER);
    }
  }

  @Test
  void refuses_what_upstream_does_not_know() throws Exception {
    var upstream = List.of("serve", "org/model", "--uds-path", "/tmp/x", "--json-output");
    assertThat(UpstreamArguments.parse(upstream).model()).isEqualTo("org/model");
    assertThatThrownBy(
            () -> UpstreamArguments.parse(List.of("serve", "org/model", "--device", "cpu")))
        .hasMessage("No such option: --device");
    assertThatThrownBy(
            () -> UpstreamArguments.parse(List.of("serve", "org/model", "--source", "local")))
        .hasMessage("Invalid value for '--source': 'local'");
  }
}
