package dev.lorax.launcher;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.convert.torch.Fixtures;
import dev.lorax.launcher.s3.TestingStore;
import dev.lorax.launcher.testing.LauncherTestCase;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Launchers that download from an S3-compatible store. */
final class S3LauncherTest extends LauncherTestCase {

  @TempDir private Path directory;
  private TestingStore store;

  @BeforeEach
  void startStore() throws Exception {
    store = new TestingStore(directory.resolve("store"));
    store.putDirectory(launcher().model(), "team/tiny");
  }

  @AfterEach
  void stopStore() throws Exception {
    store.close();
  }

  private Path cache() {
    return directory.resolve("cache");
  }

  private Process download(String model, String secret, String... options) {
    List<String> line =
        List.of("--source", "s3", "--model-id", model, "--huggingface-hub-cache", cache() + "");
    Map<String, String> variables =
        Map.of(
            "S3_ENDPOINT_URL",
            store.endpoint().toString(),
            "AWS_ACCESS_KEY_ID",
            TestingStore.KEY_ID,
            "AWS_SECRET_ACCESS_KEY",
            secret);
    return launcher()
        .run(
            Stream.of(line, List.of("--download-only"), List.of(options))
                .flatMap(List::stream)
                .toList(),
            variables);
  }

  @Test
  void downloads_a_model_once() throws Exception {
    // when
    awaitExit(download("models/team/tiny", TestingStore.SECRET), 0);
    awaitExit(download("s3://models/team/tiny", TestingStore.SECRET), 0);

    // then
    try (var snapshots = Files.list(cache().resolve("s3--models--team--tiny/snapshots"))) {
      assertThat(snapshots)
          .singleElement()
          .satisfies(snapshot ->
              assertThat(snapshot.resolve("model.safetensors"))
                  .hasSameBinaryContentAs(launcher().model().resolve("model.safetensors")));
    }
    assertThat(launcher().log()).containsOnlyOnce("downloaded").doesNotContain(TestingStore.SECRET);
  }

  @Test
  void converts_pytorch_weights_of_a_bucket() throws Exception {
    // given
    for (var name : List.of("config.json", "tokenizer.json", "tokenizer_config.json")) {
      store.put("torch/" + name, Files.readAllBytes(launcher().model().resolve(name)));
    }
    store.put("torch/pytorch_model.bin", Files.readAllBytes(Fixtures.path("tied.bin")));

    // when
    awaitExit(download("s3://models/torch", TestingStore.SECRET), 0);

    // then
    try (var cached = Files.list(cache())) {
      assertThat(cached.filter(path -> String.valueOf(path.getFileName()).startsWith("bin--")))
          .singleElement()
          .satisfies(
              made -> assertThat(made.toString()).matches(".*/bin--models--torch--[0-9a-f]{12}"))
          .satisfies(made -> assertThat(made.resolve("model.safetensors")).exists());
    }
  }

  @Test
  void ends_with_the_reason() throws Exception {
    // when
    Process process =
        download(
            "models/team/tiny",
            "the wrong secret",
            "--termination-log",
            terminationLog().toString());

    // then
    awaitExit(process, 1);
    assertThat(terminationLog())
        .hasContent(
            "WrongToken: model models/team/tiny: %s finds that the secret key does not belong to the access key: check AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                .formatted(store.endpoint()));
    assertThat(launcher().log()).doesNotContain("the wrong secret");
  }
}
