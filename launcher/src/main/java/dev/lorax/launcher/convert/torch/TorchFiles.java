package dev.lorax.launcher.convert.torch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.launcher.convert.ConversionException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Which files of a model directory are its PyTorch weights. */
final class TorchFiles {

  static final String ADAPTER = "adapter_model.bin";

  private static final String INDEX = "pytorch_model.bin.index.json";

  /** Not weights, by upstream's rule; and the adapter that may lie beside a model. */
  private static final Pattern NO_WEIGHTS =
      Pattern.compile(".*(arguments|args|training).*|" + Pattern.quote(ADAPTER));

  private TorchFiles() {}

  /** File names in order; the index, where there is one, decides. */
  static List<String> ofModel(Path directory) throws IOException, ConversionException {
    Path index = directory.resolve(INDEX);
    if (Files.exists(index)) {
      return List.copyOf(indexed(index).keySet());
    }
    List<String> names = new ArrayList<>();
    try (var files = Files.newDirectoryStream(directory, "*.bin")) {
      for (var file : files) {
        String name = String.valueOf(file.getFileName());
        if (!NO_WEIGHTS.matcher(name).matches()) {
          names.add(name);
        }
      }
    }
    names.sort(null);
    return List.copyOf(names);
  }

  /** Tensors that the index promises, by file; empty without an index. */
  static Map<String, Set<String>> promised(Path directory) throws IOException, ConversionException {
    Path index = directory.resolve(INDEX);
    return Files.exists(index) ? indexed(index) : Map.of();
  }

  private static Map<String, Set<String>> indexed(Path index)
      throws IOException, ConversionException {
    JsonNode map;
    try {
      map = new ObjectMapper().readTree(index.toFile()).path("weight_map");
    } catch (JsonProcessingException e) {
      throw ConversionException.corrupt("%s is not JSON".formatted(index));
    }
    Map<String, Set<String>> tensors = new TreeMap<>();
    for (var entry : map.properties()) {
      String file = entry.getValue().asText();
      // The name comes from whoever made the model: it must stay in the directory.
      if (!file.endsWith(".bin") || file.contains("/") || file.contains("\\")) {
        throw ConversionException.corrupt(
            "%s names %s, expected a .bin file beside it".formatted(index, file));
      }
      tensors.computeIfAbsent(file, absent -> new TreeSet<>()).add(entry.getKey());
    }
    if (tensors.isEmpty()) {
      throw ConversionException.corrupt("%s has no weight_map".formatted(index));
    }
    return tensors;
  }

  /** {@code pytorch_model-00001-of-00002.bin} becomes {@code model-00001-of-00002.safetensors}. */
  static String safetensors(String name) {
    String stem = name.substring(0, name.length() - ".bin".length());
    String shorter = stem.startsWith("pytorch_") ? stem.substring("pytorch_".length()) : stem;
    return shorter + ".safetensors";
  }
}
