package dev.lorax.router.request;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a client asked for, well typed but unchecked; null stands for "not given".
 *
 * @param addSpecialTokens false for prompts that a chat template has dressed already
 */
public record GenerateCall(
    String inputs,
    boolean addSpecialTokens,
    boolean stream,
    AdapterChoice adapter,
    SamplingChoice sampling,
    LengthChoice length,
    OutputChoice output) {

  /** Which weights. */
  public record AdapterChoice(
      @Nullable String id,
      @Nullable String source,
      @Nullable MergeChoice merged,
      @Nullable String apiToken) {
    /** Tokens stay out of logs. */
    @Override
    public String toString() {
      return "AdapterChoice[id=%s, source=%s]".formatted(id, source);
    }
  }

  /** Several adapters as one. */
  public record MergeChoice(
      List<String> ids,
      List<Float> weights,
      @Nullable String strategy,
      float density,
      @Nullable String majoritySign) {}

  /**
   * How tokens are chosen.
   *
   * @param seed an unsigned 64-bit number
   * @param seedsEach whether one seed may stand for those of several sequences
   */
  public record SamplingChoice(
      boolean doSample,
      @Nullable Float temperature,
      @Nullable Float repetitionPenalty,
      @Nullable Float frequencyPenalty,
      @Nullable Float presencePenalty,
      @Nullable Integer topK,
      @Nullable Float topP,
      @Nullable Float typicalP,
      @Nullable Long seed,
      boolean seedsEach,
      boolean watermark,
      @Nullable String schema) {
    /** Whether anything but the most likely token was asked for. */
    boolean samples() {
      return doSample || temperature != null || topK != null || topP != null || typicalP != null;
    }
  }

  /** How much goes in and comes out. */
  public record LengthChoice(
      @Nullable Integer maxNewTokens,
      @Nullable Integer truncate,
      List<String> stop,
      boolean ignoreEndOfSequence) {
    public LengthChoice {
      stop = List.copyOf(stop);
    }
  }

  /**
   * What the answer contains.
   *
   * @param bestOf how many sequences to generate
   * @param showsEach whether the client wants them all, and not the best: then they may stream
   */
  public record OutputChoice(
      @Nullable Integer bestOf,
      boolean showsEach,
      @Nullable Integer alternatives,
      boolean fullText,
      boolean details,
      boolean prefillDetails) {}

  /** Prompts stay out of logs. */
  @Override
  public String toString() {
    return "GenerateCall[%d characters, %s]".formatted(inputs.length(), adapter);
  }
}
