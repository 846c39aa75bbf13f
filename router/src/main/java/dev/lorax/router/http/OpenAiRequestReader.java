package dev.lorax.router.http;

import dev.lorax.router.request.GenerateCall;
import dev.lorax.router.request.GenerateCall.AdapterChoice;
import dev.lorax.router.request.GenerateCall.LengthChoice;
import dev.lorax.router.request.GenerateCall.OutputChoice;
import dev.lorax.router.request.GenerateCall.SamplingChoice;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Reads what OpenAI's endpoints have in common. */
final class OpenAiRequestReader {
  private final String baseModel;
  private final JsonFields fields;

  OpenAiRequestReader(String baseModel, JsonFields fields) {
    this.baseModel = baseModel;
    this.fields = fields;
  }

  /** The model as the client named it. */
  String model() throws FieldException {
    String model = fields.requiredText("model");
    return model.isEmpty() ? baseModel : model;
  }

  boolean includeUsage() throws FieldException {
    return fields.object("stream_options").flag("include_usage");
  }

  GenerateCall call(
      String prompt,
      boolean addSpecialTokens,
      @Nullable String schema,
      OpenAiLogprobs logprobs,
      @Nullable String bearer)
      throws FieldException {
    return new GenerateCall(
        prompt,
        addSpecialTokens,
        fields.flag("stream"),
        adapter(bearer),
        sampling(schema),
        length(),
        new OutputChoice(
            sequences(), fields.has("n"), logprobs.alternatives(), false, false, false));
  }

  /** Any model that is not the base model is an adapter. */
  AdapterChoice adapter(@Nullable String bearer) throws FieldException {
    String token = fields.text("api_token");
    String model = model();
    return new AdapterChoice(
        model.equals(baseModel) ? null : model,
        fields.text("adapter_source"),
        null,
        token == null ? bearer : token);
  }

  private SamplingChoice sampling(@Nullable String schema) throws FieldException {
    Float temperature = fields.number("temperature");
    return new SamplingChoice(
        temperature == null || temperature != 0,
        temperature,
        fields.number("repetition_penalty"),
        fields.number("frequency_penalty"),
        fields.number("presence_penalty"),
        fields.integer("top_k"),
        fields.number("top_p"),
        null,
        fields.unsignedLong("seed"),
        true,
        false,
        schema);
  }

  private LengthChoice length() throws FieldException {
    Integer newer = fields.unsigned("max_completion_tokens");
    Integer maxTokens = newer == null ? fields.unsigned("max_tokens") : newer;
    return new LengthChoice(maxTokens, null, stop(), fields.flag("ignore_eos_token"));
  }

  private List<String> stop() throws FieldException {
    return fields.raw("stop").isTextual()
        ? List.of(fields.raw("stop").textValue())
        : fields.texts("stop");
  }

  private @Nullable Integer sequences() throws FieldException {
    Integer n = fields.unsigned("n");
    return n == null ? fields.unsigned("best_of") : n;
  }
}
