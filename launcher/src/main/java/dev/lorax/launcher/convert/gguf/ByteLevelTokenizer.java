package dev.lorax.launcher.convert.gguf;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lorax.launcher.convert.ConversionException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** {@code tokenizer.json} and its companions for a byte-level BPE vocabulary. */
final class ByteLevelTokenizer {

  private static final String PREFIX = "tokenizer.ggml.";

  /** Token types of llama.cpp. */
  private static final long CONTROL = 3;

  private static final long USER_DEFINED = 4;

  private final GgufMetadata metadata;
  private final PreTokenizer preTokenizer;
  private final List<String> tokens;

  ByteLevelTokenizer(GgufMetadata metadata) throws ConversionException {
    String model = metadata.string(PREFIX + "model");
    if (!model.equals("gpt2")) {
      throw ConversionException.unsupported(
          "tokenizer must be gpt2 (byte-level BPE), the only one that can be converted, got "
              + model);
    }
    if (metadata.flag(PREFIX + "add_bos_token", false)) {
      throw ConversionException.unsupported(
          PREFIX + "add_bos_token true cannot be converted: only tokenizers that add nothing");
    }
    this.metadata = metadata;
    this.preTokenizer = PreTokenizer.of(metadata.string(PREFIX + "pre"));
    this.tokens = metadata.strings(PREFIX + "tokens");
  }

  int vocabularySize() {
    return tokens.size();
  }

  ObjectNode tokenizer() throws ConversionException {
    ObjectNode json = object().put("version", "1.0");
    json.putNull("truncation");
    json.putNull("padding");
    var added = json.putArray("added_tokens");
    for (var token : addedTokens()) {
      added.add(addedToken(token).put("id", token.id()));
    }
    json.putNull("normalizer");
    json.set("pre_tokenizer", preTokenizer.json());
    json.putNull("post_processor");
    json.putObject("decoder")
        .put("type", "ByteLevel")
        .put("add_prefix_space", true)
        .put("trim_offsets", true)
        .put("use_regex", true);
    json.set("model", model());
    return json;
  }

  private ObjectNode model() throws ConversionException {
    ObjectNode model = object().put("type", "BPE");
    model.putNull("dropout");
    model.putNull("unk_token");
    model.putNull("continuing_subword_prefix");
    model.putNull("end_of_word_suffix");
    model.put("fuse_unk", false).put("byte_fallback", false).put("ignore_merges", false);
    ObjectNode vocabulary = model.putObject("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      vocabulary.put(tokens.get(id), id);
    }
    metadata.strings(PREFIX + "merges").forEach(model.putArray("merges")::add);
    return model;
  }

  ObjectNode tokenizerConfig() throws ConversionException {
    ObjectNode json = object().put("add_prefix_space", false);
    ObjectNode decoder = json.putObject("added_tokens_decoder");
    for (var token : addedTokens()) {
      decoder.set(Integer.toString(token.id()), addedToken(token));
    }
    putSpecialTokens(json);
    metadata
        .optionalString("tokenizer.chat_template")
        .ifPresent(template -> json.put("chat_template", template));
    json.put("clean_up_tokenization_spaces", false);
    json.put("model_max_length", metadata.integer("llama.context_length"));
    return json.put("tokenizer_class", "GPT2Tokenizer");
  }

  ObjectNode specialTokens() throws ConversionException {
    ObjectNode json = object();
    putSpecialTokens(json);
    return json;
  }

  private void putSpecialTokens(ObjectNode json) throws ConversionException {
    for (var name : List.of("bos", "eos")) {
      special(name + "_token_id").ifPresent(token -> json.put(name + "_token", token));
    }
    special("padding_token_id").ifPresent(token -> json.put("pad_token", token));
    special("unknown_token_id").ifPresent(token -> json.put("unk_token", token));
  }

  private Optional<String> special(String key) throws ConversionException {
    Optional<Integer> id = metadata.optionalInteger(PREFIX + key);
    if (id.isPresent() && id.get() >= tokens.size()) {
      throw ConversionException.corrupt(
          "%s%s is %d, beyond the %d tokens".formatted(PREFIX, key, id.get(), tokens.size()));
    }
    return id.map(tokens::get);
  }

  private record AddedToken(int id, String content, boolean special) {}

  private List<AddedToken> addedTokens() throws ConversionException {
    List<Long> types = metadata.integers(PREFIX + "token_type");
    if (types.size() != tokens.size()) {
      throw ConversionException.corrupt(
          "%stoken_type has %d entries for %d tokens"
              .formatted(PREFIX, types.size(), tokens.size()));
    }
    List<AddedToken> added = new ArrayList<>();
    for (int id = 0; id < types.size(); id++) {
      if (types.get(id) == CONTROL || types.get(id) == USER_DEFINED) {
        added.add(new AddedToken(id, tokens.get(id), types.get(id) == CONTROL));
      }
    }
    return added;
  }

  private static ObjectNode addedToken(AddedToken token) {
    return object()
        .put("content", token.content())
        .put("single_word", false)
        .put("lstrip", false)
        .put("rstrip", false)
        .put("normalized", false)
        .put("special", token.special());
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }
}
