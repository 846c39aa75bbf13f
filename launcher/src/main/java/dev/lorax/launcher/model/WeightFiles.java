package dev.lorax.launcher.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.safetensors.SafetensorsFile;
import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** The safetensors of a directory, checked before a shard spends minutes to find them broken. */
final class WeightFiles {

  private static final String INDEX = "model.safetensors.index.json";

  private WeightFiles() {}

  /** Sorted; empty if there are none. */
  static List<Path> in(Path directory) throws IOException {
    List<Path> found = new ArrayList<>();
    try (var files = Files.newDirectoryStream(directory, "*.safetensors")) {
      files.forEach(found::add);
    }
    found.sort(null);
    return found;
  }

  /** Throws, with one sentence, where a file is cut off, damaged, or promised and not there. */
  static void check(Path directory) throws IOException, ConversionException {
    for (var name : indexed(directory)) {
      if (!Files.isRegularFile(directory.resolve(name))) {
        throw new ConversionException(
            FailureCode.INCOMPLETE_MODEL,
            "model directory %s lacks %s, which %s names: copy or download the model again"
                .formatted(directory, name, INDEX));
      }
    }
    for (var file : in(directory)) {
      SafetensorsFile.check(file);
    }
  }

  private static Set<String> indexed(Path directory) throws IOException {
    Path index = directory.resolve(INDEX);
    Set<String> names = new HashSet<>();
    if (Files.exists(index)) {
      JsonNode map = new ObjectMapper().readTree(index.toFile()).path("weight_map");
      map.forEach(name -> names.add(name.asText()));
    }
    return names;
  }
}
