package dev.lorax.launcher.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lorax.launcher.config.ArgumentException;
import dev.lorax.launcher.config.LauncherArguments;
import dev.lorax.launcher.convert.gguf.TinyGguf;
import dev.lorax.launcher.convert.torch.Fixtures;
import dev.lorax.launcher.download.Progress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class ModelStoreTest {

  @TempDir private Path directory;

  private ModelStore store(Object id) throws ArgumentException {
    return store(id, InstantSource.system());
  }

  private ModelStore store(Object id, InstantSource clock) throws ArgumentException {
    List<String> line =
        List.of("--model-id", id.toString(), "--huggingface-hub-cache", directory + "/cache");
    var parsed = LauncherArguments.parse(line, Map.of(), directory);
    var config = ((LauncherArguments.Parsed.Run) parsed).config();
    return new ModelStore(config.model(), new Progress(), clock);
  }

  @Test
  void converts_a_gguf_file_into_a_directory_named_after_its_content() throws Exception {
    // given
    Path file = TinyGguf.llama().write(directory.resolve("tiny.Q4.gguf"));

    // when
    ModelDirectory model = store(file).downloadAndConvert();

    // then
    assertThat(model.name()).isEqualTo("tiny.Q4");
    assertThat(model.path().getFileName().toString()).matches("gguf--tiny\\.Q4--[0-9a-f]{12}");
    assertThat(model.maxPositionEmbeddings()).hasValue(64);
    assertThat(model.path().getParent()).isDirectoryNotContaining("glob:**/*.unfinished");
  }

  @Test
  void converts_the_same_content_once() throws Exception {
    // given
    Path file = TinyGguf.llama().write(directory.resolve("tiny.gguf"));
    Path weights = store(file).downloadAndConvert().path().resolve("model.safetensors");
    var old = FileTime.fromMillis(0);
    Files.setLastModifiedTime(weights, old);

    // when
    store(file).downloadAndConvert();

    // then
    assertThat(Files.getLastModifiedTime(weights)).isEqualTo(old);
  }

  @Test
  void knows_a_file_again_without_reading_it() throws Exception {
    // given
    Path file = TinyGguf.llama().write(directory.resolve("tiny.gguf"));
    var later = InstantSource.offset(InstantSource.system(), Duration.ofHours(1));
    Path made = store(file, later).downloadAndConvert().path();

    // when
    Path elsewhere = made.resolveSibling("gguf--tiny--not-its-content");
    Files.move(made, elsewhere);
    Path link = onlyLink(made.resolveSibling("."));
    Files.delete(link);
    Files.createSymbolicLink(link, elsewhere.getFileName());

    // then
    assertThat(store(file, later).downloadAndConvert().path()).isEqualTo(elsewhere);
  }

  @Test
  void a_file_with_new_content_is_another_one_though_it_looks_the_same() throws Exception {
    // given
    Path file = TinyGguf.llama().write(directory.resolve("tiny.gguf"));
    var later = InstantSource.offset(InstantSource.system(), Duration.ofHours(1));
    Path before = store(file, later).downloadAndConvert().path();
    FileTime modified = Files.getLastModifiedTime(file);
    byte[] content = Files.readAllBytes(file);

    // when
    content[content.length - 1] ^= 1;
    Files.write(file, content);
    Files.setLastModifiedTime(file, modified);

    // then
    Path after = store(file, later).downloadAndConvert().path();
    assertThat(after).isDirectory().isNotEqualTo(before);
  }

  @Test
  void a_file_that_has_just_changed_is_not_remembered() throws Exception {
    // given
    Path file = TinyGguf.llama().write(directory.resolve("tiny.gguf"));
    InstantSource then = InstantSource.fixed(Instant.now());

    // when
    Path made = store(file, then).downloadAndConvert().path();

    // then
    assertThat(links(made.resolveSibling("."))).isEmpty();
  }

  @Test
  void converts_a_known_file_again_when_its_model_has_gone() throws Exception {
    // given
    Path file = TinyGguf.llama().write(directory.resolve("tiny.gguf"));
    var later = InstantSource.offset(InstantSource.system(), Duration.ofHours(1));
    Path made = store(file, later).downloadAndConvert().path();
    Files.move(made, directory.resolve("gone"));

    // when
    Path again = store(file, later).downloadAndConvert().path();

    // then
    assertThat(again).isEqualTo(made).isDirectory();
  }

  private static Path onlyLink(Path cache) throws IOException {
    assertThat(links(cache)).hasSize(1);
    return links(cache).getFirst();
  }

  private static List<Path> links(Path cache) throws IOException {
    try (var files = Files.list(cache.normalize())) {
      return files.filter(Files::isSymbolicLink).toList();
    }
  }

  @Test
  void makes_up_for_a_conversion_that_was_killed() throws Exception {
    // given
    Path file = TinyGguf.llama().write(directory.resolve("tiny.gguf"));
    Path made = store(file).downloadAndConvert().path();
    Path unfinished = made.resolveSibling("." + made.getFileName() + ".unfinished");
    Files.move(made, unfinished);
    Files.delete(unfinished.resolve("config.json"));

    // when
    ModelDirectory model = store(file).downloadAndConvert();

    // then
    assertThat(model.path()).isEqualTo(made);
    assertThat(unfinished).doesNotExist();
  }

  @Test
  void an_interrupt_stops_the_conversion_and_leaves_nothing() throws Exception {
    // given
    Path file = TinyGguf.llama().write(directory.resolve("tiny.gguf"));

    // when
    Thread.currentThread().interrupt();

    // then
    assertThatThrownBy(() -> store(file).downloadAndConvert())
        .isInstanceOf(InterruptedException.class);
    assertThat(Thread.interrupted()).isFalse();
    assertThat(directory.resolve("cache")).doesNotExist();
  }

  @Test
  void takes_a_directory_in_hugging_face_layout_as_it_is() throws Exception {
    // given
    Path file = TinyGguf.llama().write(directory.resolve("tiny.gguf"));
    Path layout = store(file).downloadAndConvert().path();

    // then
    assertThat(store(layout).downloadAndConvert().path()).isEqualTo(layout);
  }

  private Path torchModel() throws IOException {
    Path model = Files.createDirectory(directory.resolve("tiny-torch"));
    Files.copy(Fixtures.path("tied.bin"), model.resolve("pytorch_model.bin"));
    Files.writeString(model.resolve("config.json"), "{\"n_positions\": 32}");
    Files.writeString(model.resolve("tokenizer.json"), "{}");
    Files.writeString(model.resolve("tokenizer_config.json"), "{}");
    return model;
  }

  @Test
  void converts_pytorch_weights_of_a_directory_that_it_only_reads() throws Exception {
    // given
    Path source = torchModel();
    source.toFile().setWritable(false);

    // when
    ModelDirectory model = store(source).downloadAndConvert();

    // then
    assertThat(model.name()).isEqualTo("tiny-torch");
    assertThat(model.path().getFileName().toString()).matches("bin--tiny-torch--[0-9a-f]{12}");
    assertThat(model.maxPositionEmbeddings()).hasValue(32);
    assertThat(model.path()).isDirectoryContaining("glob:**/model.safetensors");
    assertThat(store(source).downloadAndConvert().path()).isEqualTo(model.path());
    assertThat(source).isDirectoryNotContaining("glob:**/*.safetensors");
  }

  @Test
  void converts_pytorch_weights_again_when_they_change() throws Exception {
    // given
    Path source = torchModel();
    Path before = store(source).downloadAndConvert().path();

    // when
    Files.setLastModifiedTime(source.resolve("pytorch_model.bin"), FileTime.fromMillis(0));

    // then
    assertThat(store(source).downloadAndConvert().path()).isNotEqualTo(before);
  }

  @Test
  void refuses_a_checkpoint_that_would_run_something_and_leaves_nothing() throws Exception {
    // given
    Path source = torchModel();
    Files.copy(
        Fixtures.path("hostile.bin"),
        source.resolve("pytorch_model.bin"),
        StandardCopyOption.REPLACE_EXISTING);

    // then
    assertRefused(
        source,
        "model %s: refuses to run `posix.system` from pytorch_model.bin: only weights are read"
            .formatted(source));
    assertThat(directory.resolve("cache"))
        .isDirectoryNotContaining("glob:**/{bin--*,*.unfinished}");
  }

  @Test
  void names_a_weights_file_that_is_cut_off_before_any_shard_starts() throws Exception {
    // given
    Path source = torchModel();
    Path weights = source.resolve("model.safetensors");
    byte[] whole = Files.readAllBytes(Fixtures.path("tied.safetensors"));
    Files.write(weights, Arrays.copyOf(whole, whole.length - 1));

    // then
    assertRefused(
        source,
        "weights file %s is cut off: expected %d bytes, got %d; copy or download it again"
            .formatted(weights, whole.length, whole.length - 1));
  }

  @Test
  void names_a_weights_file_that_the_index_promises() throws Exception {
    // given
    Path source = torchModel();
    Files.copy(Fixtures.path("tied.safetensors"), source.resolve("model-1.safetensors"));
    Files.writeString(
        source.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"a\": \"model-1.safetensors\", \"b\": \"model-2.safetensors\"}}");

    // then
    assertRefused(
        source,
        "model directory %s lacks model-2.safetensors, which model.safetensors.index.json names: copy or download the model again"
            .formatted(source));
  }

  @Test
  void says_what_is_missing() throws Exception {
    // given
    Path empty = Files.createDirectory(directory.resolve("empty"));
    Path text = Files.writeString(directory.resolve("model.txt"), "");

    // then
    assertRefused(
        empty,
        "model directory %s lacks config.json, tokenizer.json, tokenizer_config.json, *.safetensors"
            .formatted(empty));
    assertRefused(
        text,
        "model %s must be a directory in Hugging Face layout or a .gguf file".formatted(text));
  }

  private void assertRefused(Object id, String sentence) {
    assertThatThrownBy(() -> store(id).downloadAndConvert())
        .isInstanceOf(ModelException.class)
        .hasMessage(sentence);
  }
}
