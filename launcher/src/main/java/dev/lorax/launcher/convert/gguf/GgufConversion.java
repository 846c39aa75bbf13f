package dev.lorax.launcher.convert.gguf;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lorax.launcher.convert.Conversion;
import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.ConversionProgress;
import dev.lorax.launcher.convert.safetensors.SafetensorsDtype;
import dev.lorax.launcher.convert.safetensors.SafetensorsWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.LongUnaryOperator;

/**
 * A GGUF file about to become a directory in Hugging Face layout. Not thread-safe.
 *
 * <p>All weights are written as float32: it holds every quantised value exactly, so a model made
 * here computes what transformers computes after its own dequantisation.
 */
public final class GgufConversion implements Conversion {

  private static final ObjectMapper JSON = new ObjectMapper();

  private final GgufFile file;
  private final LlamaConfig config;
  private final LlamaTensors tensors;
  private final ByteLevelTokenizer tokenizer;

  private GgufConversion(
      GgufFile file, LlamaConfig config, LlamaTensors tensors, ByteLevelTokenizer tokenizer) {
    this.file = file;
    this.config = config;
    this.tensors = tensors;
    this.tokenizer = tokenizer;
  }

  /** Reads the head and refuses what cannot be converted. */
  public static GgufConversion open(Path path) throws IOException, ConversionException {
    var file = GgufFile.open(path);
    var tokenizer = new ByteLevelTokenizer(file.metadata());
    boolean tied =
        file.tensors().stream().noneMatch(tensor -> tensor.name().equals("output.weight"));
    var config = new LlamaConfig(file.metadata(), tokenizer.vocabularySize(), tied);
    var tensors = new LlamaTensors(config.heads(), config.keyValueHeads());
    for (var tensor : file.tensors()) {
      tensors.name(tensor.name());
    }
    return new GgufConversion(file, config, tensors, tokenizer);
  }

  @Override
  public long weightBytes() {
    return file.tensors().stream().mapToLong(GgufTensor::elements).sum() * Float.BYTES;
  }

  @Override
  public void writeTo(Path directory, ConversionProgress progress)
      throws IOException, ConversionException, InterruptedException {
    write(directory.resolve("config.json"), config.config());
    write(directory.resolve("generation_config.json"), config.generationConfig());
    write(directory.resolve("tokenizer.json"), tokenizer.tokenizer());
    write(directory.resolve("tokenizer_config.json"), tokenizer.tokenizerConfig());
    write(directory.resolve("special_tokens_map.json"), tokenizer.specialTokens());
    writeWeights(directory.resolve("model.safetensors"), progress);
  }

  private static void write(Path path, ObjectNode json) throws IOException {
    JSON.writerWithDefaultPrettyPrinter().writeValue(path.toFile(), json);
  }

  private void writeWeights(Path path, ConversionProgress progress)
      throws IOException, ConversionException, InterruptedException {
    long written = 0;
    try (var writer = SafetensorsWriter.create(path, entries(), Map.of())) {
      for (var tensor : file.tensors()) {
        if (Thread.interrupted()) {
          throw new InterruptedException("conversion stopped");
        }
        writeTensor(tensor, writer);
        written += tensor.elements() * Float.BYTES;
        progress.written(written);
      }
      writer.finish();
    }
  }

  private void writeTensor(GgufTensor tensor, SafetensorsWriter writer) throws IOException {
    LongUnaryOperator rowOrder = tensors.rowOrder(tensor);
    var blocks = new byte[Math.toIntExact(tensor.rowBytes())];
    var values = new float[tensor.columns()];
    for (long row = 0; row < tensor.rows(); row++) {
      file.readRow(tensor, rowOrder.applyAsLong(row), blocks, values);
      writer.write(values);
    }
  }

  private List<SafetensorsWriter.Entry> entries() throws ConversionException {
    List<SafetensorsWriter.Entry> entries = new ArrayList<>();
    for (var tensor : file.tensors()) {
      String name = tensors.name(tensor.name());
      entries.add(new SafetensorsWriter.Entry(name, SafetensorsDtype.F32, tensor.shape()));
    }
    return entries;
  }
}
