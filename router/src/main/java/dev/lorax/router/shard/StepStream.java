package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.ExtensionsGrpc;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc.ExtensionsStub;
import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.StepRequest;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;

/**
 * The steps of one shard over one call, which the first of them opens, as does the next one after a
 * call has ended. Confined to the batch loop.
 */
final class StepStream {
  private final ExtensionsStub stub;
  private @Nullable Call call;

  StepStream(UnixChannel shard) {
    this.stub = ExtensionsGrpc.newStub(shard.channel());
  }

  /** The reply to come. Fails with the status of the call if that ends first. */
  CompletableFuture<StepReply> ask(StepRequest request) {
    if (call == null || call.ended != null) {
      call = new Call(stub);
    }
    return call.ask(request);
  }

  /** A call and the requests that have no reply yet. gRPC's thread brings the replies. */
  private static final class Call implements StreamObserver<StepReply> {
    private final Queue<CompletableFuture<StepReply>> waiting = new ConcurrentLinkedQueue<>();
    private final StreamObserver<StepRequest> requests;
    private volatile @Nullable Throwable ended;

    Call(ExtensionsStub stub) {
      requests = stub.steps(this);
    }

    CompletableFuture<StepReply> ask(StepRequest request) {
      var reply = new CompletableFuture<StepReply>();
      waiting.add(reply);
      Throwable reason = ended;
      if (reason == null) {
        requests.onNext(request);
      } else {
        // It has ended since the caller looked, perhaps before this one waited.
        reply.completeExceptionally(reason);
      }
      return reply;
    }

    @Override
    public void onNext(StepReply reply) {
      CompletableFuture<StepReply> asked = waiting.poll();
      if (asked == null) {
        throw Status.INTERNAL.withDescription("a reply to no step").asRuntimeException();
      }
      asked.complete(reply);
    }

    @Override
    public void onError(Throwable reason) {
      ended = reason;
      for (var reply = waiting.poll(); reply != null; reply = waiting.poll()) {
        reply.completeExceptionally(reason);
      }
    }

    @Override
    public void onCompleted() {
      onError(Status.UNAVAILABLE.withDescription("the shard takes no more steps").asException());
    }
  }
}
