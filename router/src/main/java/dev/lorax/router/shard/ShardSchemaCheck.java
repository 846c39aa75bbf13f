package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.PrepareSchemaRequest;
import dev.lorax.protocol.extensions.v1.PrepareSchemaResponse;
import dev.lorax.router.generation.Rejection;
import dev.lorax.router.generation.SchemaCheck;
import io.grpc.Status;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Has schemas compiled by the first shard, which knows what it can follow. Thread-safe. */
record ShardSchemaCheck(FirstShard shard) implements SchemaCheck {
  @Override
  public CompletionStage<Optional<Rejection>> refusal(String schema) {
    var request = PrepareSchemaRequest.newBuilder().setSchema(schema).build();
    return shard
        .<PrepareSchemaResponse>ask((stub, answer) -> stub.prepareSchema(request, answer))
        .handle((_, error) ->
            error == null ? Optional.empty() : rejection(Status.fromThrowable(error)));
  }

  private static Optional<Rejection> rejection(Status status) {
    String detail = String.valueOf(status.getDescription());
    return switch (status.getCode()) {
      case INVALID_ARGUMENT -> Optional.of(Rejection.validation("`response_format`: " + detail));
      // An upstream shard tells what it thinks of a schema when it gets the prompt.
      case UNIMPLEMENTED -> Optional.empty();
      case UNAVAILABLE -> Optional.of(Rejection.unavailable(detail));
      default -> Optional.of(Rejection.generation("Server error: " + detail));
    };
  }
}
