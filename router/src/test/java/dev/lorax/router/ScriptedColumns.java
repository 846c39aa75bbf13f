package dev.lorax.router;

import dev.lorax.protocol.extensions.v1.StepResponse;
import dev.lorax.protocol.extensions.v1.TokenColumns;
import dev.lorax.protocol.generate.v1.CachedBatch;
import dev.lorax.protocol.generate.v1.Generation;
import dev.lorax.protocol.generate.v1.NextTokens;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The rows of an answer as the columns of a Step; see extensions.proto. */
public final class ScriptedColumns {
  private ScriptedColumns() {}

  /** An observer of rows that passes them on as columns. */
  static <A> StreamObserver<A> into(
      StreamObserver<StepResponse> observer,
      Function<A, List<Generation>> generations,
      Function<A, @Nullable CachedBatch> batch) {
    return new StreamObserver<>() {
      @Override
      public void onNext(A answer) {
        observer.onNext(of(generations.apply(answer), batch.apply(answer)));
      }

      @Override
      public void onError(Throwable error) {
        observer.onError(error);
      }

      @Override
      public void onCompleted() {
        observer.onCompleted();
      }
    };
  }

  /** What says the same. */
  public static StepResponse of(List<Generation> rows, @Nullable CachedBatch batch) {
    var response = StepResponse.newBuilder();
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
