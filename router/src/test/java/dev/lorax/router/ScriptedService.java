package dev.lorax.router;

import com.google.protobuf.Message;
import dev.lorax.protocol.extensions.v1.CapabilitiesResponse;
import dev.lorax.protocol.extensions.v1.GeneratedTokens;
import dev.lorax.protocol.extensions.v1.ResumeRequest;
import dev.lorax.protocol.generate.v1.Batch;
import dev.lorax.protocol.generate.v1.CachedBatch;
import dev.lorax.protocol.generate.v1.ClassifyRequest;
import dev.lorax.protocol.generate.v1.ClassifyResponse;
import dev.lorax.protocol.generate.v1.ClearCacheRequest;
import dev.lorax.protocol.generate.v1.ClearCacheResponse;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.DecodeResponse;
import dev.lorax.protocol.generate.v1.DownloadAdapterRequest;
import dev.lorax.protocol.generate.v1.DownloadAdapterResponse;
import dev.lorax.protocol.generate.v1.EmbedRequest;
import dev.lorax.protocol.generate.v1.EmbedResponse;
import dev.lorax.protocol.generate.v1.FilterBatchRequest;
import dev.lorax.protocol.generate.v1.FilterBatchResponse;
import dev.lorax.protocol.generate.v1.Generation;
import dev.lorax.protocol.generate.v1.InfoRequest;
import dev.lorax.protocol.generate.v1.InfoResponse;
import dev.lorax.protocol.generate.v1.LoadAdapterRequest;
import dev.lorax.protocol.generate.v1.LoadAdapterResponse;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc.LoraxServiceImplBase;
import dev.lorax.protocol.generate.v1.OffloadAdapterRequest;
import dev.lorax.protocol.generate.v1.OffloadAdapterResponse;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.protocol.generate.v1.PrefillResponse;
import dev.lorax.protocol.generate.v1.Request;
import dev.lorax.protocol.generate.v1.ServiceDiscoveryRequest;
import dev.lorax.protocol.generate.v1.ServiceDiscoveryResponse;
import dev.lorax.protocol.generate.v1.WarmupRequest;
import dev.lorax.protocol.generate.v1.WarmupResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The rules of generate.v1 without a model. Thread-safe: one lock around the cache, as the real
 * shard has one compute thread.
 *
 * <p>Broken rules are remembered: a block in two live requests or in none, an unloaded adapter
 * index, an unknown batch, a filter that keeps nothing. A prompt with the word {@code poison} fails
 * its Prefill, one with {@code overflow} its Decodes, which name it and change nothing, one with
 * {@code odd overflow} only where the number of its request is odd. What a text yields says {@link
 * ScriptedEncoding}.
 */
final class ScriptedService extends LoraxServiceImplBase {
  private final Path udsPath;
  private final int shardIndex;
  private final int shardCount;
  private final ShardScript script;
  private final List<Message> calls = new CopyOnWriteArrayList<>();
  private final List<String> violations = new CopyOnWriteArrayList<>();
  private final Map<Long, List<ScriptedText>> cache = new HashMap<>();
  private volatile boolean remembers = true;
  private int flakyDownloads;
  private final Set<Integer> loaded = new HashSet<>(Set.of(0));

  ScriptedService(Path udsPath, int shardIndex, int shardCount, ShardScript script) {
    this.udsPath = udsPath;
    this.shardIndex = shardIndex;
    this.shardCount = shardCount;
    this.script = script;
    for (int i = 1; i <= script.preloaded().size(); i++) {
      loaded.add(i);
    }
  }

  List<Message> calls() {
    return List.copyOf(calls);
  }

  /** From now on calls are not remembered, for tests of millions of them. */
  void forget() {
    remembers = false;
    calls.clear();
  }

  boolean remembers() {
    return remembers;
  }

  List<String> violations() {
    return List.copyOf(violations);
  }

  CapabilitiesResponse capabilities() {
    return script.capabilities();
  }

  /** Shards of one model make the same steps, and these know nothing of one another. */
  boolean mayRun() {
    return shardCount == 1;
  }

  synchronized int cachedBatches() {
    return cache.size();
  }

  @Override
  public void serviceDiscovery(
      ServiceDiscoveryRequest request, StreamObserver<ServiceDiscoveryResponse> observer) {
    var urls = ServiceDiscoveryResponse.newBuilder();
    for (int i = 0; i < shardCount; i++) {
      urls.addUrls("unix://" + udsPath + "-" + i);
    }
    answer(request, observer, urls::build);
  }

