package dev.lorax.router;

import dev.lorax.protocol.extensions.v1.StepFailure;
import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.TokenColumns;
import dev.lorax.protocol.generate.v1.CachedBatch;
import dev.lorax.protocol.generate.v1.Generation;
import dev.lorax.protocol.generate.v1.NextTokens;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.Arrays;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The rows of an answer as the columns of a step; see extensions.proto. */
public final class ScriptedColumns {
  private ScriptedColumns() {}

  /** An observer of one answer in rows that passes it on as a reply of a stream. */
  static <A> StreamObserver<A> into(
      StreamObserver<StepReply> replies,
      Function<A, List<Generation>> generations,
      Function<A, @Nullable CachedBatch> batch) {
    return into(replies, answer -> of(generations.apply(answer), batch.apply(answer)));
  }

  /** An observer of one answer that passes it on as the reply that says the same. */
  static <A> StreamObserver<A> into(
      StreamObserver<StepReply> replies, Function<A, StepReply> reply) {
    return new StreamObserver<>() {
      @Override
      public void onNext(A answer) {
        replies.onNext(reply.apply(answer));
      }

      @Override
      public void onError(Throwable error) {
        replies.onNext(StepReply.newBuilder().setFailure(failure(error)).build());
      }

      @Override
      public void onCompleted() {}
    };
  }

  private static StepFailure failure(Throwable error) {
    Status status = Status.fromThrowable(error);
    Metadata trailers = Status.trailersFromThrowable(error);
    String culprits = trailers == null ? null : trailers.get(ScriptedText.FAILED_REQUESTS);
    var failure = StepFailure.newBuilder().setStatus(status.getCode().value());
    if (status.getDescription() != null) {
      failure.setMessage(status.getDescription());
    }
    if (culprits != null) {
      Arrays.stream(culprits.split(",")).map(Long::parseLong).forEach(failure::addRequestIds);
    }
    return failure.build();
  }

  /** What says the same. */
  public static StepReply of(List<Generation> rows, @Nullable CachedBatch batch) {
    var response = StepReply.newBuilder();
    var columns = TokenColumns.newBuilder();
    for (Generation row : rows) {
      if (!isPlain(row)) {
        response.addGenerations(row);
        continue;
      }
      NextTokens tokens = row.getNextTokens();
      if (tokens.getIsSpecial(0)) {
        columns.addSpecial(columns.getIdsCount());
      }
      columns
          .addRequestIds(row.getRequestId())
          .addIds(tokens.getIds(0))
          .addLogprobs(tokens.getLogprobs(0))
          .addTexts(tokens.getTexts(0));
    }
    if (batch != null) {
      response.setBatch(batch);
    }
    return response.setTokens(columns).build();
  }

  private static boolean isPlain(Generation row) {
    return !row.hasGeneratedText()
        && row.getPrefillTokensLength() == 0
        && !row.hasPrefillTokens()
        && row.getNextTokens().getIdsCount() == 1
        && row.getNextTokens().getAlternativeTokensCount() == 0;
  }
}
