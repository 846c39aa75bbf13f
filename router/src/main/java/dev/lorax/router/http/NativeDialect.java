package dev.lorax.router.http;

import com.fasterxml.jackson.databind.JsonNode;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.http.Question.Reading;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Upstream's own way of asking; its three endpoints differ in who decides about streaming. */
enum NativeDialect implements Dialect {
  GENERATE,
  GENERATE_STREAM,
  /** The body says whether to stream, and a whole answer comes in an array. */
  COMPATIBLE;

  @Override
  public CompletionStage<Reading> read(JsonNode body, @Nullable String bearer) {
    try {
      boolean stream =
          switch (this) {
            case GENERATE -> false;
            case GENERATE_STREAM -> true;
            case COMPATIBLE -> JsonFields.of(body).flag("stream");
          };
      var call = NativeRequestReader.read(body, stream, bearer);
      return CompletableFuture.completedStage(
          new Reading.Read(new NativeQuestion(call, this == COMPATIBLE)));
    } catch (FieldException e) {
      return CompletableFuture.completedStage(
          new Reading.Refused(new Rejection(Rejection.Kind.ILL_TYPED, e.problem())));
    }
  }

  @Override
  public ErrorFormat errors() {
    return ErrorFormat.NATIVE;
  }

  @Override
  public boolean failsInsideStream() {
    return true;
  }
}