  @Override
  public void info(InfoRequest request, StreamObserver<InfoResponse> observer) {
    answer(request, observer, script::info);
  }

  @Override
  public void warmup(WarmupRequest request, StreamObserver<WarmupResponse> observer) {
    answer(request, observer, script::warmup);
  }

  @Override
  public void clearCache(ClearCacheRequest request, StreamObserver<ClearCacheResponse> observer) {
    answer(
        request,
        observer,
        () -> {
          if (request.hasId()) {
            cache.remove(request.getId());
          } else {
            cache.clear();
          }
          return ClearCacheResponse.getDefaultInstance();
        });
  }

  @Override
  public void filterBatch(
      FilterBatchRequest request, StreamObserver<FilterBatchResponse> observer) {
    answer(
        request,
        observer,
        () -> {
          List<ScriptedText> texts = new ArrayList<>(take(request.getBatchId()));
          texts.removeIf(text -> !request.getRequestIdsList().contains(text.request().getId()));
          check(!texts.isEmpty(), "a filter that keeps nothing");
          cache.put(request.getBatchId(), texts);
          return FilterBatchResponse.newBuilder()
              .setBatch(cached(request.getBatchId(), texts))
              .build();
        });
  }

  @Override
  public void prefill(PrefillRequest request, StreamObserver<PrefillResponse> observer) {
    CachedBatch beside = request.hasCachedBatch() ? request.getCachedBatch() : null;
    begin(request, request.getBatch(), beside, Map.of(), observer);
  }

  /** A Prefill of requests that have generated before; see extensions.proto. */
  void resume(ResumeRequest request, StreamObserver<PrefillResponse> observer) {
    Map<Long, GeneratedTokens> generated =
        request.getGeneratedList().stream()
            .collect(Collectors.toMap(GeneratedTokens::getRequestId, tokens -> tokens));
    begin(request, request.getBatch(), null, generated, observer);
  }

  private void begin(
      Message call,
      Batch batch,
      @Nullable CachedBatch beside,
      Map<Long, GeneratedTokens> generated,
      StreamObserver<PrefillResponse> observer) {
    compute(
        call,
        observer,
        () -> {
          var texts = new ArrayList<ScriptedText>();
          if (beside != null) {
            check(script.info().getChunkedPrefill(), "a cached batch beside a Prefill");
            texts.addAll(take(beside.getId()));
          }
          long id = beside == null ? batch.getId() : beside.getId();
          for (Request prompt : batch.getRequestsList()) {
            check(loaded.contains(prompt.getAdapterIndex()), "an adapter that is not loaded");
            var text = new ScriptedText(prompt);
            GeneratedTokens before = generated.get(prompt.getId());
            check(before == null || text.resume(before.getIdsList()), "tokens nobody generated");
            texts.add(text);
          }
          if (batch.getRequestsList().stream().anyMatch(r -> r.getInputs().contains("poison"))) {
            throw Status.INTERNAL.withDescription("the prompt is poisoned").asRuntimeException();
          }
          cache.put(id, texts);
          ScriptedBlocks.problems(cache.values(), script.blockSize())
              .forEach(problem -> check(false, problem));
          var answer = PrefillResponse.newBuilder().addAllGenerations(step(texts));
          if (texts.stream().allMatch(ScriptedText::ended)) {
            cache.remove(id);
          } else {
            answer.setBatch(cached(id, texts));
          }
          return answer.build();
        });
  }

  @Override
  public void decode(DecodeRequest request, StreamObserver<DecodeResponse> observer) {
    compute(
        request,
        observer,
        () -> {
          request
              .getBatchesList()
              .forEach(batch -> ScriptedText.failOnOverflow(cache.get(batch.getId())));
          var texts = new ArrayList<ScriptedText>();
          request.getBatchesList().forEach(batch -> texts.addAll(take(batch.getId())));
          check(texts.stream().noneMatch(ScriptedText::ended), "a request that had ended");
          long id = request.getBatches(0).getId();
          var answer = DecodeResponse.newBuilder().addAllGenerations(step(texts));
          if (!texts.stream().allMatch(ScriptedText::ended)) {
            cache.put(id, texts);
            answer.setBatch(cached(id, texts));
          }
          return answer.build();
        });
  }

  @Override
  public void embed(EmbedRequest request, StreamObserver<EmbedResponse> observer) {
    compute(
        request,
        observer,
        () -> {
          var answer = EmbedResponse.newBuilder();
          for (Request text : mine(request.getBatch())) {
            answer.addEmbeddings(ScriptedEncoding.embedding(text));
          }
          return answer.build();
        });
  }

