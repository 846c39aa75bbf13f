package dev.lorax.launcher.convert;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.LongUnaryOperator;

/**
 * A GGUF file about to become a directory in Hugging Face layout. Not thread-safe.
 *
 * <p>All weights are written as float32: it holds every quantised value exactly, so a model made
 * here computes what transformers computes after its own dequantisation.
 */
public final class GgufConversion {

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

  /** Hears of every tensor that is done. */
  public interface Progress {
    void tensors(int done, int all);
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

  /** Size of the weights to be written; the other files are small beside it. */
  public long weightBytes() {
    return file.tensors().stream().mapToLong(GgufTensor::elements).sum() * Float.BYTES;
  }

  /** Fills an existing empty directory. */
  public void writeTo(Path directory, Progress progress)
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

  private void writeWeights(Path path, Progress progress)
      throws IOException, ConversionException, InterruptedException {
    List<GgufTensor> all = file.tensors();
    try (var writer = SafetensorsWriter.create(path, entries())) {
      for (int i = 0; i < all.size(); i++) {
        if (Thread.interrupted()) {
          throw new InterruptedException("conversion stopped");
        }
        writeTensor(all.get(i), writer);
        progress.tensors(i + 1, all.size());
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
      entries.add(new SafetensorsWriter.Entry(tensors.name(tensor.name()), tensor.shape()));
    }
    return entries;
  }
}
