package dev.lorax.launcher.convert.gguf;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lorax.launcher.convert.ConversionException;

/** {@code config.json} and {@code generation_config.json} of a Llama model. */
final class LlamaConfig {

  private static final String SPECIAL = "tokenizer.ggml.";

  private final GgufMetadata metadata;
  private final int vocabularySize;
  private final boolean tiedEmbeddings;

  LlamaConfig(GgufMetadata metadata, int vocabularySize, boolean tiedEmbeddings)
      throws ConversionException {
    String architecture = metadata.string("general.architecture");
    if (!architecture.equals("llama")) {
      throw ConversionException.unsupported(
          "architecture must be llama, the only one that can be converted, got " + architecture);
    }
    if (metadata.has("llama.rope.scaling.type")
        && !metadata.string("llama.rope.scaling.type").equals("none")) {
      throw ConversionException.unsupported(
          "rope scaling %s cannot be converted"
              .formatted(metadata.string("llama.rope.scaling.type")));
    }
    if (metadata.has("llama.expert_count") && metadata.integer("llama.expert_count") > 0) {
      throw ConversionException.unsupported("a mixture of experts cannot be converted");
    }
    this.metadata = metadata;
    this.vocabularySize = vocabularySize;
    this.tiedEmbeddings = tiedEmbeddings;
  }

  int heads() throws ConversionException {
    return metadata.integer("llama.attention.head_count");
  }

  int keyValueHeads() throws ConversionException {
    return metadata.optionalInteger("llama.attention.head_count_kv").orElse(heads());
  }

  ObjectNode config() throws ConversionException {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.putArray("architectures").add("LlamaForCausalLM");
    json.put("model_type", "llama");
    json.put("attention_bias", false);
    json.put("attention_dropout", 0.0);
    json.put("head_dim", headDimension());
    json.put("hidden_act", "silu");
    json.put("hidden_size", metadata.integer("llama.embedding_length"));
    json.put("initializer_range", 0.02);
    json.put("intermediate_size", metadata.integer("llama.feed_forward_length"));
    json.put("max_position_embeddings", metadata.integer("llama.context_length"));
    json.put("mlp_bias", false);
    json.put("num_attention_heads", heads());
    json.put("num_hidden_layers", metadata.integer("llama.block_count"));
    json.put("num_key_value_heads", keyValueHeads());
    json.put("pretraining_tp", 1);
    json.put("rms_norm_eps", metadata.real("llama.attention.layer_norm_rms_epsilon"));
    json.putNull("rope_scaling");
    json.put("rope_theta", metadata.real("llama.rope.freq_base"));
    json.put("tie_word_embeddings", tiedEmbeddings);
    json.put("torch_dtype", "float32");
    json.put("use_cache", true);
    json.put("vocab_size", vocabularySize);
    putSpecialTokens(json);
    return json;
  }

  ObjectNode generationConfig() throws ConversionException {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("_from_model_config", true);
    putSpecialTokens(json);
    return json;
  }

  private int headDimension() throws ConversionException {
    int even = metadata.integer("llama.embedding_length") / heads();
    return metadata.optionalInteger("llama.attention.key_length").orElse(even);
  }

  private void putSpecialTokens(ObjectNode json) throws ConversionException {
    metadata
        .optionalInteger(SPECIAL + "bos_token_id")
        .ifPresent(id -> json.put("bos_token_id", id));
    metadata
        .optionalInteger(SPECIAL + "eos_token_id")
        .ifPresent(id -> json.put("eos_token_id", id));
    metadata
        .optionalInteger(SPECIAL + "padding_token_id")
        .ifPresent(id -> json.put("pad_token_id", id));
  }
}
