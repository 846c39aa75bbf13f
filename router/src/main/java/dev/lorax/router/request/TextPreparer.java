package dev.lorax.router.request;

import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.encoding.EncodingTask;
import dev.lorax.router.generation.Prompt;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.request.TextCall.TextInput;
import dev.lorax.router.request.TextPreparation.Prepared;
import dev.lorax.router.request.TextPreparation.PreparedText;
import dev.lorax.router.request.TextPreparation.Refused;
import dev.lorax.router.tokenizer.PromptTokenizer;
import dev.lorax.router.tokenizer.TextToken;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Checks and tokenises texts that are to be embedded or classified. Costs CPU in proportion to the
 * texts. Thread-safe.
 */
public final class TextPreparer {
  private final Preparer preparer;
  private final ModelAbilities abilities;
  private final PromptTokenizer tokenizer;
  private final int maxTokens;

  /**
   * @param preparer knows what is said of adapters
   */
  public TextPreparer(
      RequestLimits limits,
      Preparer preparer,
      ModelAbilities abilities,
      PromptTokenizer tokenizer) {
    this.preparer = preparer;
    this.abilities = abilities;
    this.tokenizer = tokenizer;
    this.maxTokens = Math.min(limits.maxInputLength(), abilities.maxTextTokens());
  }

  public TextPreparation prepare(TextCall call) {
    String problem = problem(call);
    if (problem != null) {
      return refused(problem);
    }
    var texts = new ArrayList<PreparedText>();
    for (TextInput input : call.inputs()) {
      PreparedText text = tokenised(call, input);
      if (text == null) {
        return refused(
            "`%s` must have less than %d tokens. Given: more than that"
                .formatted(call.field(), maxTokens));
      }
      int length = text.prompt().length();
      if (length > maxTokens) {
        return refused(
            "`%s` must have less than %d tokens. Given: %d"
                .formatted(call.field(), maxTokens, length));
      }
      if (length == 0) {
        return refused(empty(call));
      }
      texts.add(text);
    }
    return new Prepared(call.task(), texts, preparer.adapter(call.adapter()));
  }

  private @Nullable String problem(TextCall call) {
    boolean can =
        switch (call.task()) {
          case EMBED -> abilities.embeds();
          case CLASSIFY -> abilities.classifies();
        };
    if (!can) {
      String asked = call.task() == EncodingTask.EMBED ? "embed" : "classify";
      return "this model %s, it does not %s".formatted(abilities.described(), asked);
    }
    if (call.inputs().isEmpty() || call.inputs().stream().anyMatch(TextPreparer::isEmpty)) {
      return empty(call);
    }
    return preparer.problem(call.adapter());
  }

  private @Nullable PreparedText tokenised(TextCall call, TextInput input) {
    return switch (input) {
      case TextInput.Tokens(int[] ids) -> new PreparedText(new Prompt("", ids), List.of());
      case TextInput.Words(String text) -> {
        if (preparer.isClearlyLongerThan(maxTokens, text)) {
          yield null;
        }
        if (call.task() == EncodingTask.EMBED) {
          yield new PreparedText(new Prompt(text, tokenizer.encode(text, true)), List.of());
        }
        List<TextToken> tokens = tokenizer.tokens(text, true);
        int[] ids = tokens.stream().mapToInt(TextToken::id).toArray();
        yield new PreparedText(new Prompt(text, ids), tokens);
      }
    };
  }

  private static boolean isEmpty(TextInput input) {
    return switch (input) {
      case TextInput.Words(String text) -> text.isEmpty();
      case TextInput.Tokens(int[] ids) -> ids.length == 0;
    };
  }

  private static String empty(TextCall call) {
    return "`%s` cannot be empty".formatted(call.field());
  }

  private static Refused refused(String problem) {
    return new Refused(Rejection.validation(problem));
  }
}
