package dev.lorax.launcher.convert.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes a GGUF file of a llama with two heads of four rows, byte by byte as the format says. */
public final class TinyGguf {

  public static final int COLUMNS = 32;
  private static final int ALIGNMENT = 32;
  private static final int F32 = 0;

  private record Tensor(String name, int[] shape, int type, byte[] data) {}

  private final Map<String, Object> metadata = new LinkedHashMap<>();
  private final List<Tensor> tensors = new ArrayList<>();

  /** A whole model with one block. */
  public static TinyGguf llama() {
    var gguf = new TinyGguf();
    gguf.with("general.architecture", "llama");
    gguf.with("llama.block_count", 1).with("llama.context_length", 64);
    gguf.with("llama.embedding_length", COLUMNS).with("llama.feed_forward_length", COLUMNS);
    gguf.with("llama.attention.head_count", 2).with("llama.attention.head_count_kv", 1);
    gguf.with("llama.attention.key_length", 4);
    gguf.with("llama.rope.freq_base", 10000.0f);
    gguf.with("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    gguf.with("tokenizer.ggml.model", "gpt2").with("tokenizer.ggml.pre", "smollm");
    gguf.with("tokenizer.ggml.tokens", List.of("<|end|>", "a", "b", "ab"));
    gguf.with("tokenizer.ggml.token_type", List.of(3, 1, 1, 1));
    gguf.with("tokenizer.ggml.merges", List.of("a b"));
    gguf.with("tokenizer.ggml.eos_token_id", 0);
    gguf.with("tokenizer.chat_template", "{{ messages }}");
    gguf.tensor("token_embd.weight", 4).tensor("output_norm.weight", 1);
    gguf.tensor("blk.0.attn_q.weight", 8).tensor("blk.0.attn_k.weight", 4);
    return gguf;
  }

  public TinyGguf with(String key, Object value) {
    metadata.put(key, value);
    return this;
  }

  public TinyGguf without(String key) {
    metadata.remove(key);
    return this;
  }

  /** Rows of float32; each value is its row. One row makes a vector. */
  public TinyGguf tensor(String name, int rows) {
    var data = ByteBuffer.allocate(rows * COLUMNS * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < COLUMNS; column++) {
        data.putFloat(row);
      }
    }
    return tensor(name, F32, rows, data.array());
  }

  public TinyGguf tensor(String name, int type, int rows, byte[] data) {
    int[] shape = rows == 1 ? new int[] {COLUMNS} : new int[] {COLUMNS, rows};
    tensors.add(new Tensor(name, shape, type, data));
    return this;
  }

  public Path write(Path file) throws IOException {
    var out = new ByteArrayOutputStream();
    out.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(int32(3));
    out.writeBytes(int64(tensors.size()));
    out.writeBytes(int64(metadata.size()));
    metadata.forEach((key, value) -> {
      out.writeBytes(string(key));
      out.writeBytes(int32(typeOf(value)));
      out.writeBytes(bytes(value));
    });
    var data = new ByteArrayOutputStream();
    for (var tensor : tensors) {
      out.writeBytes(string(tensor.name()));
      out.writeBytes(int32(tensor.shape().length));
      for (int size : tensor.shape()) {
        out.writeBytes(int64(size));
      }
      out.writeBytes(int32(tensor.type()));
      out.writeBytes(int64(data.size()));
      data.writeBytes(tensor.data());
      pad(data);
    }
    pad(out);
    out.writeBytes(data.toByteArray());
    return Files.write(file, out.toByteArray());
  }

  private static void pad(ByteArrayOutputStream out) {
    while (out.size() % ALIGNMENT != 0) {
      out.write(0);
    }
  }

  private static int typeOf(Object value) {
    return switch (value) {
      case Integer number -> 4;
      case Float number -> 6;
      case Boolean flag -> 7;
      case String text -> 8;
      case List<?> list -> 9;
      default -> throw new IllegalArgumentException("no GGUF type for " + value);
    };
  }

  private static byte[] bytes(Object value) {
    return switch (value) {
      case Integer number -> int32(number);
      case Float number -> int32(Float.floatToIntBits(number));
      case Boolean flag -> new byte[] {(byte) (flag ? 1 : 0)};
      case String text -> string(text);
      case List<?> list -> array(list);
      default -> throw new IllegalArgumentException("no GGUF type for " + value);
    };
  }

  private static byte[] array(List<?> elements) {
    var out = new ByteArrayOutputStream();
    out.writeBytes(int32(typeOf(elements.getFirst())));
    out.writeBytes(int64(elements.size()));
    elements.forEach(element -> out.writeBytes(bytes(element)));
    return out.toByteArray();
  }

  private static byte[] string(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(Long.BYTES + bytes.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(bytes.length)
        .put(bytes)
        .array();
  }

  private static byte[] int32(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
  }

  private static byte[] int64(long value) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
  }
}
