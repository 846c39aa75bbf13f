package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.router.request.GenerateCall;
import dev.lorax.router.request.GenerateCall.AdapterChoice;
import dev.lorax.router.request.GenerateCall.LengthChoice;
import dev.lorax.router.request.GenerateCall.MergeChoice;
import dev.lorax.router.request.GenerateCall.OutputChoice;
import dev.lorax.router.request.GenerateCall.SamplingChoice;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Reads the body of upstream's own endpoints. Unknown fields are ignored, as upstream ignores them.
 */
final class NativeRequestReader {
  private static final String ANY_OBJECT = "{\"type\":\"object\"}";

  private NativeRequestReader() {}

  static GenerateCall read(JsonNode body, boolean stream, @Nullable String bearer)
      throws FieldException {
    JsonFields fields = JsonFields.of(body);
    String inputs = fields.requiredText("inputs");
    JsonFields parameters = fields.object("parameters");
    return new GenerateCall(
        inputs,
        true,
        stream,
        adapter(parameters, bearer),
        sampling(parameters),
        length(parameters),
        output(parameters));
  }

  static AdapterChoice adapter(JsonFields parameters, @Nullable String bearer)
      throws FieldException {
    String token = parameters.text("api_token");
    return new AdapterChoice(
        parameters.text("adapter_id"),
        parameters.text("adapter_source"),
        parameters.has("merged_adapters") ? merged(parameters.object("merged_adapters")) : null,
        token == null ? bearer : token);
  }

  private static MergeChoice merged(JsonFields merged) throws FieldException {
    Float density = merged.number("density");
    return new MergeChoice(
        merged.texts("ids"),
        merged.numbers("weights"),
        merged.text("merge_strategy"),
        density == null ? 0 : density,
        merged.text("majority_sign_method"));
  }

  private static SamplingChoice sampling(JsonFields parameters) throws FieldException {
    return new SamplingChoice(
        parameters.flag("do_sample"),
        parameters.number("temperature"),
        parameters.number("repetition_penalty"),
        parameters.number("frequency_penalty"),
        parameters.number("presence_penalty"),
        parameters.integer("top_k"),
        parameters.number("top_p"),
        parameters.number("typical_p"),
        parameters.unsignedLong("seed"),
        false,
        parameters.flag("watermark"),
        schema(parameters));
  }

  private static LengthChoice length(JsonFields parameters) throws FieldException {
    return new LengthChoice(
        parameters.unsigned("max_new_tokens"),
        parameters.unsigned("truncate"),
        parameters.texts("stop"),
        parameters.flag("ignore_eos_token"));
  }

  private static OutputChoice output(JsonFields parameters) throws FieldException {
    return new OutputChoice(
        parameters.unsigned("best_of"),
        false,
        parameters.integer("return_k_alternatives"),
        parameters.flag("return_full_text"),
        parameters.flag("details"),
        parameters.flag("decoder_input_details"));
  }

  /** The JSON schema that a {@code response_format} stands for; null for plain text. */
  static @Nullable String schema(JsonFields fields) throws FieldException {
    if (!fields.has("response_format")) {
      return null;
    }
    JsonFields format = fields.object("response_format");
    // Read in any case: ill-typed is ill-typed, also where nobody looks.
    JsonFields named = format.object("json_schema");
    String type = format.requiredText("type").toLowerCase(Locale.ROOT).replace("_", "");
    return switch (type) {
      case "text" -> null;
      case "jsonobject" -> orAnyObject(format.raw("schema"));
      case "jsonschema" ->
          format.has("json_schema")
              ? orAnyObject(named.raw("schema"))
              : orAnyObject(format.raw("schema"));
      default ->
          throw new FieldException(
              "response_format.type", "one of text, json_object, json_schema", "another string");
    };
  }

  private static String orAnyObject(JsonNode schema) {
    return schema.isMissingNode() || schema.isNull() ? ANY_OBJECT : schema.toString();
  }
}
