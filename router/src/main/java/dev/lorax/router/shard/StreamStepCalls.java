package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.StepFailure;
import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.StepRequest;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.router.batching.Pending;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.StepResult;
import dev.lorax.router.generation.Generation;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Steps over one call for each shard, with replies in columns, of shards that announce them.
 * Confined to the batch loop.
 */
final class StreamStepCalls implements StepCalls {
  private final List<StepStream> streams;
  private final Duration deadline;

  StreamStepCalls(List<UnixChannel> shards, Duration deadline) {
    this.streams = shards.stream().map(StepStream::new).toList();
    this.deadline = deadline;
  }

  @Override
  public Pending<StepResult> prefill(
      PrefillRequest request, boolean holdsPrompts, TraceHeaders traces) {
    var step = StepRequest.newBuilder().setPrefill(request).setHoldPrompts(holdsPrompts);
    return all("Prefill", step.setTracedRequests(traces.requests()).build());
  }

  @Override
  public Pending<StepResult> decode(DecodeRequest request) {
    return all("Decode", StepRequest.newBuilder().setDecode(request).build());
  }

  private Pending<StepResult> all(String name, StepRequest request) {
    var replies = new ArrayList<CompletableFuture<StepReply>>(streams.size());
    for (StepStream stream : streams) {
      replies.add(stream.ask(request));
    }
    return new Step(name, replies, System.nanoTime() + deadline.toNanos());
  }

  /** A step that all shards have been asked for. */
  private record Step(String name, List<CompletableFuture<StepReply>> replies, long endNanos)
      implements Pending<StepResult> {
    @Override
    public StepResult await() throws ShardException, InterruptedException {
      return stepped(ShardCalls.waitUntil(endNanos, name, replies));
    }

    @Override
    public void whenAnswered(Runnable action) {
      var _ =
          CompletableFuture.allOf(replies.toArray(CompletableFuture[]::new))
              .whenComplete((_, _) -> action.run());
    }

    @Override
    public long mostNanos() {
      return Math.max(0, endNanos - System.nanoTime());
    }
  }

  private static StepResult stepped(List<StepReply> replies) throws ShardException {
    var generations = new ArrayList<Generation>();
    for (int i = 0; i < replies.size(); i++) {
      StepReply reply = replies.get(i);
      if (reply.hasFailure()) {
        throw refusal(reply.getFailure());
      }
      WireGenerations.addRows(reply.getGenerationsList(), generations);
      WireGenerations.addColumns(i, reply.getTokens(), generations);
    }
    StepReply last = replies.getLast();
    return RowStepCalls.result(generations, last.hasBatch(), last.getBatch());
  }

  private static ShardException refusal(StepFailure failure) {
    return new ShardException.Refused(
        failure.getMessage(),
        null,
        failure.getStatus() == Status.Code.ABORTED.value(),
        failure.getRequestIdsList());
  }
}
