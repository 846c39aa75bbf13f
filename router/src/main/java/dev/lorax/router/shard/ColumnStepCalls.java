package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.ExtensionsGrpc;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc.ExtensionsFutureStub;
import dev.lorax.protocol.extensions.v1.StepRequest;
import dev.lorax.protocol.extensions.v1.StepResponse;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.router.batching.Pending;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.StepResult;
import dev.lorax.router.generation.Generation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;

/** Steps whose answers come in columns, of shards that announce them. */
final class ColumnStepCalls implements StepCalls {
  private final List<ExtensionsFutureStub> stubs;
  private final Duration deadline;

  ColumnStepCalls(List<UnixChannel> shards, Duration deadline) {
    this.stubs = shards.stream().map(s -> ExtensionsGrpc.newFutureStub(s.channel())).toList();
    this.deadline = deadline;
  }

  @Override
  public Pending<StepResult> prefill(
      PrefillRequest request, boolean holdsPrompts, TraceHeaders traces) {
    var step = StepRequest.newBuilder().setPrefill(request).setHoldPrompts(holdsPrompts);
    return all("Prefill", step.build(), traces);
  }

  @Override
  public Pending<StepResult> decode(DecodeRequest request) {
    return all("Decode", StepRequest.newBuilder().setDecode(request).build(), TraceHeaders.NOTHING);
  }

  private Pending<StepResult> all(String name, StepRequest request, TraceHeaders traces) {
    var calls = new ArrayList<Future<StepResponse>>(stubs.size());
    for (ExtensionsFutureStub stub : stubs) {
      calls.add(traces.with(stub.withDeadlineAfter(deadline)).step(request));
    }
    Pending<List<StepResponse>> answers = ShardCalls.all(name, calls);
    return () -> stepped(answers.await());
  }

  private static StepResult stepped(List<StepResponse> answers) throws ShardException {
    var generations = new ArrayList<Generation>();
    for (int i = 0; i < answers.size(); i++) {
      StepResponse answer = answers.get(i);
      WireGenerations.addRows(answer.getGenerationsList(), generations);
      WireGenerations.addColumns(i, answer.getTokens(), generations);
    }
    StepResponse last = answers.getLast();
    return RowStepCalls.result(generations, last.hasBatch(), last.getBatch());
  }
}
