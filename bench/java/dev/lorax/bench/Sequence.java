package dev.lorax.bench;

import dev.lorax.protocol.generate.v1.FinishReason;
import dev.lorax.protocol.generate.v1.GeneratedText;
import dev.lorax.protocol.generate.v1.Generation;
import dev.lorax.protocol.generate.v1.NextTokens;
import dev.lorax.protocol.generate.v1.Request;

/** A request in the scripted shard: the same token as often as it was asked for. */
final class Sequence {
  /** Tokens of real models have about this many characters. */
  static final String TEXT = " token";

  static final int TOKEN = 42;
  static final float LOGPROB = -0.5f;

  private static final NextTokens TOKENS =
      NextTokens.newBuilder()
          .addIds(TOKEN)
          .addLogprobs(LOGPROB)
          .addTexts(TEXT)
          .addIsSpecial(false)
          .build();

  private final Request request;
  private final Generation generation;
  private int left;

  Sequence(Request request) {
    this.request = request;
    this.left = request.getStoppingParameters().getMaxNewTokens();
    this.generation =
        Generation.newBuilder().setRequestId(request.getId()).setNextTokens(TOKENS).build();
  }

  long id() {
    return request.getId();
  }

  boolean alive() {
    return left > 0;
  }

  /** One token further; whether it was the last one. */
  boolean advance() {
    left--;
    return left == 0;
  }

  /** The first step. */
  Generation next() {
    advance();
    return generation().toBuilder()
        .setPrefillTokensLength(request.getTokenizedInputs().getIdsCount())
        .build();
  }

  /** What this step yielded. */
  Generation generation() {
    if (alive()) {
      return generation;
    }
    int generated = request.getStoppingParameters().getMaxNewTokens();
    return generation.toBuilder()
        .setGeneratedText(
            GeneratedText.newBuilder()
                .setText(TEXT.repeat(generated))
                .setGeneratedTokens(generated)
                .setFinishReason(FinishReason.FINISH_REASON_LENGTH))
        .build();
  }
}
