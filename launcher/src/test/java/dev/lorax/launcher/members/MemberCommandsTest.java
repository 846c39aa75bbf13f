package dev.lorax.launcher.members;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.config.ArgumentException;
import dev.lorax.launcher.config.LauncherArguments;
import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.model.ModelDirectory;
import dev.lorax.launcher.process.MemberCommand;
import java.net.URI;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What upstream's shard and router programs are told, too. */
final class MemberCommandsTest {

  private static final Path SOCKETS = Path.of("/run/lorax/epoch-3/shard");

  @TempDir private Path directory;

  private static LauncherConfig config(String... line) throws ArgumentException {
    List<String> arguments = new ArrayList<>(List.of("--model-id", "m"));
    arguments.addAll(List.of(line));
    var parsed = LauncherArguments.parse(arguments, Map.of(), Path.of("/home/someone"));
    return ((LauncherArguments.Parsed.Run) parsed).config();
  }

  private static List<MemberCommand> shards(LauncherConfig config) {
    var model = new ModelDirectory("m", Path.of("/models/m"), OptionalInt.empty());
    return new ShardCommands(config).forEpoch(3, SOCKETS, model);
  }

  private MemberCommand router(LauncherConfig config, OptionalInt contextLength) throws Exception {
    try (var epochs = EpochDirectories.claim(directory)) {
      return new RouterCommand(config, epochs)
          .forStart(1, new ModelDirectory("m", Path.of("/models/m"), contextLength));
    }
  }

  private URI health(LauncherConfig config) throws Exception {
    try (var epochs = EpochDirectories.claim(directory)) {
      return new RouterCommand(config, epochs).health();
    }
  }

  @Test
  void starts_one_shard_without_asking_for_peers() throws Exception {
    assertThat(shards(config()))
        .singleElement()
        .satisfies(shard -> {
          assertThat(String.join(" ", shard.arguments()))
              .isEqualTo(
                  "lorax-server serve /models/m --uds-path /run/lorax/epoch-3/shard"
                      + " --logger-level INFO --json-output --source hub"
                      + " --adapter-source hub --compile");
          // Its default suits the device, which only the shard knows.
          assertThat(shard.environment()).doesNotContainKey("LORAX_SPECULATION_MAX_BATCH_SIZE");
        });
  }

  @Test
  void tells_every_shard_its_place_and_the_adapters() throws Exception {
    // given
    LauncherConfig config =
        config(
            "--num-shard",
            "2",
            "--dtype",
            "bfloat16",
            "--quantize",
            "int8",
            "--speculative-tokens",
            "4",
            "--speculation-max-batch-size",
            "16",
            "--device",
            "cuda",
            "--adapter-root",
            directory.toString(),
            "--preloaded-adapter-ids",
            "sql",
            "--preloaded-adapter-ids",
            "pirate");

    // when
    MemberCommand second = shards(config).get(1);

    // then
    assertThat(String.join(" ", second.arguments()))
        .endsWith(
            "--adapter-source local --preloaded-adapter-ids sql --preloaded-adapter-ids pirate"
                + " --preloaded-adapter-source local --sharded --compile --dtype bfloat16 --quantize int8"
                + " --speculative-tokens 4");
    assertThat(second.environment())
        .containsEntry("RANK", "1")
        .containsEntry("WORLD_SIZE", "2")
        .containsEntry("MASTER_ADDR", "localhost")
        .containsEntry("MASTER_PORT", "29500")
        .containsEntry("LORAX_DEVICE", "cuda")
        .containsEntry("LORAX_ADAPTER_ROOTS", directory.toString())
        .containsEntry("ADAPTER_MEMORY_FRACTION", "0.1")
        .containsEntry("CUDA_MEMORY_FRACTION", "1.0")
        .containsEntry("MEMORY_WIGGLE_ROOM", "0.9")
        .containsEntry("LORAX_COMPILE_MAX_BATCH_SIZE", "128")
        .containsEntry("LORAX_SPECULATION_MAX_BATCH_SIZE", "16")
        .containsEntry("LORAX_STEP_TIMEOUT_S", "300.0")
        .containsEntry("PREFIX_CACHING", "1")
        .containsEntry("CHUNKED_PREFILL", "1")
        .containsEntry("HUGGINGFACE_HUB_CACHE", "/home/someone/.cache/lorax/models")
        .containsEntry("HF_HUB_CACHE", "/home/someone/.cache/lorax/models");
  }

