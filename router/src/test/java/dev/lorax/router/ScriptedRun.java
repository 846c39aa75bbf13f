package dev.lorax.router;

import dev.lorax.protocol.extensions.v1.Run;
import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.StepRequest;
import dev.lorax.protocol.generate.v1.CachedBatch;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/**
 * The steps of one call, and those that follow them in a run; see extensions.proto. A router that
 * says anything while a run goes on is answered when that is over.
 */
final class ScriptedRun implements StreamObserver<StepRequest> {
  private static final Optional<StepRequest> NO_MORE = Optional.empty();

  private final StreamObserver<StepReply> replies;
  private final boolean mayRun;
  private final AtomicInteger asked;
  private final BiConsumer<StepRequest, StreamObserver<StepReply>> step;
  private final BlockingQueue<Optional<StepRequest>> said = new LinkedBlockingQueue<>();

  /**
   * @param asked counts what is asked for
   * @param step makes a step and tells the observer of it, once or never
   */
  ScriptedRun(
      StreamObserver<StepReply> replies,
      boolean mayRun,
      AtomicInteger asked,
      BiConsumer<StepRequest, StreamObserver<StepReply>> step) {
    this.replies = replies;
    // With a handler, replies to a router that has gone are dropped; without, they fail.
    ((ServerCallStreamObserver<StepReply>) replies).setOnCancelHandler(() -> said.add(NO_MORE));
    this.mayRun = mayRun;
    this.asked = asked;
    this.step = step;
    // gRPC brings what the router says next only after it has been taken: steps have a thread.
    Thread.startVirtualThread(this::serve);
  }

  private void serve() {
    try {
      for (var next = said.take(); next.isPresent(); next = said.take()) {
        if (!next.get().hasEndRun()) {
          asked.incrementAndGet();
          run(next.get());
        }
      }
      replies.onCompleted();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void onNext(StepRequest request) {
    said.add(Optional.of(request));
  }

  private void run(StepRequest first) {
    StepRequest next = first;
    while (next != null) {
      StepReply reply = made(next);
      if (reply == null) {
        return;
      }
      boolean goesOn = goesOn(first.getRun(), reply);
      replies.onNext(reply.toBuilder().setRunGoesOn(goesOn).build());
      next = goesOn ? decode(reply.getBatch()) : null;
    }
  }

  private @Nullable StepReply made(StepRequest request) {
    var reply = new AtomicReference<@Nullable StepReply>();
    step.accept(
        request,
        new StreamObserver<>() {
          @Override
          public void onNext(StepReply value) {
            reply.set(value);
          }

          @Override
          public void onError(Throwable error) {}

          @Override
          public void onCompleted() {}
        });
    return reply.get();
  }

  private boolean goesOn(Run run, StepReply reply) {
    // What has ended is in the batch, and would make the next step, until the router says no.
    boolean ended = reply.getGenerationsList().stream().anyMatch(row -> row.hasGeneratedText());
    return mayRun && run != Run.RUN_NONE && said.isEmpty() && !ended && reply.hasBatch();
  }

  private static StepRequest decode(CachedBatch batch) {
    return StepRequest.newBuilder().setDecode(DecodeRequest.newBuilder().addBatches(batch)).build();
  }

  @Override
  public void onError(Throwable error) {
    said.add(NO_MORE);
  }

  @Override
  public void onCompleted() {
    said.add(NO_MORE);
  }
}
