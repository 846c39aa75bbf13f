package dev.lorax.launcher.convert.gguf;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.lorax.launcher.convert.ConversionException;

/** How text is cut before byte-pair merges, named as in {@code tokenizer.ggml.pre}. */
enum PreTokenizer {
  SMOLLM("smollm"),
  GPT2("gpt-2");

  private final String ggufName;

  PreTokenizer(String ggufName) {
    this.ggufName = ggufName;
  }

  static PreTokenizer of(String ggufName) throws ConversionException {
    for (var known : values()) {
      if (known.ggufName.equals(ggufName)) {
        return known;
      }
    }
    throw ConversionException.unsupported(
        "pre-tokenizer must be smollm or gpt-2, got %s".formatted(ggufName));
  }

  /** As in the {@code pre_tokenizer} of tokenizer.json. */
  ObjectNode json() {
    ObjectNode byteLevel = byteLevel();
    if (this == GPT2) {
      return byteLevel;
    }
    ObjectNode sequence = JsonNodeFactory.instance.objectNode().put("type", "Sequence");
    sequence
        .putArray("pretokenizers")
        .add(
            JsonNodeFactory.instance
                .objectNode()
                .put("type", "Digits")
                .put("individual_digits", true))
        .add(byteLevel);
    return sequence;
  }

  private static ObjectNode byteLevel() {
    return JsonNodeFactory.instance
        .objectNode()
        .put("type", "ByteLevel")
        .put("add_prefix_space", false)
        .put("trim_offsets", true)
        .put("use_regex", true);
  }
}
