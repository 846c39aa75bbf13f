package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.router.request.TextCall.TextInput;
import java.util.ArrayList;
import java.util.List;

/** The field {@code input}: a text, or its tokens, or an array of either. */
final class EmbeddingInputs {
  private static final String FORMS = "a string, token ids, or an array of strings or of token ids";

  private EmbeddingInputs() {}

  static List<TextInput> read(JsonFields fields) throws FieldException {
    JsonNode input = fields.raw("input");
    if (input.isMissingNode() || input.isNull()) {
      throw new FieldException("missing field `input`");
    }
    if (input.isTextual()) {
      return List.of(new TextInput.Words(input.textValue()));
    }
    if (!input.isArray()) {
      throw new FieldException("input", FORMS, JsonFields.type(input));
    }
    if (!input.isEmpty() && input.get(0).isNumber()) {
      return List.of(tokens("input", input));
    }
    var inputs = new ArrayList<TextInput>();
    for (JsonNode element : input) {
      inputs.add(element(inputs.size(), element));
    }
    return inputs;
  }

  private static TextInput element(int place, JsonNode element) throws FieldException {
    String path = "input[%d]".formatted(place);
    if (element.isTextual()) {
      return new TextInput.Words(element.textValue());
    }
    if (element.isArray()) {
      return tokens(path, element);
    }
    throw new FieldException(path, "a string or an array of token ids", JsonFields.type(element));
  }

  private static TextInput tokens(String path, JsonNode array) throws FieldException {
    var ids = new int[array.size()];
    for (int i = 0; i < ids.length; i++) {
      JsonNode id = array.get(i);
      if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
        throw new FieldException(
            "%s[%d]".formatted(path, i), "a token id of at least 0", JsonFields.shown(id));
      }
      ids[i] = id.intValue();
    }
    return new TextInput.Tokens(ids);
  }
}
