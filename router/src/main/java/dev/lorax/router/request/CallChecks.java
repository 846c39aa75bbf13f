package dev.lorax.router.request;

import dev.lorax.router.adapter.AdapterMerge;
import dev.lorax.router.adapter.AdapterSource;
import dev.lorax.router.request.GenerateCall.AdapterChoice;
import dev.lorax.router.request.GenerateCall.MergeChoice;
import dev.lorax.router.request.GenerateCall.SamplingChoice;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The checks that need no tokenizer, in upstream's order and words: clients match on them. What
 * upstream lets through to die on later (unknown sources and strategies, control characters) is
 * refused first.
 */
final class CallChecks {
  private final RequestLimits limits;

  CallChecks(RequestLimits limits) {
    this.limits = limits;
  }

  /** The first thing wrong with the call, or null. */
  @Nullable String problem(GenerateCall call) {
    List<Check> checks =
        List.of(
            this::names,
            this::bestOf,
            this::adapters,
            this::bestOfSampling,
            this::penalties,
            this::candidates,
            this::length,
            this::inputs);
    for (Check check : checks) {
      String problem = check.problem(call);
      if (problem != null) {
        return problem;
      }
    }
    return null;
  }

  private @Nullable String names(GenerateCall call) {
    return names(call.adapter());
  }

  /** What is wrong with the choice of an adapter, or null. */
  @Nullable String choice(AdapterChoice adapter) {
    String names = names(adapter);
    return names == null ? conflict(adapter) : names;
  }

  /** What is wrong with the name of an adapter, or null. */
  @Nullable String names(AdapterChoice adapter) {
    var ids = new ArrayList<String>();
    if (adapter.id() != null) {
      ids.add(adapter.id());
    }
    if (adapter.merged() != null) {
      ids.addAll(adapter.merged().ids());
    }
    for (String id : ids) {
      if (id.chars().anyMatch(Character::isISOControl)) {
        return "`adapter_id` must not contain control characters";
      }
    }
    String source = adapter.source();
    if (source != null && AdapterSource.parse(source).isEmpty()) {
      return "`adapter_source` must be one of %s. Given: %s"
          .formatted(AdapterSource.OFFERED, quoted(source));
    }
    return adapter.merged() == null ? null : mergeNames(adapter.merged());
  }

  private static @Nullable String mergeNames(MergeChoice merged) {
    String strategy = merged.strategy();
    if (strategy != null && AdapterMerge.Strategy.parse(strategy).isEmpty()) {
      return "`merge_strategy` must be one of linear, ties, dare_linear, dare_ties. Given: "
          + quoted(strategy);
    }
    String sign = merged.majoritySign();
    if (sign != null && AdapterMerge.MajoritySign.parse(sign).isEmpty()) {
      return "`majority_sign_method` must be one of total, frequency. Given: " + quoted(sign);
    }
    return null;
  }

  private @Nullable String bestOf(GenerateCall call) {
    int bestOf = call.output().bestOf() == null ? 1 : call.output().bestOf();
    if (limits.maxBestOf() == 1 && bestOf != 1) {
      return "`best_of` != 1 is not allowed for this endpoint";
    }
    if (bestOf < 1 || bestOf > limits.maxBestOf()) {
      return "`best_of` must be > 0 and <= %d. Given: %d".formatted(limits.maxBestOf(), bestOf);
    }
    if (call.stream() && bestOf != 1 && !call.output().showsEach()) {
      return "`best_of` != 1 is not supported when streaming tokens";
    }
    if (call.stream() && call.output().prefillDetails()) {
      return "`decoder_input_details` == true is not supported when streaming tokens";
    }
    return null;
  }

  private @Nullable String adapters(GenerateCall call) {
    return conflict(call.adapter());
  }

  private static @Nullable String conflict(AdapterChoice adapter) {
    MergeChoice merged = adapter.merged();
    if (merged == null) {
      return null;
    }
    if (adapter.id() != null) {
      return "at most one of `adapter_id` or `adapters` may be provided";
    }
    if (merged.ids().isEmpty()) {
      return "at least one adapter ID must be provided when setting `adapters`";
    }
    return merged.ids().size() == merged.weights().size()
        ? null
        : "number of adapter IDs must match number of adapter weights";
  }

  private @Nullable String bestOfSampling(GenerateCall call) {
    return several(call) && !call.sampling().samples()
        ? "you must use sampling when `best_of` is > 1"
        : null;
  }

  private @Nullable String penalties(GenerateCall call) {
    SamplingChoice sampling = call.sampling();
    if (sampling.temperature() != null && sampling.temperature() < 0) {
      return "`temperature` must be non-negative";
    }
    if (sampling.repetitionPenalty() != null && sampling.repetitionPenalty() <= 0) {
      return "`repetition_penalty` must be strictly positive";
    }
    if (outside(sampling.frequencyPenalty())) {
      return "`frequency_penalty` must be >= -2.0 and <= 2.0";
    }
    return outside(sampling.presencePenalty())
        ? "`presence_penalty` must be >= -2.0 and <= 2.0"
        : null;
  }

  private @Nullable String candidates(GenerateCall call) {
    SamplingChoice sampling = call.sampling();
    if (sampling.topP() != null && (sampling.topP() <= 0 || sampling.topP() > 1)) {
      return "`top_p` must be > 0.0 and < 1.0";
    }
    if (sampling.typicalP() != null && (sampling.typicalP() <= 0 || sampling.typicalP() >= 1)) {
      return "`typical_p` must be > 0.0 and < 1.0";
    }
    if (sampling.topK() != null && sampling.topK() <= 0) {
      return "`top_k` must be strictly positive";
    }
    Integer alternatives = call.output().alternatives();
    return alternatives != null && alternatives <= 0
        ? "`return_k_alternatives` must be strictly positive"
        : null;
  }

  private @Nullable String length(GenerateCall call) {
    Integer maxNewTokens = call.length().maxNewTokens();
    if (maxNewTokens != null && maxNewTokens == 0) {
      return "`max_new_tokens` must be strictly positive";
    }
    int stops = call.length().stop().size();
    if (stops > limits.maxStopSequences()) {
      return "`stop` supports up to %d stop sequences. Given: %d"
          .formatted(limits.maxStopSequences(), stops);
    }
    SamplingChoice sampling = call.sampling();
    return several(call) && sampling.seed() != null && !sampling.seedsEach()
        ? "`seed` must not be set when `best_of` > 1"
        : null;
  }

  private @Nullable String inputs(GenerateCall call) {
    if (call.inputs().isEmpty()) {
      return "`inputs` cannot be empty";
    }
    Integer truncate = call.length().truncate();
    if (truncate != null && (truncate == 0 || truncate > limits.maxInputLength())) {
      return "`truncate` must be strictly positive and less than %d. Given: %d"
          .formatted(limits.maxInputLength(), truncate);
    }
    return null;
  }

  private static boolean several(GenerateCall call) {
    return call.output().bestOf() != null && call.output().bestOf() > 1;
  }

  private static boolean outside(@Nullable Float penalty) {
    return penalty != null && (penalty < -2 || penalty > 2);
  }

  /** Client input in a message: short, and on one line. */
  private static String quoted(String value) {
    int longest = 80;
    String shown = value.length() > longest ? value.substring(0, longest) + "..." : value;
    return "`" + shown.replaceAll("\\p{Cntrl}", "?") + "`";
  }

  @FunctionalInterface
  private interface Check {
    @Nullable String problem(GenerateCall call);
  }
}
