package dev.lorax.launcher.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.config.LauncherConfig.ProcessHostKind;
import dev.lorax.launcher.config.LauncherConfig.ShardPlacement;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
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
    assertThat(config.shards().memory().adapters()).isEqualTo(0.1);
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
  void takes_an_option_from_the_line_before_its_variable() throws Exception {
    assertThat(config(Map.of("PORT", "nonsense"), "--port", "5000").router().port())
        .isEqualTo(5000);
    assertThat(config(Map.of("EAGER_PREFILL", "false")).router().eagerPrefill()).isFalse();
    assertThat(config(Map.of()).router().eagerPrefill()).isTrue();
  }

  @Test
  void does_not_take_common_variables_for_questions() throws Exception {
    assertThat(config(Map.of("ENV", "production", "VERSION", "7", "HELP", "me")).model().id())
        .isEqualTo("mistralai/Mistral-7B-Instruct-v0.1");
  }

  @Test
  void takes_ids_as_they_are_written() throws Exception {
    Path list = Files.writeString(directory.resolve("list"), "--port=1");
    assertThatThrownBy(() -> config(Map.of(), "--source", "s3", "--model-id", "@" + list))
        .hasMessageContaining("got @" + list);
    assertThatThrownBy(() -> config(Map.of("MODEL_ID", "${sys:user.home}", "SOURCE", "s3")))
        .hasMessageContaining("got ${sys:user.home}");
  }

  @Test
  void splits_the_revision_from_hub_ids_only() throws Exception {
    // given
    Path model = Files.createDirectory(directory.resolve("tuned@v2"));

    // then
    ModelConfig hub = config(Map.of(), "--model-id", "org/name@refs/pr/1").model();
    assertThat(List.of(hub.id(), hub.revision(), hub.source()))
        .containsExactly("org/name", "refs/pr/1", Source.HUB);
    ModelConfig local = config(Map.of(), "--model-id", model.toString()).model();
    assertThat(local.id()).isEqualTo(model.toString());
    assertThat(local.source()).isEqualTo(Source.LOCAL);
    assertThat(config(Map.of(), "--adapter-id", "org/sql@v2").model().adapters())
        .containsExactly(new AdapterReference("org/sql", "v2", Source.HUB));
  }

  @Test
  void takes_adapters_from_the_root_where_one_is_given() throws Exception {
    // given
    String root = directory.toString();

    // when
    LauncherConfig config =
        config(
            Map.of(), "--adapter-root", root, "--adapter-id", "a", "--preloaded-adapter-ids=a,b");

    // then
    assertThat(config.router().defaultAdapterSource()).isEqualTo(Source.LOCAL);
    assertThat(config.model().adapters())
        .extracting(AdapterReference::id)
        .containsExactly("a", "b");
    assertThat(
            config(Map.of(), "--adapter-root", root, "--default-adapter-source", "hub")
                .router()
                .defaultAdapterSource())
        .isEqualTo(Source.HUB);
  }

  @Test
  void finds_token_endpoint_and_cache_as_huggingface_hub_does() throws Exception {
    // given
    Path hubHome = Files.createDirectory(directory.resolve("hf"));
    Files.writeString(hubHome.resolve("token"), "hf_from_file\n");

    // when
    ModelConfig file = config(Map.of("HF_HOME", hubHome.toString())).model();
    ModelConfig variables =
        config(
                Map.of(
                    "HF_TOKEN", "hf_first",
                    "HF_API_TOKEN", "hf_last",
                    "HF_ENDPOINT", "https://hub.example/",
                    "HF_HUB_OFFLINE", "1",
                    "HF_HUB_CACHE", "/models",
                    "HUGGINGFACE_HUB_CACHE", "/older"))
            .model();

    // then
    assertThat(file.hub().token()).isEqualTo(new Secret("hf_from_file"));
    assertThat(file.cache()).isEqualTo(hubHome.resolve("hub"));
    assertThat(variables.hub().token()).isEqualTo(new Secret("hf_first"));
    assertThat(variables.hub().endpoint()).hasToString("https://hub.example");
    assertThat(variables.hub().offline()).isTrue();
    assertThat(variables.cache()).isEqualTo(Path.of("/models"));
    assertThat(variables.toString()).doesNotContain("hf_first");
  }

  @Test
  void counts_shards_by_upstreams_rules() throws Exception {
    var two = Map.of("CUDA_VISIBLE_DEVICES", "0,1");
    assertThat(config(two).shards().count()).isEqualTo(2);
    assertThat(config(two, "--sharded", "true").shards().count()).isEqualTo(2);
    assertThat(config(two, "--sharded", "false").shards().count()).isEqualTo(1);
    assertThat(config(two, "--num-shard", "4").shards().count()).isEqualTo(4);
    assertThat(config(two, "--device", "cpu").shards().count()).isEqualTo(1);
    assertThat(config(Map.of("NVIDIA_VISIBLE_DEVICES", "all")).shards().count()).isEqualTo(1);
    assertThat(config(Map.of("NVIDIA_VISIBLE_DEVICES", "2,3,4")).shards().count()).isEqualTo(3);
    assertThat(config(Map.of("SHARDED", "false", "NUM_SHARD", "2")).shards().count()).isEqualTo(2);
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
}