  @Test
  void tells_router_and_shards_where_traces_go() throws Exception {
    LauncherConfig config = config("--otlp-endpoint", "http://collector:4317");

    assertThat(String.join(" ", router(config, OptionalInt.empty()).arguments()))
        .contains("--otlp-endpoint http://collector:4317");
    assertThat(String.join(" ", shards(config).getFirst().arguments()))
        .contains("--otlp-endpoint http://collector:4317");
    assertThat(router(config(), OptionalInt.empty()).arguments()).doesNotContain("--otlp-endpoint");
    assertThat(shards(config()).getFirst().arguments()).doesNotContain("--otlp-endpoint");
    assertThatThrownBy(() -> config("--otlp-endpoint", "collector:4317"))
        .hasMessageContaining("http://localhost:4317");
  }

  @Test
  void tells_the_router_where_keys_and_certificates_lie() throws Exception {
    LauncherConfig config =
        config(
            "--api-keys-file", "/k.json", "--tls-cert-file", "/t.crt", "--tls-key-file", "/t.key");

    assertThat(String.join(" ", router(config, OptionalInt.empty()).arguments()))
        .contains("--api-keys-file /k.json --tls-cert-file /t.crt --tls-key-file /t.key");
    assertThat(router(config(), OptionalInt.empty()).arguments())
        .doesNotContain("--api-keys-file", "--tls-cert-file", "--tls-key-file");
    assertThatThrownBy(() -> config("--tls-key-file", "/t.key"))
        .hasMessageContaining("--tls-key-file: expected --tls-cert-file as well, got none");
  }

  @Test
  void asks_the_router_in_the_way_that_it_is_served() throws Exception {
    LauncherConfig plain = config("--port", "3001");
    LauncherConfig secured =
        config("--port", "3001", "--tls-cert-file", "/t.crt", "--tls-key-file", "/t.key");

    assertThat(health(plain)).hasToString("http://127.0.0.1:3001/health");
    assertThat(health(secured)).hasToString("https://127.0.0.1:3001/health");
  }

  @Test
  void derives_the_token_limits_from_the_model_up_to_upstreams_ceiling() throws Exception {
    assertThat(String.join(" ", router(config(), OptionalInt.of(2048)).arguments()))
        .contains("--max-input-length 2047 --max-total-tokens 2048 --max-batch-prefill-tokens 2097")
        .contains("--master-shard-uds-path " + directory + "/current/shard-0")
        .doesNotContain("--max-batch-total-tokens");
    assertThat(router(config(), OptionalInt.of(131072)).arguments()).contains("4096", "4095");
    assertThat(router(config(), OptionalInt.empty()).arguments()).contains("4096", "4095");
  }

  @Test
  void gives_the_router_what_pages_of_other_origins_may() throws Exception {
    LauncherConfig config =
        config(
            "--cors-allow-origin", "https://a.example.org,http://localhost:8080",
            "--cors-expose-header", "x-total-time",
            "--cors-allow-credentials", "true");

    assertThat(String.join(" ", router(config, OptionalInt.of(2048)).arguments()))
        .contains(
            "--cors-allow-origin https://a.example.org --cors-allow-origin http://localhost:8080"
                + " --cors-expose-header x-total-time --cors-allow-credentials true");
  }

  @Test
  void tells_the_router_how_long_to_wait_for_clients() throws Exception {
    LauncherConfig config = config("--client-request-timeout", "5s", "--client-idle-timeout", "2m");

    assertThat(router(config, OptionalInt.empty()).environment())
        .containsEntry("CLIENT_REQUEST_TIMEOUT_S", "5")
        .containsEntry("CLIENT_ANSWER_TIMEOUT_S", "60")
        .containsEntry("CLIENT_IDLE_TIMEOUT_S", "120");
  }

  @Test
  void gives_the_router_the_limits_that_were_asked_for() throws Exception {
    // given
    LauncherConfig config =
        config(
            "--max-total-tokens",
            "512",
            "--max-batch-total-tokens",
            "9000",
            "--max-best-of",
            "3",
            "--hostname",
            "127.0.0.1");

    // when
    MemberCommand command = router(config, OptionalInt.of(8192));

    // then
    assertThat(String.join(" ", command.arguments()))
        .contains("--max-input-length 511 --max-total-tokens 512 --max-batch-prefill-tokens 561")
        .contains("--max-batch-total-tokens 9000")
        .contains("--max-best-of 3")
        .contains("--hostname 127.0.0.1");
  }
}
