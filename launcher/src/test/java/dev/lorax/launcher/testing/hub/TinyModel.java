package dev.lorax.launcher.testing.hub;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Random;

/** Fills repositories as people publish them: with more in them than a server needs. */
public final class TinyModel {

  private static final String CONFIG =
      "{\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"max_position_embeddings\":128}";

  private TinyModel() {}

  /** Two indexed shards of about this many bytes each, and the same weights once more as one. */
  public static HubRepo sharded(HubRepo repo, int shardBytes) {
    return companions(repo)
        .put("model-00001-of-00002.safetensors", safetensors("first", shardBytes))
        .put("model-00002-of-00002.safetensors", safetensors("second", shardBytes))
        .put(
            "model.safetensors.index.json",
            """
            {"metadata":{"total_size":%d},"weight_map":{\
            "first":"model-00001-of-00002.safetensors","second":"model-00002-of-00002.safetensors"}}\
            """
                .formatted(2 * shardBytes))
        .put("consolidated.safetensors", safetensors("both", 2 * shardBytes))
        .put("training_args.bin", "pickled")
        .put("original/params.json", "{}");
  }

  /** Everything but weights. */
  public static HubRepo companions(HubRepo repo) {
    return repo.put("config.json", CONFIG)
        .put("generation_config.json", "{}")
        .put("tokenizer.json", "{\"version\":\"1.0\"}")
        .put("tokenizer_config.json", "{}")
        .put("README.md", "# A model")
        .put(".gitattributes", "*.safetensors filter=lfs");
  }

  public static HubRepo adapter(HubRepo repo, String base) {
    return repo.put(
            "adapter_config.json",
            "{\"peft_type\":\"LORA\",\"r\":8,\"base_model_name_or_path\":\"%s\"}".formatted(base))
        .put("adapter_model.safetensors", safetensors("lora", 4096))
        .put("README.md", "# An adapter")
        .put("optimizer.safetensors", safetensors("moments", 4096));
  }

  /** A file with one float32 tensor of random content, always the same for the same name. */
  public static byte[] safetensors(String tensor, int bytes) {
    int floats = bytes / Float.BYTES;
    byte[] header =
        "{\"%s\":{\"dtype\":\"F32\",\"shape\":[%d],\"data_offsets\":[0,%d]}}"
            .formatted(tensor, floats, floats * Float.BYTES)
            .getBytes(StandardCharsets.UTF_8);
    var file =
        ByteBuffer.allocate(Long.BYTES + header.length + floats * Float.BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putLong(header.length)
            .put(header);
    var random = new Random(tensor.hashCode());
    while (file.hasRemaining()) {
      file.putFloat(random.nextFloat());
    }
    return file.array();
  }
}
