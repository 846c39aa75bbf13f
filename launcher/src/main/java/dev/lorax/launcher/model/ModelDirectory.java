package dev.lorax.launcher.model;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.failure.FailureCode;
import dev.lorax.launcher.failure.Refusal;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * A directory in Hugging Face layout with everything that shards and router read.
 *
 * @param name what clients call the model: that of the directory or file it was made from
 */
public record ModelDirectory(String name, Path path, OptionalInt maxPositionEmbeddings) {

  private static final List<String> REQUIRED =
      List.of("config.json", "tokenizer.json", "tokenizer_config.json");
  private static final List<String> CONTEXT_LENGTHS =
      List.of("max_position_embeddings", "max_seq_len", "n_positions");

  /** Checks that the files are there and the weights whole; the rest is the shard's business. */
  public static ModelDirectory open(String name, Path path) throws ModelException {
    List<String> missing = new ArrayList<>();
    for (var file : REQUIRED) {
      if (!Files.isRegularFile(path.resolve(file))) {
        missing.add(file);
      }
    }
    try {
      if (WeightFiles.in(path).isEmpty()) {
        missing.add("*.safetensors");
      }
      if (!missing.isEmpty()) {
        throw new ModelException(
            FailureCode.INCOMPLETE_MODEL,
            "model directory %s lacks %s".formatted(path, String.join(", ", missing)));
      }
      WeightFiles.check(path);
      return new ModelDirectory(name, path, contextLength(path.resolve("config.json")));
    } catch (ConversionException e) {
      throw new ModelException(e.code(), String.valueOf(e.getMessage()), e);
    } catch (JsonProcessingException e) {
      throw new ModelException(
          FailureCode.CORRUPT_FILE,
          "model directory %s: config.json is no JSON: %s".formatted(path, e.getOriginalMessage()),
          e);
    } catch (IOException e) {
      throw new ModelException(
          FailureCode.of(e), "model directory %s: %s".formatted(path, Refusal.sentence(e)), e);
    }
  }

  private static OptionalInt contextLength(Path config) throws IOException {
    JsonNode json = new ObjectMapper().readTree(config.toFile());
    for (var key : CONTEXT_LENGTHS) {
      if (json.path(key).isInt()) {
        return OptionalInt.of(json.path(key).intValue());
      }
    }
    return OptionalInt.empty();
  }
}