  @Override
  public void classify(ClassifyRequest request, StreamObserver<ClassifyResponse> observer) {
    compute(
        request,
        observer,
        () -> {
          var answer = ClassifyResponse.newBuilder();
          for (Request text : mine(request.getBatch())) {
            answer.addClassifyPredictionLists(
                ScriptedEncoding.classification(text, script.abilities().classification()));
          }
          return answer.build();
        });
  }

  /** The texts of a call that this shard answers for, if all of them can be read. */
  private List<Request> mine(Batch batch) {
    ScriptedEncoding.failOnPoison(batch.getRequestsList());
    for (Request text : batch.getRequestsList()) {
      if (!loaded.contains(text.getAdapterIndex())) {
        // No rule is broken: it may have given way to another while the call was on its way.
        throw Status.INTERNAL
            .withDescription("adapter %d is not loaded".formatted(text.getAdapterIndex()))
            .asRuntimeException();
      }
    }
    return batch.getRequestsList().stream()
        .filter(text -> text.getId() % shardCount == shardIndex)
        .filter(text -> !text.getInputs().equals("silence"))
        .toList();
  }

  @Override
  public void downloadAdapter(
      DownloadAdapterRequest request, StreamObserver<DownloadAdapterResponse> observer) {
    pause(script.download());
    answer(
        request,
        observer,
        () -> {
          for (String id : request.getAdapterParameters().getAdapterIdsList()) {
            if (id.equals("flaky") && ++flakyDownloads <= 2) {
              throw Status.ABORTED.withDescription("the hub is busy").asRuntimeException();
            }
            if (!script.adapters().contains(id) && !id.equals("flaky")) {
              throw Status.INTERNAL
                  .withDescription("adapter `%s` not found".formatted(id))
                  .asRuntimeException();
            }
          }
          return DownloadAdapterResponse.newBuilder()
              .setDownloaded(true)
              .setMemoryFraction(0.1f)
              .build();
        });
  }

  @Override
  public void loadAdapter(
      LoadAdapterRequest request, StreamObserver<LoadAdapterResponse> observer) {
    pause(script.load());
    answer(
        request,
        observer,
        () -> {
          if (!loaded.add(request.getAdapterIndex()) && !capabilities().getLoadsReplace()) {
            violations.add("loaded over adapter index " + request.getAdapterIndex());
          }
          return LoadAdapterResponse.newBuilder().setLoaded(true).build();
        });
  }

  @Override
  public void offloadAdapter(
      OffloadAdapterRequest request, StreamObserver<OffloadAdapterResponse> observer) {
    answer(
        request,
        observer,
        () ->
            OffloadAdapterResponse.newBuilder()
                .setOffloaded(loaded.remove(request.getAdapterIndex()))
                .build());
  }

  private List<Generation> step(List<ScriptedText> texts) {
    var mine = new ArrayList<Generation>();
    for (ScriptedText text : texts) {
      if (text.ended()) {
        continue;
      }
      Generation generation = text.next();
      if (text.request().getId() % shardCount == shardIndex) {
        mine.add(generation);
      }
    }
    return mine;
  }

  private List<ScriptedText> take(long batchId) {
    List<ScriptedText> texts = cache.remove(batchId);
    check(texts != null, "batch " + batchId + ", which is not in the cache");
    return texts == null ? List.of() : texts;
  }

  private CachedBatch cached(long id, List<ScriptedText> texts) {
    int tokens = script.currentTokens(texts.size());
    var batch = CachedBatch.newBuilder().setId(id).setSize(texts.size()).setCurrentTokens(tokens);
    texts.forEach(text -> batch.addRequestIds(text.request().getId()));
    return batch.build();
  }

  private void check(boolean holds, String what) {
    if (!holds) {
      violations.add("the router used " + what);
    }
  }

  private <R> void compute(Message call, StreamObserver<R> observer, Supplier<R> work) {
    pause(script.step());
    answer(call, observer, work);
  }

  private synchronized <R> void answer(Message call, StreamObserver<R> observer, Supplier<R> work) {
    if (remembers) {
      calls.add(call);
    }
    try {
      observer.onNext(work.get());
      observer.onCompleted();
    } catch (RuntimeException e) {
      observer.onError(e);
    }
  }

  private static void pause(Duration duration) {
    try {
      Thread.sleep(duration);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
