package dev.lorax.launcher.convert.torch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.safetensors.Safetensors;
import dev.lorax.launcher.convert.safetensors.SafetensorsFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Checkpoints of real {@code torch.save}; torch_fixtures.py made them and what must come out. */
final class TorchConversionTest {

  @TempDir private Path directory;

  private Path model() throws IOException {
    return Files.createDirectories(directory.resolve("model"));
  }

  private Path model(String fixture) throws IOException {
    Files.copy(Fixtures.path(fixture + ".bin"), model().resolve("pytorch_model.bin"));
    return model();
  }

  private Path converted(Path model) throws Exception {
    Path converted = Files.createDirectories(directory.resolve("converted"));
    TorchConversion.ofModel(model).writeTo(converted, written -> {});
    return converted;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "dtypes",
        "views",
        "protocol2",
        "protocol3",
        "protocol4",
        "protocol5",
        "wrapped",
        "parameters",
        "tied"
      })
  void equals_what_the_safetensors_library_writes(String fixture) throws Exception {
    // when
    Path file = converted(model(fixture)).resolve("model.safetensors");

    // then
    var expected = new Safetensors(Fixtures.path(fixture + ".safetensors"));
    var actual = new Safetensors(file);
    assertThat(actual.names()).containsExactlyInAnyOrderElementsOf(expected.names());
    for (var name : expected.names()) {
      assertThat(actual.header().at("/" + name + "/dtype"))
          .as(name)
          .isEqualTo(expected.header().at("/" + name + "/dtype"));
      assertThat(actual.header().at("/" + name + "/shape"))
          .as(name)
          .isEqualTo(expected.header().at("/" + name + "/shape"));
      assertThat(actual.bytes(name)).as(name).isEqualTo(expected.bytes(name));
    }
    SafetensorsFile.check(file);
  }

  @Test
  void takes_along_what_says_how_a_model_embeds() throws Exception {
    // given
    Path model = model("dtypes");
    Files.writeString(model.resolve("modules.json"), "[]");
    Path pooling = Files.createDirectories(model.resolve("1_Pooling"));
    Files.writeString(pooling.resolve("config.json"), "{\"pooling_mode_mean_tokens\":true}");
    Files.writeString(pooling.resolve("model.bin"), "weights of something else");
    Path dense = Files.createDirectories(model.resolve("2_Dense"));
    Files.writeString(dense.resolve("pytorch_model.bin"), "a layer of its own");
    Files.writeString(Files.createDirectories(model.resolve("onnx")).resolve("config.json"), "{}");

    // when
    Path converted = converted(model);

    // then
    assertThat(converted.resolve("modules.json")).hasContent("[]");
    assertThat(converted.resolve("1_Pooling/config.json"))
        .hasContent("{\"pooling_mode_mean_tokens\":true}");
    assertThat(converted.resolve("1_Pooling").toFile().list()).containsExactly("config.json");
    assertThat(converted.resolve("2_Dense/pytorch_model.bin")).hasContent("a layer of its own");
    assertThat(converted.resolve("onnx")).doesNotExist();
  }

  @Test
  void keeps_one_name_of_tied_weights_and_says_which() throws Exception {
    // when
    var weights = new Safetensors(converted(model("tied")).resolve("model.safetensors"));

    // then
    assertThat(weights.names()).contains("embed_tokens.weight").doesNotContain("lm_head.weight");
    assertThat(weights.header().at("/__metadata__/lm_head.weight").asText())
        .isEqualTo("embed_tokens.weight");
    assertThat(weights.header().at("/__metadata__/format").asText()).isEqualTo("pt");
  }

  @Test
  void converts_file_by_file_with_a_new_index_and_copies_what_is_no_weight() throws Exception {
    // given
    Path model = model();
    for (var name :
        List.of(
            "pytorch_model-00001-of-00002.bin",
            "pytorch_model-00002-of-00002.bin",
            "pytorch_model.bin.index.json")) {
      Files.copy(Fixtures.path("sharded/" + name), model.resolve(name));
    }
    Files.writeString(model.resolve("config.json"), "{}");
    Files.writeString(model.resolve("training_args.bin"), "not weights");
    Files.createDirectory(model.resolve("onnx"));

    // when
    Path converted = converted(model);

    // then
    try (var files = Files.list(converted)) {
      assertThat(files.map(file -> file.getFileName().toString()))
          .containsExactlyInAnyOrder(
              "config.json",
              "model-00001-of-00002.safetensors",
              "model-00002-of-00002.safetensors",
              "model.safetensors.index.json");
    }
    JsonNode index =
        new ObjectMapper().readTree(converted.resolve("model.safetensors.index.json").toFile());
    assertThat(index.at("/weight_map").toString())
        .isEqualTo(
            "{\"a.weight\":\"model-00001-of-00002.safetensors\","
                + "\"b.weight\":\"model-00002-of-00002.safetensors\","
                + "\"c.weight\":\"model-00002-of-00002.safetensors\"}");
    assertThat(index.at("/metadata/total_size").asInt()).isEqualTo(44);
    assertThat(
            new Safetensors(converted.resolve("model-00001-of-00002.safetensors"))
                .values("a.weight"))
        .containsExactly(0, 1, 2, 3, 4, 5);
  }

  @Test
  void converts_an_adapter_and_nothing_beside_it() throws Exception {
    // given
    Path adapter = model();
    Files.copy(Fixtures.path("protocol2.bin"), adapter.resolve("adapter_model.bin"));
    Files.writeString(adapter.resolve("adapter_config.json"), "{}");
    Path converted = Files.createDirectories(directory.resolve("converted"));

    // when
    TorchConversion.ofAdapter(adapter).writeTo(converted, written -> {});

    // then
    assertThat(converted).isDirectoryContaining("glob:**/adapter_model.safetensors");
    assertThat(converted.resolve("adapter_config.json")).doesNotExist();
  }

  @Test
  void reports_the_bytes_that_are_written() throws Exception {
    // given
    var conversion = TorchConversion.ofModel(model("dtypes"));
    List<Long> progress = new ArrayList<>();

    // when
    conversion.writeTo(Files.createDirectories(directory.resolve("converted")), progress::add);

    // then
    assertThat(progress).isSorted().endsWith(conversion.weightBytes());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "hostile  | refuses to run `posix.system` from pytorch_model.bin: only weights are read",
        "module   | refuses to run `__main__.Tied` from pytorch_model.bin: only weights are read",
        "complex  | refuses to run `torch.ComplexFloatStorage` from pytorch_model.bin: only weights are read",
        "number   | weights file %s holds a number under step, expected only tensors",
        "list     | weights file %s is a list, expected a dict of tensors",
        "legacy   | weights file %s is in the format of PyTorch before 1.6: rewrite it with a newer PyTorch, torch.save(torch.load(FILE, weights_only=True), FILE)",
        "script   | weights file %s is a TorchScript program, not a checkpoint: save the model's state_dict() instead",
        "nan      | tensor weight of pytorch_model.bin holds NaN or infinity, so the model would only produce noise: get another copy of the checkpoint",
        "infinity | tensor weight of pytorch_model.bin holds NaN or infinity, so the model would only produce noise: get another copy of the checkpoint",
      })
  void refuses_what_is_no_sound_checkpoint(String fixture, String sentence) throws Exception {
    // given
    Path model = model(fixture);

    // then
    assertThatThrownBy(() -> converted(model))
        .isInstanceOf(ConversionException.class)
        .hasMessage(sentence, model.resolve("pytorch_model.bin"));
  }

  @Test
  void refuses_an_index_that_leads_out_of_the_directory_or_promises_too_much() throws Exception {
    // given
    Path model = model("protocol2");
    Path index = model.resolve("pytorch_model.bin.index.json");

    // then
    Files.writeString(index, "{\"weight_map\": {\"a\": \"../other/secret.bin\"}}");
    assertThatThrownBy(() -> TorchConversion.ofModel(model))
        .hasMessage("%s names ../other/secret.bin, expected a .bin file beside it", index);
    Files.writeString(index, "{\"weight_map\": {\"absent.weight\": \"pytorch_model.bin\"}}");
    assertThatThrownBy(() -> TorchConversion.ofModel(model))
        .hasMessage(
            "pytorch_model.bin lacks tensor absent.weight, which the index promises: copy or download the model again");
  }
}
