package dev.lorax.launcher.convert.torch;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lorax.launcher.convert.Conversion;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.ConversionProgress;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * PyTorch weights of a model or adapter about to become safetensors of the same names, element
 * types and values. Not thread-safe.
 */
public final class TorchConversion implements Conversion {

  private static final String INDEX = "model.safetensors.index.json";

  private final List<TorchCheckpoint> checkpoints;

  /** Its other files go with the weights; null where they stay. */
  private final @Nullable Path companions;

  private TorchConversion(List<TorchCheckpoint> checkpoints, @Nullable Path companions) {
    this.checkpoints = checkpoints;
    this.companions = companions;
  }

  /** Names of the weight files of a model directory, in order; empty if it has none. */
  public static List<String> modelFiles(Path directory) throws IOException, ConversionException {
    return TorchFiles.ofModel(directory);
  }

  /**
   * Reads what is where, and refuses what cannot be converted. Configuration and tokenizer will be
   * copied beside the weights.
   */
  public static TorchConversion ofModel(Path directory) throws IOException, ConversionException {
    List<TorchCheckpoint> checkpoints = new ArrayList<>();
    for (var name : TorchFiles.ofModel(directory)) {
      checkpoints.add(TorchCheckpoint.open(directory.resolve(name)));
    }
    requireTensors(checkpoints, TorchFiles.promised(directory));
    return new TorchConversion(checkpoints, directory);
  }

  /**
   * The same for {@code adapter_model.bin}, which becomes {@code adapter_model.safetensors} and
   * nothing else.
   */
  public static TorchConversion ofAdapter(Path directory) throws IOException, ConversionException {
    return new TorchConversion(
        List.of(TorchCheckpoint.open(directory.resolve(TorchFiles.ADAPTER))), null);
  }

  private static void requireTensors(
      List<TorchCheckpoint> checkpoints, Map<String, Set<String>> promised)
      throws ConversionException {
    for (var checkpoint : checkpoints) {
      Set<String> missing = new HashSet<>(promised.getOrDefault(checkpoint.fileName(), Set.of()));
      missing.removeAll(checkpoint.tensors().keySet());
      if (!missing.isEmpty()) {
        throw ConversionException.corrupt(
            "%s lacks tensor %s, which the index promises: copy or download the model again"
                .formatted(checkpoint.fileName(), missing.iterator().next()));
      }
    }
  }

  @Override
  public long weightBytes() {
    return checkpoints.stream()
        .flatMap(checkpoint -> checkpoint.tensors().values().stream())
        .distinct()
        .mapToLong(TorchTensor::bytes)
        .sum();
  }

  @Override
  public void writeTo(Path directory, ConversionProgress progress)
      throws IOException, ConversionException, InterruptedException {
    if (companions != null) {
      CompanionFiles.copy(companions, directory);
    }
    var writer = new CheckpointWriter(progress);
    ObjectNode weightMap = JsonNodeFactory.instance.objectNode();
    for (var checkpoint : checkpoints) {
      if (Thread.interrupted()) {
        throw new InterruptedException("conversion stopped");
      }
      String name = TorchFiles.safetensors(checkpoint.fileName());
      writer
          .write(checkpoint, directory.resolve(name))
          .forEach(tensor -> weightMap.put(tensor, name));
    }
    if (checkpoints.size() > 1) {
      writeIndex(directory.resolve(INDEX), weightMap);
    }
  }

  private void writeIndex(Path path, ObjectNode weightMap) throws IOException {
    ObjectNode index = JsonNodeFactory.instance.objectNode();
    index.putObject("metadata").put("total_size", weightBytes());
    index.set("weight_map", weightMap);
    Files.writeString(
        path, new ObjectMapper().writerWithDefaultPrettyPrinter().writeValueAsString(index));
  }
}
