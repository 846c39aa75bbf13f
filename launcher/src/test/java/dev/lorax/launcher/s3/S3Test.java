package dev.lorax.launcher.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.config.S3Config;
import dev.lorax.launcher.config.Secret;
import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.download.Downloads;
import dev.lorax.launcher.download.FileSelection;
import dev.lorax.launcher.download.Progress;
import dev.lorax.launcher.download.RetryPolicy;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class S3Test {

  private static final Duration STALL = Duration.ofSeconds(10);
  private static final int WEIGHTS_BYTES = 3 << 20;

  @TempDir private Path directory;
  private TestingStore store;
  private TestingWire wire;

  @BeforeEach
  void start() throws Exception {
    store = new TestingStore(directory.resolve("store"));
    wire = new TestingWire(store.endpoint());
    for (var name : List.of("config.json", "tokenizer.json", "tokenizer_config.json")) {
      store.put("team/tiny/" + name, "{}".getBytes(StandardCharsets.UTF_8));
    }
    store.put("team/tiny/model.safetensors", weights(1));
    store.put("team/tiny/README.md", new byte[9]);
    store.put("team/tiny/checkpoint-7/model.safetensors", new byte[9]);
    store.put("team/tiny-other/model.safetensors", new byte[9]);
  }

  @AfterEach
  void stop() throws Exception {
    wire.close();
    store.close();
  }

  private static byte[] weights(int seed) {
    var bytes = new byte[WEIGHTS_BYTES];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private Path cache() {
    return directory.resolve("cache");
  }

  private Path snapshot(String id) throws Exception {
    return snapshot(id, config(wire.endpoint(), TestingStore.KEY_ID, TestingStore.SECRET));
  }

  private Path snapshot(String id, S3Config config) throws Exception {
    var policy =
        new RetryPolicy(
            2, Duration.ofMillis(10), Duration.ofMillis(20), Duration.ofSeconds(1), STALL);
    var downloads = new Downloads(policy, new Progress(), InstantSource.system());
    Files.createDirectories(cache());
    try (var s3 = new S3(config, STALL, cache(), downloads)) {
      return s3.snapshot(
          S3Address.of(id),
          id.contains("adapter") ? FileSelection.ADAPTER : FileSelection.BASE_MODEL);
    }
  }

  private static S3Config config(URI endpoint, String keyId, String secret) {
    return new S3Config(endpoint, null, keyId, new Secret(secret), null, null);
  }

  @Test
  void brings_what_is_wanted_directly_below_the_prefix() throws Exception {
    // when
    Path snapshot = snapshot("s3://models/team/tiny");

    // then
    Path address = cache().resolve("s3--models--team--tiny");
    assertThat(snapshot).hasParent(address.resolve("snapshots"));
    assertThat(names(snapshot))
        .containsExactly(
            "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json");
    assertThat(Files.readAllBytes(snapshot.resolve("model.safetensors"))).isEqualTo(weights(1));
    assertThat(address.resolve("refs/main")).hasContent(String.valueOf(snapshot.getFileName()));
    assertThat(address.resolve("unfinished")).doesNotExist();
  }

  private static List<String> names(Path snapshot) throws Exception {
    try (var files = Files.list(snapshot)) {
      return files.map(file -> String.valueOf(file.getFileName())).sorted().toList();
    }
  }

  @Test
  void a_warm_start_asks_for_the_list_alone() throws Exception {
    // given
    Path cold = snapshot("models/team/tiny");
    wire.forget();

    // when
    Path warm = snapshot("models/team/tiny");

    // then
    assertThat(warm).isEqualTo(cold);
    assertThat(wire.requests()).hasSize(1);
    assertThat(wire.requests().getFirst()).contains("list-type=2");
  }

  @Test
  void continues_where_the_connection_broke() throws Exception {
    // given
    wire.onRequest(request -> {
      if (request.startsWith("GET /models/team/tiny/model.safetensors")
          && !request.contains("Range:")) {
        wire.cut(1, WEIGHTS_BYTES / 2);
      }
    });

    // when
    Path snapshot = snapshot("models/team/tiny");

    // then
    assertThat(Files.readAllBytes(snapshot.resolve("model.safetensors"))).isEqualTo(weights(1));
    assertThat(wire.requests())
        .filteredOn(request -> request.startsWith("GET /models/team/tiny/model.safetensors"))
        .last()
        .asString()
        .containsPattern("Range: bytes=[1-9]\\d{5,}-");
  }

  @Test
  void takes_the_new_version_when_an_object_changes_under_way() throws Exception {
    // given
    var changed = new AtomicBoolean();
    wire.onRequest(request -> {
      if (request.startsWith("GET /models/team/tiny/model.safetensors")
          && changed.compareAndSet(false, true)) {
        store.put("team/tiny/model.safetensors", weights(2));
      }
    });

    // when
    Path snapshot = snapshot("models/team/tiny");

    // then
    assertThat(Files.readAllBytes(snapshot.resolve("model.safetensors"))).isEqualTo(weights(2));
  }

  @Test
  void keeps_both_versions_of_a_model_that_was_replaced() throws Exception {
    // given
    Path first = snapshot("models/team/tiny");
    store.put("team/tiny/model.safetensors", weights(2));

    // when
    Path second = snapshot("models/team/tiny");

    // then
    assertThat(Files.readAllBytes(first.resolve("model.safetensors"))).isEqualTo(weights(1));
    assertThat(Files.readAllBytes(second.resolve("model.safetensors"))).isEqualTo(weights(2));
  }

  @Test
  void brings_the_files_that_an_index_names_and_objects_of_several_parts() throws Exception {
    // given
    for (var name : List.of("config.json", "tokenizer.json", "tokenizer_config.json")) {
      store.put("sharded/" + name, "{}".getBytes(StandardCharsets.UTF_8));
    }
    store.put(
        "sharded/model.safetensors.index.json",
        "{\"weight_map\": {\"a\": \"model-1.safetensors\"}}".getBytes(StandardCharsets.UTF_8));
    store.putInParts("sharded/model-1.safetensors", new byte[5 << 20], weights(3));
    store.put("sharded/consolidated.safetensors", new byte[9]);

    // when
    Path snapshot = snapshot("models/sharded");

    // then
    assertThat(names(snapshot))
        .contains("model.safetensors.index.json", "model-1.safetensors")
        .doesNotContain("consolidated.safetensors");
    assertThat(snapshot.resolve("model-1.safetensors")).hasSize((5 << 20) + WEIGHTS_BYTES);
  }

  @Test
  void lists_more_than_a_page() throws Exception {
    // given
    for (int i = 0; i < 1005; i++) {
      store.put("team/tiny/a-%04d.txt".formatted(i), new byte[1]);
    }

    // when
    Path snapshot = snapshot("models/team/tiny");

    // then
    assertThat(snapshot.resolve("model.safetensors")).exists();
    assertThat(wire.requests())
        .filteredOn(request -> request.contains("continuation-token="))
        .isNotEmpty();
  }

  @Test
  void an_adapter_is_its_configuration_and_weights() throws Exception {
    // given
    for (var name : List.of("adapter_config.json", "adapter_model.safetensors", "README.md")) {
      store.put("team/adapter/" + name, name.getBytes(StandardCharsets.UTF_8));
    }

    // then
    assertThat(names(snapshot("models/team/adapter")))
        .containsExactly("adapter_config.json", "adapter_model.safetensors");
  }

  @Test
  void what_the_cache_holds_will_do_while_the_store_is_away() throws Exception {
    // given
    Path snapshot = snapshot("models/team/tiny");
    wire.close();

    // then
    assertThat(snapshot("models/team/tiny")).isEqualTo(snapshot);
  }

  @Test
  void says_what_is_wrong_in_a_sentence() {
    // then
    assertRefused(
        "models/team/absent",
        TestingStore.KEY_ID,
        TestingStore.SECRET,
        "there is nothing below team/absent/ in bucket models: check the id");
    assertRefused(
        "nowhere/team/tiny",
        TestingStore.KEY_ID,
        TestingStore.SECRET,
        "there is no bucket nowhere at %s: check the id and S3_ENDPOINT_URL"
            .formatted(wire.endpoint()));
    assertRefused(
        "models/team/tiny",
        TestingStore.KEY_ID,
        "wrong",
        "%s finds that the secret key does not belong to the access key: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            .formatted(wire.endpoint()));
    assertRefused(
        "models/team/tiny",
        "AKIAUNKNOWN",
        TestingStore.SECRET,
        "%s does not know the access key: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
            .formatted(wire.endpoint()));
    assertRefused(
        "models",
        TestingStore.KEY_ID,
        TestingStore.SECRET,
        "models is no id of source s3: expected s3://bucket/prefix of letters, digits and single dashes");
  }

  private void assertRefused(String id, String keyId, String secret, String sentence) {
    assertThatThrownBy(() -> snapshot(id, config(wire.endpoint(), keyId, secret)))
        .isInstanceOf(DownloadException.class)
        .hasMessage(sentence);
  }

  @Test
  void says_that_the_store_cannot_be_reached() throws Exception {
    // given
    wire.close();

    // then
    assertThatThrownBy(() -> snapshot("models/team/tiny"))
        .isInstanceOf(DownloadException.class)
        .hasMessage(
            "s3://models/team/tiny: %s cannot be reached: Connection refused (gave up after 2 attempts)",
            wire.endpoint());
  }
}
