package dev.lorax.router.shard;

import dev.lorax.protocol.generate.v1.ClassifyRequest;
import dev.lorax.protocol.generate.v1.ClearCacheRequest;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.EmbedRequest;
import dev.lorax.protocol.generate.v1.FilterBatchRequest;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc.LoraxServiceFutureStub;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.router.adapter.Adapter;
import dev.lorax.router.adapter.AdapterFacts;
import dev.lorax.router.batching.CachedBatch;
import dev.lorax.router.batching.Pending;
import dev.lorax.router.batching.PrefillBatch;
import dev.lorax.router.batching.Run;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.ShardGroup;
import dev.lorax.router.batching.ShardProfile;
import dev.lorax.router.batching.StepResult;
import dev.lorax.router.encoding.Encoding;
import dev.lorax.router.encoding.EncodingEntry;
import dev.lorax.router.encoding.EncodingShards;
import dev.lorax.router.encoding.EncodingTask;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * All shards of one epoch. Every shard gets every step; each answers for the requests that fall to
 * it, so their lists put together are the whole.
 */
public final class GrpcShardGroup implements ShardGroup, EncodingShards {
  private final List<UnixChannel> channels;
  private final List<LoraxServiceFutureStub> stubs;
  private final StepCalls steps;
  private final ShardProfile profile;
  private final RpcDeadlines deadlines;
  private final boolean loadsReplace;
  private final CompletableFuture<String> lost = new CompletableFuture<>();

  /**
   * @param loadsReplace whether a load leaves nothing of what lay under its index
   */
  GrpcShardGroup(
      List<UnixChannel> channels,
      StepCalls steps,
      ShardProfile profile,
      RpcDeadlines deadlines,
      boolean loadsReplace) {
    this.channels = List.copyOf(channels);
    this.stubs = channels.stream().map(c -> LoraxServiceGrpc.newFutureStub(c.channel())).toList();
    this.steps = steps;
    this.profile = profile;
    this.deadlines = deadlines;
    this.loadsReplace = loadsReplace;
    for (int i = 0; i < channels.size(); i++) {
      String reason = "shard %d closed its connection".formatted(i);
      channels.get(i).onBroken(() -> lost.complete(reason));
    }
  }

  @Override
  public ShardProfile profile() {
    return profile;
  }

  @Override
  public CompletionStage<String> lost() {
    return lost;
  }

  @Override
  public Pending<StepResult> prefill(PrefillBatch batch, @Nullable CachedBatch beside, Run run) {
    var traces = TraceHeaders.of(batch.entries());
    if (batch.goesOn()) {
      return steps.resume(WireBatches.resumption(batch), traces);
    }
    var request = PrefillRequest.newBuilder().setBatch(WireBatches.batch(batch));
    if (beside != null) {
      request.setCachedBatch(WireBatches.cached(beside));
    }
    return steps.prefill(request.build(), batch.holdsPrompts(), run, traces);
  }

  @Override
  public Pending<StepResult> decode(List<CachedBatch> batches, Run run) {
    var request = DecodeRequest.newBuilder();
    batches.forEach(batch -> request.addBatches(WireBatches.cached(batch)));
    return steps.decode(request.build(), run);
  }

  @Override
  public void endRun() {
    steps.endRun();
  }

  @Override
  public Pending<CachedBatch> filter(CachedBatch batch, List<Long> requestIds) {
    var request =
        FilterBatchRequest.newBuilder().setBatchId(batch.id()).addAllRequestIds(requestIds).build();
    var calls = toAll("FilterBatch", deadlines.control(), stub -> stub.filterBatch(request));
    return () -> WireGenerations.cached(calls.await().getLast().getBatch());
  }

  @Override
  public Pending<@Nullable Void> clear(long batchId) {
    return clear(ClearCacheRequest.newBuilder().setId(batchId).build());
  }

  @Override
  public Pending<@Nullable Void> clearAll() {
    return clear(ClearCacheRequest.getDefaultInstance());
  }

  @Override
  public Pending<List<Encoding>> encode(EncodingTask task, List<EncodingEntry> entries) {
    var batch = WireEncodings.batch(entries);
    var traces = TraceHeaders.ofTexts(entries);
    return switch (task) {
      case EMBED -> {
        var request = EmbedRequest.newBuilder().setBatch(batch).build();
        var answers = steps.embed(request, traces);
        yield () ->
            answers.await().stream()
                .flatMap(answer -> answer.getEmbeddingsList().stream())
                .map(WireEncodings::embedding)
                .toList();
      }
      case CLASSIFY -> {
        var request = ClassifyRequest.newBuilder().setBatch(batch).build();
        var calls =
            toAll("Classify", deadlines.step(), stub -> traces.with(stub).classify(request));
        yield () ->
            calls.await().stream()
                .flatMap(answer -> answer.getClassifyPredictionListsList().stream())
                .map(WireEncodings::classification)
                .toList();
      }
    };
  }

  @Override
  public float download(Adapter adapter) throws ShardException, InterruptedException {
    // The shards share a disk.
    var stub = stubs.getFirst().withDeadlineAfter(deadlines.download());
    var call = stub.downloadAdapter(WireAdapters.download(adapter));
    return ShardCalls.one("DownloadAdapter", 0, call).getMemoryFraction();
  }

  @Override
  public void load(Adapter adapter) throws ShardException, InterruptedException {
    if (!loadsReplace) {
      // It answers "already loaded" for an index that it knows, whatever the adapter, and may know
      // this one from an earlier router.
      offload(adapter);
    }
    var request = WireAdapters.load(adapter);
    toAll("LoadAdapter", deadlines.load(), stub -> stub.loadAdapter(request)).await();
  }

  @Override
  public @Nullable AdapterFacts describe(Adapter adapter)
      throws ShardException, InterruptedException {
    return AdapterDescription.ask(channels.getFirst(), adapter.index(), deadlines.control());
  }

  @Override
  public void offload(Adapter adapter) throws ShardException, InterruptedException {
    var request = WireAdapters.offload(adapter);
    toAll("OffloadAdapter", deadlines.load(), stub -> stub.offloadAdapter(request)).await();
  }

  @Override
  public void close() {
    channels.forEach(UnixChannel::close);
  }

  private Pending<@Nullable Void> clear(ClearCacheRequest request) {
    var calls = toAll("ClearCache", deadlines.control(), stub -> stub.clearCache(request));
    return () -> {
      calls.await();
      return null;
    };
  }

  private <R> Pending<List<R>> toAll(
      String method, Duration deadline, Function<LoraxServiceFutureStub, Future<R>> call) {
    var calls = new ArrayList<Future<R>>(stubs.size());
    for (LoraxServiceFutureStub stub : stubs) {
      calls.add(call.apply(stub.withDeadlineAfter(deadline)));
    }
    return ShardCalls.all(method, calls);
  }
}
