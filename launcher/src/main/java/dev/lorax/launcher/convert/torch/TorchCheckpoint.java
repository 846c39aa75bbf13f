package dev.lorax.launcher.convert.torch;

import dev.lorax.launcher.convert.ConversionException;
import dev.lorax.launcher.convert.GitLfsPointer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * A file of {@code torch.save} that holds a dict of tensors: a zip with one pickle and one entry
 * for each storage. The file is mapped; the mapping goes when the object is collected.
 */
final class TorchCheckpoint {

  private static final String PICKLE = "/data.pkl";

  /** Where a tar file has the letters {@code ustar}. */
  private static final int TAR_MAGIC = 257;

  private final Path path;
  private final Map<String, MemorySegment> entries;
  private final String prefix;
  private final Map<String, TorchTensor> tensors = new LinkedHashMap<>();

  private TorchCheckpoint(Path path, Map<String, MemorySegment> entries, String prefix) {
    this.path = path;
    this.entries = entries;
    this.prefix = prefix;
  }

  /** Reads the names of the tensors and where they lie; refuses everything but weights. */
  static TorchCheckpoint open(Path path) throws IOException, ConversionException {
    try (var channel = FileChannel.open(path, StandardOpenOption.READ)) {
      if (GitLfsPointer.is(channel)) {
        throw ConversionException.corrupt(GitLfsPointer.refusal(path));
      }
      var file = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), Arena.ofAuto());
      return read(path, file);
    } catch (ConversionException e) {
      String sentence = String.valueOf(e.getMessage());
      throw sentence.startsWith("is ") || sentence.startsWith("holds ")
          ? new ConversionException(e.code(), "weights file %s %s".formatted(path, sentence))
          : e;
    }
  }

  private static TorchCheckpoint read(Path path, MemorySegment file) throws ConversionException {
    refuseLegacy(file);
    var zip = StoredZip.read(file);
    if (zip.hasEntry("/constants.pkl")) {
      throw ConversionException.unsupported(
          "is a TorchScript program, not a checkpoint: save the model's state_dict() instead");
    }
    var entries = zip.entries();
    String prefix =
        entries.keySet().stream()
            .filter(name -> name.endsWith(PICKLE) && name.indexOf('/') == name.lastIndexOf('/'))
            .map(name -> name.substring(0, name.length() - PICKLE.length() + 1))
            .findFirst()
            .orElseThrow(() ->
                ConversionException.corrupt("is a zip without data.pkl, so no PyTorch checkpoint"));
    var checkpoint = new TorchCheckpoint(path, entries, prefix);
    checkpoint.requireLittleEndian();
    checkpoint.readTensors();
    return checkpoint;
  }

  /** Before 1.6, torch wrote a tar or bare pickles. */
  private static void refuseLegacy(MemorySegment file) throws ConversionException {
    boolean pickle = file.byteSize() > 1 && file.get(ValueLayout.JAVA_BYTE, 0) == (byte) 0x80;
    if (pickle || "ustar".equals(text(file, TAR_MAGIC, 5))) {
      throw ConversionException.unsupported(
          "is in the format of PyTorch before 1.6: rewrite it with a newer PyTorch,"
              + " torch.save(torch.load(FILE, weights_only=True), FILE)");
    }
    if (!text(file, 0, 2).equals("PK")) {
      throw ConversionException.corrupt(
          "is not a PyTorch checkpoint: expected a zip, got a file of %d bytes that starts otherwise"
              .formatted(file.byteSize()));
    }
  }

  private static String text(MemorySegment file, long from, long bytes) {
    return file.byteSize() < from + bytes
        ? ""
        : new String(
            file.asSlice(from, bytes).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.ISO_8859_1);
  }

  private void requireLittleEndian() throws ConversionException {
    MemorySegment order = entries.get(prefix + "byteorder");
    if (order != null && !text(order, 0, order.byteSize()).equals("little")) {
      throw ConversionException.unsupported(
          "is a big-endian checkpoint: load and save it on a little-endian machine");
    }
  }

  private void readTensors() throws ConversionException {
    byte[] pickle =
        Objects.requireNonNull(entries.get(prefix + "data.pkl")).toArray(ValueLayout.JAVA_BYTE);
    String fileName = String.valueOf(path.getFileName());
    Object root = PickleMachine.load(pickle, new TorchGlobals(fileName));
    if (root instanceof Map<?, ?> dict && dict.get("state_dict") instanceof Map<?, ?> inner) {
      root = inner;
    }
    if (!(root instanceof Map<?, ?> dict)) {
      throw ConversionException.unsupported(
          "is %s, expected a dict of tensors".formatted(PickleMachine.describe(root)));
    }
    for (var item : dict.entrySet()) {
      if (!(item.getKey() instanceof String name
          && item.getValue() instanceof TorchTensor tensor)) {
        throw ConversionException.unsupported(
            "holds %s under %s, expected only tensors"
                .formatted(PickleMachine.describe(item.getValue()), item.getKey()));
      }
      requireStorage(tensor.storage());
      tensors.put(name, tensor);
    }
  }

  private void requireStorage(TorchStorage storage) throws ConversionException {
    MemorySegment entry = entries.get(prefix + "data/" + storage.key());
    if (entry == null || entry.byteSize() != storage.bytes()) {
      throw ConversionException.corrupt(
          "is damaged: storage %s has %s bytes, expected %d"
              .formatted(storage.key(), entry == null ? "no" : entry.byteSize(), storage.bytes()));
    }
  }

  String fileName() {
    return String.valueOf(path.getFileName());
  }

  /** By name, in the order in which they were saved. */
  Map<String, TorchTensor> tensors() {
    return tensors;
  }

  TorchTensor tensor(String name) {
    return Objects.requireNonNull(tensors.get(name));
  }

  /** The bytes of a storage, little-endian. */
  MemorySegment bytes(TorchStorage storage) {
    return Objects.requireNonNull(entries.get(prefix + "data/" + storage.key()));
  }
}
