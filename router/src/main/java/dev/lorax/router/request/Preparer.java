package dev.lorax.router.request;

import dev.lorax.router.adapter.AdapterKey;
import dev.lorax.router.adapter.AdapterMerge;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.adapter.ApiToken;
import dev.lorax.router.generation.GenerationRequest;
import dev.lorax.router.generation.Prompt;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.Sampling;
import dev.lorax.router.generation.StopRules;
import dev.lorax.router.request.GenerateCall.AdapterChoice;
import dev.lorax.router.request.GenerateCall.MergeChoice;
import dev.lorax.router.request.GenerateCall.SamplingChoice;
import dev.lorax.router.request.Preparation.Prepared;
import dev.lorax.router.request.Preparation.Refused;
import dev.lorax.router.tokenizer.PromptTokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** Checks and tokenises calls. Costs CPU in proportion to the prompt. Thread-safe. */
public final class Preparer {
  /**
   * Characters that any tokenizer turns into at least one token, generously. A prompt longer than
   * the input limit times this is probed first, so that megabytes are not tokenised only to be
   * refused.
   */
  private static final int PROBE_CHARACTERS_PER_TOKEN = 8;

  private final RequestLimits limits;
  private final CallChecks checks;
  private final PromptTokenizer tokenizer;
  private final LongSupplier seeds;

  /**
   * @param seeds draws the seed of a request that names none
   */
  public Preparer(RequestLimits limits, PromptTokenizer tokenizer, LongSupplier seeds) {
    this.limits = limits;
    this.checks = new CallChecks(limits);
    this.tokenizer = tokenizer;
    this.seeds = seeds;
  }

  public Preparation prepare(GenerateCall call) {
    String problem = checks.problem(call);
    if (problem != null) {
      return refused(problem);
    }
    Integer truncate = call.length().truncate();
    if (truncate == null && isClearlyLongerThan(limits.maxInputLength(), call.inputs())) {
      return refused(
          "`inputs` must have less than %d tokens. Given: more than that"
              .formatted(limits.maxInputLength()));
    }
    int[] ids = tokenizer.encode(call.inputs(), call.addSpecialTokens());
    if (truncate != null && ids.length > truncate) {
      ids = Arrays.copyOfRange(ids, ids.length - truncate, ids.length);
    }
    return measured(call, ids);
  }

  private Preparation measured(GenerateCall call, int[] ids) {
    Integer asked = call.length().maxNewTokens();
    int maxNewTokens = asked == null ? Math.max(limits.maxTotalTokens() - ids.length, 1) : asked;
    if ((long) ids.length + maxNewTokens > limits.maxTotalTokens()) {
      return refused(
          ("`inputs` tokens + `max_new_tokens` must be <= %d. Given: %d `inputs` tokens and %d"
                  + " `max_new_tokens`")
              .formatted(limits.maxTotalTokens(), ids.length, maxNewTokens));
    }
    if (ids.length > limits.maxInputLength()) {
      return refused(
          "`inputs` must have less than %d tokens. Given: %d"
              .formatted(limits.maxInputLength(), ids.length));
    }
    if (ids.length == 0) {
      return refused("`inputs` cannot be empty");
    }
    return new Prepared(call, sequences(call, ids, maxNewTokens), adapter(call.adapter()));
  }

  private List<GenerationRequest> sequences(GenerateCall call, int[] ids, int maxNewTokens) {
    var prompt = new Prompt(call.inputs(), ids);
    var stop =
        new StopRules(maxNewTokens, call.length().stop(), call.length().ignoreEndOfSequence());
    Integer bestOf = call.output().bestOf();
    var sequences = new ArrayList<GenerationRequest>();
    for (int i = 0; i < (bestOf == null ? 1 : bestOf); i++) {
      sequences.add(
          new GenerationRequest(
              prompt,
              sampling(call, i),
              stop,
              limits.maxInputLength(),
              call.output().prefillDetails()));
    }
    return sequences;
  }

  /** Whether a text has more tokens, as far as its beginning shows. */
  boolean isClearlyLongerThan(int maxTokens, String text) {
    int probed = maxTokens * PROBE_CHARACTERS_PER_TOKEN;
    return text.length() > 2 * probed
        && tokenizer.encode(text.substring(0, probed), false).length > maxTokens;
  }

  /** What is wrong with the choice of an adapter, or null. */
  public @Nullable String problem(AdapterChoice choice) {
    return checks.choice(choice);
  }

  /** What a choice without problems stands for. */
  public AdapterKey adapter(AdapterChoice choice) {
    @Nullable ApiToken token = choice.apiToken() == null ? null : new ApiToken(choice.apiToken());
    AdapterSource source =
        choice.source() == null
            ? limits.defaultSource()
            : AdapterSource.parse(choice.source()).orElseThrow();
    if (choice.merged() != null) {
      return new AdapterKey(choice.merged().ids(), merge(choice.merged()), source, token);
    }
    String id = choice.id();
    return id == null || id.isEmpty() || AdapterKey.BASE.ids().equals(List.of(id))
        ? AdapterKey.BASE
        : AdapterKey.of(id, source, token);
  }

  private static AdapterMerge merge(MergeChoice merged) {
    AdapterMerge.Strategy strategy =
        merged.strategy() == null
            ? AdapterMerge.Strategy.LINEAR
            : AdapterMerge.Strategy.parse(merged.strategy()).orElseThrow();
    AdapterMerge.MajoritySign sign =
        merged.majoritySign() == null
            ? AdapterMerge.MajoritySign.TOTAL
            : AdapterMerge.MajoritySign.parse(merged.majoritySign()).orElseThrow();
    return new AdapterMerge(merged.weights(), strategy, merged.density(), sign);
  }

  private Sampling sampling(GenerateCall call, int index) {
    SamplingChoice choice = call.sampling();
    Float temperature = choice.temperature();
    // Temperature 0 is greedy whatever else is set; shards would divide by it.
    boolean greedy = temperature != null && temperature == 0;
    return new Sampling(
        greedy ? 1 : or(temperature, 1),
        greedy || choice.topK() == null ? 0 : choice.topK(),
        greedy ? 1 : or(choice.topP(), 1),
        greedy ? 1 : or(choice.typicalP(), 1),
        !greedy && choice.doSample(),
        choice.seed() == null ? seeds.getAsLong() : Seeds.derived(choice.seed(), index),
        or(choice.repetitionPenalty(), 1),
        or(choice.frequencyPenalty(), 0),
        or(choice.presencePenalty(), 0),
        choice.watermark(),
        choice.schema(),
        call.output().alternatives() == null ? 0 : call.output().alternatives());
  }

  private static float or(@Nullable Float value, float otherwise) {
    return value == null ? otherwise : value;
  }

  private static Refused refused(String problem) {
    return new Refused(Rejection.validation(problem));
  }
}
