package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.ConversionProgress;
import dev.lorax.launcher.convert.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;

/** Writes checkpoints as safetensors, one tensor after the other. Not thread-safe. */
final class CheckpointWriter {

  private final ConversionProgress progress;
  private long earlierFiles;

  CheckpointWriter(ConversionProgress progress) {
    this.progress = progress;
  }

  /** Returns the names of the tensors in the new file. */
  List<String> write(TorchCheckpoint checkpoint, Path path)
      throws IOException, ConversionException {
    Map<String, TorchTensor> tensors = checkpoint.tensors();
    Map<String, String> tied = TiedWeights.find(tensors);
    List<String> names = new ArrayList<>(tensors.keySet());
    names.removeAll(tied.keySet());
    // Wide elements first, so that each tensor is aligned to its elements.
    names.sort(Comparator.comparing(name -> -checkpoint.tensor(name).dtype().bytes()));
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    for (var name : names) {
      TorchTensor tensor = checkpoint.tensor(name);
      entries.add(new SafetensorsWriter.Entry(name, tensor.dtype().safetensors(), tensor.shape()));
    }
    try (var writer = SafetensorsWriter.create(path, entries, tied)) {
      for (var name : names) {
        write(checkpoint, name, writer);
      }
      writer.finish();
      earlierFiles += writer.bytesOfTensors();
    }
    return names;
  }

  private void write(TorchCheckpoint checkpoint, String name, SafetensorsWriter writer)
      throws IOException, ConversionException {
    TorchTensor tensor = checkpoint.tensor(name);
    var elements = new ElementStream(tensor.dtype(), checkpoint.bytes(tensor.storage()));
    boolean finite =
        elements.copy(
            tensor.view(),
            bytes -> {
              writer.write(bytes);
              progress.written(earlierFiles + writer.bytesOfTensors());
            });
    if (!finite) {
      throw ConversionException.corrupt(
          "tensor %s of %s holds NaN or infinity, so the model would only produce noise: get another copy of the checkpoint"
              .formatted(name, checkpoint.fileName()));
    }
  }
}
