package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.EndRun;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc.ExtensionsStub;
import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.StepRequest;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.Deque;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedDeque;
import org.jspecify.annotations.Nullable;

/**
 * The steps of one shard over one call, which the first of them opens, as does the next one after a
 * call has ended. One caller at a time.
 */
final class StepStream {
  private static final StepRequest END_RUN =
      StepRequest.newBuilder().setEndRun(EndRun.getDefaultInstance()).build();

  private final ExtensionsStub stub;
  private @Nullable Call call;

  StepStream(UnixChannel shard) {
    this.stub = ExtensionsGrpc.newStub(shard.channel());
  }

  /** The reply to come. Fails with the status of the call if that ends first. */
  CompletableFuture<Answer> ask(StepRequest request) {
    if (call == null || call.ended != null) {
      call = new Call(stub);
    }
    return call.ask(request);
  }

  /** Has a run end. A call that has ended has none. */
  void endRun() {
    if (call != null && call.ended == null) {
      call.requests.onNext(END_RUN);
    }
  }

  /**
   * A reply.
   *
   * @param next the one that follows without being asked, in a run that goes on
   */
  record Answer(StepReply reply, @Nullable CompletableFuture<Answer> next) {}

  /** A call and the steps that have no reply yet. gRPC's thread brings the replies. */
  private static final class Call implements StreamObserver<StepReply> {
    private final Deque<CompletableFuture<Answer>> waiting = new ConcurrentLinkedDeque<>();
    private final StreamObserver<StepRequest> requests;
    private volatile @Nullable Throwable ended;

    Call(ExtensionsStub stub) {
      requests = stub.steps(this);
    }

    CompletableFuture<Answer> ask(StepRequest request) {
      var reply = new CompletableFuture<Answer>();
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
      CompletableFuture<Answer> asked = waiting.poll();
      if (asked == null) {
        throw Status.INTERNAL.withDescription("a reply to no step").asRuntimeException();
      }
      CompletableFuture<Answer> next = null;
      if (reply.getRunGoesOn()) {
        next = new CompletableFuture<>();
        // Whatever was asked for meanwhile comes after the run.
        waiting.addFirst(next);
      }
      asked.complete(new Answer(reply, next));
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
