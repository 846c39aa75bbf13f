package dev.lorax.launcher.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.config.LauncherConfig.ProcessHostKind;
import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.assertj.core.api.InstanceOfAssertFactories;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class LauncherArgumentsTest {

  private static final Path HOME = Path.of("/home/someone");

  @TempDir private Path directory;

  private static LauncherArguments.Parsed.Run parse(Map<String, String> environment, String... line)
      throws ArgumentException {
    return (LauncherArguments.Parsed.Run) LauncherArguments.parse(List.of(line), environment, HOME);
  }

  private static LauncherConfig config(Map<String, String> environment, String... line)
      throws ArgumentException {
    return parse(environment, line).config();
  }

  @Test
  void has_upstreams_defaults() throws Exception {
    // when
    LauncherConfig config = config(Map.of(), "--model-id", "m");

    // then
    assertThat(config.router().port()).isEqualTo(3000);
    assertThat(config.router().hostname().getHostAddress()).isEqualTo("0.0.0.0");
    assertThat(config.router().maxConcurrentRequests()).isEqualTo(1024);
    assertThat(config.router().waitingServedRatio()).isEqualTo(1.2);
    assertThat(config.router().maxActiveAdapters()).isEqualTo(1024);
    assertThat(config.shards().count()).isEqualTo(1);
    assertThat(config.shards().masterPort()).isEqualTo(29500);
    assertThat(config.shards().adapterMemoryFraction()).isEqualTo(0.1);
    assertThat(config.place().socketDirectory()).isEqualTo(Path.of("/tmp/lorax-server"));
    assertThat(config.model().cache()).isEqualTo(HOME.resolve(".cache/lorax/models"));
    assertThat(config.restarts().drainTimeout()).isEqualTo(Duration.ofSeconds(90));
  }

  @Test
  void takes_what_the_line_does_not_say_from_the_environment() throws Exception {
    // given
    Map<String, String> environment =
        Map.of(
            "MODEL_ID", "from-environment",
            "MAX_BEST_OF", "7",
            "PORT", "4000",
            "JSON_OUTPUT", "yes",
            "LORAX_DEVICE", "cpu",
            "LORAX_ADAPTER_ROOTS", directory + ":" + directory,
            "PRELOADED_ADAPTER_IDS", "sql,pirate",
            "STARTUP_TIMEOUT", "5m");

    // when
    LauncherConfig config = config(environment, "--port", "5000");

    // then
    assertThat(config.model().id()).isEqualTo("from-environment");
    assertThat(config.router().maxBestOf()).isEqualTo(7);
    assertThat(config.router().port()).isEqualTo(5000);
    assertThat(config.place().jsonOutput()).isTrue();
    assertThat(config.shards().device()).isEqualTo(ShardConfig.Device.CPU);
    assertThat(config.shards().adapterRoots()).containsExactly(directory, directory);
    assertThat(config.shards().preloadedAdapters())
        .containsExactly(
            new AdapterReference("sql", null, Source.LOCAL),
            new AdapterReference("pirate", null, Source.LOCAL));
    assertThat(config.restarts().startupTimeout()).isEqualTo(Duration.ofMinutes(5));
  }

  @Test
  void a_flag_is_off_when_its_variable_says_so() throws Exception {
    for (var off : List.of("0", "false", "No", "off", "")) {
      assertThat(config(Map.of("JSON_OUTPUT", off), "--model-id", "m").place().jsonOutput())
          .as(off)
          .isFalse();
    }
  }

  @Test
  void is_not_poisoned_by_what_kubernetes_puts_into_the_environment() throws Exception {
    // given
    Map<String, String> environment =
        Map.of(
            "HOSTNAME",
            "demo-5d4f-x2x",
            "MASTER_PORT",
            "tcp://10.0.0.7:80",
            "PORT",
            "tcp://10.0.0.8:1");

    // when
    LauncherArguments.Parsed.Run run = parse(environment, "--model-id", "m");

    // then
    assertThat(run.config().router().hostname().getHostAddress()).isEqualTo("0.0.0.0");
    assertThat(run.config().router().port()).isEqualTo(3000);
    assertThat(run.config().shards().masterPort()).isEqualTo(29500);
    assertThat(run.remarks())
        .containsOnlyKeys("MASTER_PORT", "PORT")
        .containsEntry(
            "MASTER_PORT",
            "tcp://10.0.0.7:80 is a Kubernetes service link; set enableServiceLinks: false");
  }

  @Test
  void takes_an_address_from_hostname_all_the_same() throws Exception {
    assertThat(config(Map.of("HOSTNAME", "127.0.0.1"), "--model-id", "m").router().hostname())
        .hasToString("/127.0.0.1");
  }

  @Test
  void tells_of_variables_that_upstream_would_obey() throws Exception {
    assertThat(parse(Map.of("QUANTIZE", "eetq"), "--model-id", "m").remarks())
        .containsEntry("QUANTIZE", "belongs to an option that this version does not support");
  }

  @Test
  void tells_all_problems_at_once() {
    assertThatThrownBy(() ->
            parse(
                Map.of("VALIDATION_WORKERS", "many"),
                "--port",
                "70000",
                "--hostname",
                "localhost",
                "--max-input-length",
                "200",
                "--max-total-tokens",
                "100",
                "--max-batch-total-tokens",
                "50",
                "--startup-timeout",
                "5",
                "--adapter-source",
                "pbase",
                "--num-shard",
                "0",
                "--quantize",
                "eetq",
                "--colour"))
        .asInstanceOf(InstanceOfAssertFactories.type(ArgumentException.class))
        .extracting(ArgumentException::problems)
        .asInstanceOf(InstanceOfAssertFactories.list(String.class))
        .contains(
            "--port must be between 1 and 65535, got 70000",
            "--hostname must be an IP address, got localhost",
            "--max-input-length (200) must be less than --max-total-tokens (100)",
            "--max-total-tokens (100) must not exceed --max-batch-total-tokens (50)",
            "--num-shard must be at least 1, got 0",
            "--quantize is an option of upstream LoRAX that this version does not support",
            "unknown option --colour")
        .anySatisfy(problem -> assertThat(problem).contains("--validation-workers", "many"))
        .anySatisfy(problem -> assertThat(problem).contains("--startup-timeout", "such as 500ms"))
        .anySatisfy(problem -> assertThat(problem).contains("--adapter-source", "pbase"));
  }

  @Test
  void counts_shards_by_upstreams_rules() throws Exception {
    var two = Map.of("CUDA_VISIBLE_DEVICES", "0,1");
    assertThat(config(two, "--model-id", "m").shards().count()).isEqualTo(2);
    assertThat(config(two, "--model-id", "m", "--sharded", "true").shards().count()).isEqualTo(2);
    assertThat(config(two, "--model-id", "m", "--sharded", "false").shards().count()).isEqualTo(1);
    assertThat(config(two, "--model-id", "m", "--num-shard", "4").shards().count()).isEqualTo(4);
    assertThat(config(Map.of("NVIDIA_VISIBLE_DEVICES", "all"), "--model-id", "m").shards().count())
        .isEqualTo(1);
    assertThatThrownBy(() -> config(Map.of(), "--model-id", "m", "--sharded", "true"))
        .hasMessageContaining("--sharded true needs at least 2 devices");
  }

  @Test
  void has_other_defaults_in_a_pod() throws Exception {
    // when
    LauncherConfig config =
        config(
            Map.of(),
            "--model-id",
            "m",
            "--process-host",
            "pod",
            "--shard-placement",
            "SharedContainer");

    // then
    assertThat(config.place().processHost()).isEqualTo(ProcessHostKind.POD);
    assertThat(config.place().shardPlacement()).isEqualTo(ShardPlacement.SHARED_CONTAINER);
    assertThat(config.place().socketDirectory()).isEqualTo(Path.of("/run/lorax"));
    assertThat(config.place().statusPort()).isEqualTo(9000);
    assertThat(config.model().cache()).isEqualTo(Path.of("/data"));
  }

  @Test
  void prints_help_that_names_every_group_of_options() throws Exception {
    assertThat(LauncherArguments.parse(List.of("--help"), Map.of(), HOME))
        .asInstanceOf(InstanceOfAssertFactories.type(LauncherArguments.Parsed.Print.class))
        .extracting(LauncherArguments.Parsed.Print::text)
        .asString()
        .contains("--model-id", "--num-shard", "--max-best-of", "--process-host", "Exit codes");
  }
}
