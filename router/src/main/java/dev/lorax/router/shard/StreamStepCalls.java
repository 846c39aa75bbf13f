package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.CapabilitiesResponse;
import dev.lorax.protocol.extensions.v1.ResumeRequest;
import dev.lorax.protocol.extensions.v1.StepFailure;
import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.StepRequest;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.EmbedRequest;
import dev.lorax.protocol.generate.v1.EmbedResponse;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.router.batching.Pending;
import dev.lorax.router.batching.Run;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.StepResult;
import dev.lorax.router.generation.Generation;
import dev.lorax.router.shard.StepStream.Answer;
import io.grpc.Status;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;

/**
 * Steps over one call for each shard, with replies in columns, of shards that announce them.
 *
 * <p>What two threads ask for comes to all shards in one order: they compute together, and would
 * else add up what belongs to different steps.
 */
final class StreamStepCalls implements StepCalls {
  private final List<StepStream> streams;
  private final Duration deadline;
  private final CapabilitiesResponse capabilities;
  private final RowStepCalls apart;

  StreamStepCalls(List<UnixChannel> shards, Duration deadline, CapabilitiesResponse capabilities) {
    this.streams = shards.stream().map(StepStream::new).toList();
    this.deadline = deadline;
    this.capabilities = capabilities;
    this.apart = new RowStepCalls(shards, deadline);
  }

  @Override
  public Pending<StepResult> prefill(
      PrefillRequest request, boolean holdsPrompts, Run run, TraceHeaders traces) {
    var step = StepRequest.newBuilder().setPrefill(request).setHoldPrompts(holdsPrompts);
    return step("Prefill", step.setRun(wire(run)).setTracedRequests(traces.requests()).build());
  }

  @Override
  public Pending<StepResult> decode(DecodeRequest request, Run run) {
    return step("Decode", StepRequest.newBuilder().setDecode(request).setRun(wire(run)).build());
  }

  @Override
  public Pending<StepResult> resume(ResumeRequest request, TraceHeaders traces) {
    if (!capabilities.getAllInSteps()) {
      return apart.resume(request, traces);
    }
    var step = StepRequest.newBuilder().setResume(request);
    return step("Resume", step.setTracedRequests(traces.requests()).build());
  }

  @Override
  public synchronized void endRun() {
    if (capabilities.getRuns()) {
      streams.forEach(StepStream::endRun);
    }
  }

  @Override
  public Pending<List<EmbedResponse>> embed(EmbedRequest request, TraceHeaders traces) {
    if (!capabilities.getAllInSteps()) {
      return apart.embed(request, traces);
    }
    var answers =
        all(
            StepRequest.newBuilder()
                .setEmbed(request)
                .setTracedRequests(traces.requests())
                .build());
    long endNanos = endNanos();
    return () -> {
      var embedded = new ArrayList<EmbedResponse>(answers.size());
      for (Answer answer : ShardCalls.waitUntil(endNanos, "Embed", answers)) {
        refuseFailure(answer.reply());
        embedded.add(answer.reply().getEmbedded());
      }
      return embedded;
    };
  }

  private Pending<StepResult> step(String name, StepRequest request) {
    return new Step(name, all(request), deadline, endNanos());
  }

  private synchronized List<CompletableFuture<Answer>> all(StepRequest request) {
    var answers = new ArrayList<CompletableFuture<Answer>>(streams.size());
    for (StepStream stream : streams) {
      answers.add(stream.ask(request));
    }
    return answers;
  }

  private long endNanos() {
    return System.nanoTime() + deadline.toNanos();
  }

  private dev.lorax.protocol.extensions.v1.Run wire(Run run) {
    return switch (capabilities.getRuns() ? run : Run.NONE) {
      case NONE -> dev.lorax.protocol.extensions.v1.Run.RUN_NONE;
      case UNTIL_A_REQUEST_ENDS -> dev.lorax.protocol.extensions.v1.Run.RUN_UNTIL_A_REQUEST_ENDS;
      case UNTIL_TOLD -> dev.lorax.protocol.extensions.v1.Run.RUN_UNTIL_TOLD;
    };
  }

  /** A step that all shards make, as they were asked to or in a run. */
  private record Step(
      String name, List<CompletableFuture<Answer>> answers, Duration deadline, long endNanos)
      implements Pending<StepResult> {
    @Override
    public StepResult await() throws ShardException, InterruptedException {
      List<Answer> all = ShardCalls.waitUntil(endNanos, name, answers);
      StepResult result = stepped(all.stream().map(Answer::reply).toList());
      var further = new ArrayList<CompletableFuture<Answer>>(all.size());
      for (Answer answer : all) {
        if (answer.next() != null) {
          further.add(answer.next());
        }
      }
      if (further.isEmpty()) {
        return result;
      }
      if (further.size() < all.size()) {
        throw new ShardException.Lost("the shards disagree whether their run goes on", null);
      }
      var next = new Step("Decode", further, deadline, System.nanoTime() + deadline.toNanos());
      return new StepResult(result.generations(), result.batch(), next);
    }

    @Override
    public void whenAnswered(Runnable action) {
      var _ =
          CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
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
      refuseFailure(reply);
      WireGenerations.addRows(reply.getGenerationsList(), generations);
      WireGenerations.addColumns(i, reply.getTokens(), generations);
    }
    StepReply last = replies.getLast();
    return new StepResult(
        generations, last.hasBatch() ? WireGenerations.cached(last.getBatch()) : null);
  }

  private static void refuseFailure(StepReply reply) throws ShardException {
    if (reply.hasFailure()) {
      StepFailure failure = reply.getFailure();
      throw new ShardException.Refused(
          failure.getMessage(),
          null,
          failure.getStatus() == Status.Code.ABORTED.value(),
          failure.getRequestIdsList());
    }
  }
}
