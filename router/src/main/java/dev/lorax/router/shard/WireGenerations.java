package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.TokenColumns;
import dev.lorax.protocol.generate.v1.AlternativeTokens;
import dev.lorax.protocol.generate.v1.NextTokens;
import dev.lorax.router.batching.CachedBatch;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.generation.FinishReason;
import dev.lorax.router.generation.GeneratedText;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.generation.PrefillToken;
import dev.lorax.router.generation.Token;
import dev.lorax.router.generation.Token.AlternativeToken;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The shards' answers in our words. */
final class WireGenerations {
  private WireGenerations() {}

  static CachedBatch cached(dev.lorax.protocol.generate.v1.CachedBatch message) {
    return new CachedBatch(
        message.getId(),
        message.getRequestIdsList(),
        message.getSize(),
        message.getMaxTokens(),
        message.getCurrentTokens());
  }

  static void addRows(
      List<dev.lorax.protocol.generate.v1.Generation> messages, List<Generation> generations) {
    for (var message : messages) {
      generations.add(generation(message));
    }
  }

  /** Fails for columns that do not belong together. */
  static void addColumns(int shardIndex, TokenColumns columns, List<Generation> generations)
      throws ShardException {
    int count = columns.getRequestIdsCount();
    var special = new BitSet();
    columns.getSpecialList().forEach(special::set);
    if (columns.getIdsCount() != count
        || columns.getLogprobsCount() != count
        || columns.getTextsCount() != count
        || special.length() > count) {
      throw new ShardException.Refused(
          ("shard %d answered a step with columns that do not fit: %d request ids, %d ids, %d"
                  + " logprobs, %d texts, special up to place %d")
              .formatted(
                  shardIndex,
                  count,
                  columns.getIdsCount(),
                  columns.getLogprobsCount(),
                  columns.getTextsCount(),
                  special.length() - 1),
          null);
    }
    for (int i = 0; i < count; i++) {
      var token =
          new Token(
              columns.getIds(i),
              columns.getTexts(i),
              columns.getLogprobs(i),
              special.get(i),
              false,
              List.of());
      generations.add(new Generation(columns.getRequestIds(i), 0, List.of(), List.of(token), null));
    }
  }

  private static Generation generation(dev.lorax.protocol.generate.v1.Generation message) {
    return new Generation(
        message.getRequestId(),
        message.getPrefillTokensLength(),
        prefillTokens(message.getPrefillTokens()),
        tokens(message.getNextTokens()),
        message.hasGeneratedText() ? end(message.getGeneratedText()) : null);
  }

  private static List<PrefillToken> prefillTokens(NextTokens message) {
    var tokens = new ArrayList<PrefillToken>(message.getIdsCount());
    for (int i = 0; i < message.getIdsCount(); i++) {
      tokens.add(new PrefillToken(message.getIds(i), message.getTexts(i), message.getLogprobs(i)));
    }
    return tokens;
  }

  private static List<Token> tokens(NextTokens message) {
    var tokens = new ArrayList<Token>(message.getIdsCount());
    for (int i = 0; i < message.getIdsCount(); i++) {
      // The first token was computed, the others came for free by speculation.
      boolean skipped = i > 0;
      List<AlternativeToken> alternatives =
          i < message.getAlternativeTokensCount()
              ? alternatives(message.getAlternativeTokens(i))
              : List.of();
      tokens.add(
          new Token(
              message.getIds(i),
              message.getTexts(i),
              message.getLogprobs(i),
              message.getIsSpecial(i),
              skipped,
              alternatives));
    }
    return tokens;
  }

  private static List<AlternativeToken> alternatives(AlternativeTokens message) {
    var tokens = new ArrayList<AlternativeToken>(message.getIdsCount());
    for (int i = 0; i < message.getIdsCount(); i++) {
      tokens.add(
          new AlternativeToken(message.getIds(i), message.getTexts(i), message.getLogprobs(i)));
    }
    return tokens;
  }

  private static GeneratedText end(dev.lorax.protocol.generate.v1.GeneratedText message) {
    @Nullable Long seed = message.hasSeed() ? message.getSeed() : null;
    return new GeneratedText(
        message.getText(),
        message.getGeneratedTokens(),
        message.getSkippedTokens(),
        finishReason(message.getFinishReason()),
        seed);
  }

  private static FinishReason finishReason(dev.lorax.protocol.generate.v1.FinishReason reason) {
    return switch (reason) {
      case FINISH_REASON_LENGTH, UNRECOGNIZED -> FinishReason.LENGTH;
      case FINISH_REASON_EOS_TOKEN -> FinishReason.END_OF_SEQUENCE;
      case FINISH_REASON_STOP_SEQUENCE -> FinishReason.STOP_SEQUENCE;
    };
  }
}
