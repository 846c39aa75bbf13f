package dev.lorax.launcher.convert.torch;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Everything in a model directory that is not the model's weights: configuration, tokenizer,
 * templates, and the folders with which sentence-transformers says how the model embeds.
 */
final class CompanionFiles {

  /** Weights of any framework, and the index of those that are converted. */
  private static final Pattern WEIGHTS =
      Pattern.compile(
          ".*\\.(bin|safetensors|pt|pth|ckpt|gguf|h5|msgpack|onnx|ot|tflite)"
              + "|.*\\.(bin|safetensors)\\.index\\.json");

  /** Shards read these of such a folder as they are. */
  private static final Set<String> MODULE_WEIGHTS =
      Set.of("model.safetensors", "pytorch_model.bin");

  private static final Pattern SENTENCE_MODULE = Pattern.compile("\\d+_\\w+");

  private CompanionFiles() {}

  /** Copies the files themselves, though they may be links into a cache. */
  static void copy(Path from, Path to) throws IOException {
    copy(from, to, Set.of());
  }

  private static void copy(Path from, Path to, Set<String> weights) throws IOException {
    try (var files = Files.newDirectoryStream(from)) {
      for (var file : files) {
        String name = String.valueOf(file.getFileName());
        boolean wanted = !WEIGHTS.matcher(name).matches() || weights.contains(name);
        if (Files.isRegularFile(file) && !name.startsWith(".") && wanted) {
          Files.copy(file, to.resolve(name), StandardCopyOption.COPY_ATTRIBUTES);
        } else if (Files.isDirectory(file) && SENTENCE_MODULE.matcher(name).matches()) {
          copy(file, Files.createDirectories(to.resolve(name)), MODULE_WEIGHTS);
        }
      }
    }
  }
}
