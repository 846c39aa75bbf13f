package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.ExtensionsGrpc;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc.ExtensionsFutureStub;
import dev.lorax.protocol.extensions.v1.ResumeRequest;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.DecodeResponse;
import dev.lorax.protocol.generate.v1.EmbedRequest;
import dev.lorax.protocol.generate.v1.EmbedResponse;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc.LoraxServiceFutureStub;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.protocol.generate.v1.PrefillResponse;
import dev.lorax.router.batching.Pending;
import dev.lorax.router.batching.Run;
import dev.lorax.router.batching.StepResult;
import dev.lorax.router.generation.Generation;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;

/** Steps as upstream's shards answer them: with a message for each request, and without runs. */
final class RowStepCalls implements StepCalls {
  private final List<LoraxServiceFutureStub> stubs;
  private final List<ExtensionsFutureStub> extensions;
  private final Duration deadline;

  RowStepCalls(List<UnixChannel> shards, Duration deadline) {
    this.stubs = shards.stream().map(s -> LoraxServiceGrpc.newFutureStub(s.channel())).toList();
    this.extensions = shards.stream().map(s -> ExtensionsGrpc.newFutureStub(s.channel())).toList();
    this.deadline = deadline;
  }

  @Override
  public Pending<StepResult> prefill(
      PrefillRequest request, boolean holdsPrompts, Run run, TraceHeaders traces) {
    if (holdsPrompts) {
      throw new IllegalArgumentException("shards that answer in rows cannot hold prompts");
    }
    var calls = new ArrayList<Future<PrefillResponse>>(stubs.size());
    for (LoraxServiceFutureStub stub : stubs) {
      calls.add(traces.with(stub.withDeadlineAfter(deadline)).prefill(request));
    }
    Pending<List<PrefillResponse>> answers = ShardCalls.all("Prefill", calls);
    return () -> prefilled(answers.await());
  }

  @Override
  public Pending<StepResult> decode(DecodeRequest request, Run run) {
    var calls = new ArrayList<Future<DecodeResponse>>(stubs.size());
    for (LoraxServiceFutureStub stub : stubs) {
      calls.add(stub.withDeadlineAfter(deadline).decode(request));
    }
    Pending<List<DecodeResponse>> answers = ShardCalls.all("Decode", calls);
    return () -> decoded(answers.await());
  }

  @Override
  public Pending<StepResult> resume(ResumeRequest request, TraceHeaders traces) {
    var calls = new ArrayList<Future<PrefillResponse>>(extensions.size());
    for (ExtensionsFutureStub stub : extensions) {
      calls.add(traces.with(stub.withDeadlineAfter(deadline)).resume(request));
    }
    Pending<List<PrefillResponse>> answers = ShardCalls.all("Resume", calls);
    return () -> prefilled(answers.await());
  }

  @Override
  public void endRun() {}

  @Override
  public Pending<List<EmbedResponse>> embed(EmbedRequest request, TraceHeaders traces) {
    var calls = new ArrayList<Future<EmbedResponse>>(stubs.size());
    for (LoraxServiceFutureStub stub : stubs) {
      calls.add(traces.with(stub.withDeadlineAfter(deadline)).embed(request));
    }
    return ShardCalls.all("Embed", calls);
  }

  /** What the answers to a Prefill, or to what stands for one, say together. */
  private static StepResult prefilled(List<PrefillResponse> answers) {
    var generations = new ArrayList<Generation>();
    for (PrefillResponse answer : answers) {
      WireGenerations.addRows(answer.getGenerationsList(), generations);
    }
    PrefillResponse last = answers.getLast();
    return new StepResult(
        generations, last.hasBatch() ? WireGenerations.cached(last.getBatch()) : null);
  }

  private static StepResult decoded(List<DecodeResponse> answers) {
    var generations = new ArrayList<Generation>();
    for (DecodeResponse answer : answers) {
      WireGenerations.addRows(answer.getGenerationsList(), generations);
    }
    DecodeResponse last = answers.getLast();
    return new StepResult(
        generations, last.hasBatch() ? WireGenerations.cached(last.getBatch()) : null);
  }
}
