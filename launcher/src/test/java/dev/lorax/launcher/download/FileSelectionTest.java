package dev.lorax.launcher.download;

import static dev.lorax.launcher.download.FileSelection.ADAPTER;
import static dev.lorax.launcher.download.FileSelection.BASE_MODEL;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import dev.lorax.launcher.download.FileSelection.Weights;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

final class FileSelectionTest {

  private static final String INDEX = "model.safetensors.index.json";
  private static final String OTHER_INDEX = "gptq_model-4bit-128g.safetensors.index.json";
  private static final String OTHER_PART = "gptq_model-4bit-128g-00001-of-00001.safetensors";

  static Stream<Arguments> chooses_the_weights_that_the_loaders_prefer() {
    return Stream.of(
        arguments(BASE_MODEL, List.of("model.safetensors", INDEX), new Weights.Indexed(INDEX)),
        arguments(
            BASE_MODEL, List.of("model.safetensors", OTHER_INDEX), files("model.safetensors")),
        arguments(BASE_MODEL, List.of(OTHER_PART, OTHER_INDEX), new Weights.Indexed(OTHER_INDEX)),
        arguments(BASE_MODEL, List.of(OTHER_PART, "adapter_model.safetensors"), files(OTHER_PART)),
        arguments(
            BASE_MODEL,
            List.of("pytorch_model.bin", "pytorch_model.bin.index.json"),
            new Weights.Indexed("pytorch_model.bin.index.json")),
        arguments(BASE_MODEL, List.of("a.gguf"), new Weights.Gguf("a.gguf")),
        arguments(
            ADAPTER,
            List.of("adapter_model.safetensors", "adapter_model.bin", INDEX),
            files("adapter_model.safetensors")));
  }

  @ParameterizedTest
  @MethodSource
  void chooses_the_weights_that_the_loaders_prefer(
      FileSelection selection, List<String> paths, Weights expected) throws DownloadException {
    assertThat(selection.weights("org/model", paths)).isEqualTo(expected);
  }

  private static Weights files(String... names) {
    return new Weights.Files(List.of(names));
  }
}
