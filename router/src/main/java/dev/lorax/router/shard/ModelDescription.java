package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.DescribeModelRequest;
import dev.lorax.protocol.extensions.v1.DescribeModelResponse;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc;
import dev.lorax.protocol.generate.v1.InfoResponse;
import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.batching.ModelAbilities.Classification;
import dev.lorax.router.batching.ShardException;
import java.time.Duration;

/** What a shard tells of its model. */
final class ModelDescription {
  private ModelDescription() {}

  /**
   * What Info says, and what it has no field for. A shard that knows no such question is
   * upstream's: it classifies tokens, if anything, and names no limit.
   */
  static ModelAbilities ask(UnixChannel shard, InfoResponse info, Duration deadline)
      throws ShardException, InterruptedException {
    var call =
        ExtensionsGrpc.newFutureStub(shard.channel())
            .withDeadlineAfter(deadline)
            .describeModel(DescribeModelRequest.getDefaultInstance());
    try {
      DescribeModelResponse answer = ShardCalls.one("DescribeModel", 0, call);
      return new ModelAbilities(
          info.getSupportsGeneration(),
          info.getSupportsEmbeddings(),
          info.getSupportsClassification() ? classification(answer) : Classification.NONE,
          answer.getMaxTextTokens() > 0 ? answer.getMaxTextTokens() : ModelAbilities.UNLIMITED);
    } catch (ShardException.Refused e) {
      return new ModelAbilities(
          info.getSupportsGeneration(),
          info.getSupportsEmbeddings(),
          info.getSupportsClassification() ? Classification.TOKENS : Classification.NONE,
          ModelAbilities.UNLIMITED);
    }
  }

  private static Classification classification(DescribeModelResponse answer) {
    return switch (answer.getClassification()) {
      case CLASSIFICATION_KIND_TEXTS -> Classification.TEXTS;
      case CLASSIFICATION_KIND_TOKENS, CLASSIFICATION_KIND_NONE, UNRECOGNIZED ->
          Classification.TOKENS;
    };
  }
}
