package dev.lorax.bench;

import dev.lorax.protocol.extensions.v1.CapabilitiesRequest;
import dev.lorax.protocol.extensions.v1.CapabilitiesResponse;
import dev.lorax.protocol.extensions.v1.ExtensionsGrpc.ExtensionsImplBase;
import dev.lorax.protocol.extensions.v1.Run;
import dev.lorax.protocol.extensions.v1.StepReply;
import dev.lorax.protocol.extensions.v1.StepRequest;
import dev.lorax.protocol.generate.v1.CachedBatch;
import dev.lorax.protocol.generate.v1.ClearCacheRequest;
import dev.lorax.protocol.generate.v1.ClearCacheResponse;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.DecodeResponse;
import dev.lorax.protocol.generate.v1.DownloadAdapterRequest;
import dev.lorax.protocol.generate.v1.DownloadAdapterResponse;
import dev.lorax.protocol.generate.v1.FilterBatchRequest;
import dev.lorax.protocol.generate.v1.FilterBatchResponse;
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
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.StreamObserver;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;

/**
 * A shard whose steps take a given time and compute nothing, so that what is measured is the
 * router. Writes a line with its counters every 100 ms: time, time inside steps, tokens.
 *
 * <pre>SOCKET-BASE STEP-MICROS CACHE-TOKENS LOAD-MILLIS rows|columns|chunks</pre>
 *
 * <p>With rows it answers as upstream's shards do, with columns as ours, and with chunks it also
 * takes new requests into the step of those that run.
 */
public final class ScriptedShardMain extends LoraxServiceImplBase {
  private static final int BLOCK_SIZE = 16;

  /** Sleeping is exact to about this much; the rest of a step is spent awake. */
  private static final long SPIN_NANOS = 80_000;

  private final String socketBase;
  private final long stepNanos;
  private final int cacheTokens;
  private final long loadMillis;
  private final boolean inColumns;
  private final boolean inChunks;
  private final ExecutorService compute = Executors.newSingleThreadExecutor();
  private final ExecutorService loads = Executors.newVirtualThreadPerTaskExecutor();
  private final Map<Long, List<Sequence>> cache = new HashMap<>();
  private volatile long busyNanos;
  private volatile long tokens;
  private final StepAnswers<DecodeResponse> rows = new StepAnswers<>(StepAnswers::rows);
  private final Extensions extensions = new Extensions();

  private ScriptedShardMain(String[] arguments) {
    socketBase = arguments[0];
    stepNanos = Long.parseLong(arguments[1]) * 1000;
    cacheTokens = Integer.parseInt(arguments[2]);
    loadMillis = Long.parseLong(arguments[3]);
    inChunks = arguments[4].equals("chunks");
    inColumns = inChunks || arguments[4].equals("columns");
  }

  public static void main(String[] arguments) throws Exception {
    Quiet.reset();
    var shard = new ScriptedShardMain(arguments);
    var events = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
    NettyServerBuilder.forAddress(new DomainSocketAddress(shard.socketBase + "-0"))
        .channelType(EpollServerDomainSocketChannel.class)
        .bossEventLoopGroup(events)
        .workerEventLoopGroup(events)
        .maxInboundMessageSize(Integer.MAX_VALUE)
        .directExecutor()
        .addService(shard)
        .addService(shard.extensions)
        .build()
        .start();
    while (true) {
      System.out.println(System.nanoTime() + " " + shard.busyNanos + " " + shard.tokens);
      Thread.sleep(100);
    }
  }

  @Override
  public void serviceDiscovery(
      ServiceDiscoveryRequest request, StreamObserver<ServiceDiscoveryResponse> observer) {
    answer(
        observer,
        ServiceDiscoveryResponse.newBuilder().addUrls("unix://" + socketBase + "-0").build());
  }

  @Override
  public void info(InfoRequest request, StreamObserver<InfoResponse> observer) {
    answer(
        observer,
        InfoResponse.newBuilder()
            .setDtype("torch.float32")
            .setDeviceType("cpu")
            .setBlockSize(BLOCK_SIZE)
            .setSupportsGeneration(true)
            .setRequiresBlockAllocator(true)
            .setChunkedPrefill(inChunks)
            .build());
  }

  @Override
  public void warmup(WarmupRequest request, StreamObserver<WarmupResponse> observer) {
    answer(observer, WarmupResponse.newBuilder().setMaxSupportedTotalTokens(cacheTokens).build());
  }

  @Override
  public void clearCache(ClearCacheRequest request, StreamObserver<ClearCacheResponse> observer) {
    compute(
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
    compute(
        observer,
        () -> {
          var kept = new ArrayList<>(cache.getOrDefault(request.getBatchId(), List.of()));
          var ids = new java.util.HashSet<>(request.getRequestIdsList());
          kept.removeIf(sequence -> !ids.contains(sequence.id()));
          cache.put(request.getBatchId(), kept);
          return FilterBatchResponse.newBuilder()
              .setBatch(StepAnswers.cached(request.getBatchId(), kept))
              .build();
        });
  }

  @Override
  public void prefill(PrefillRequest request, StreamObserver<PrefillResponse> observer) {
    compute(observer, () -> begin(request));
  }

  @Override
  public void decode(DecodeRequest request, StreamObserver<DecodeResponse> observer) {
    compute(observer, () -> goOn(request, rows));
  }

  private PrefillResponse begin(PrefillRequest request) {
    step();
    var reply = PrefillResponse.newBuilder();
    var sequences = new ArrayList<Sequence>();
    for (Request prompt : request.getBatch().getRequestsList()) {
      var sequence = new Sequence(prompt);
      sequences.add(sequence);
      reply.addGenerations(sequence.next());
    }
    tokens += sequences.size();
    CachedBatch batch = keep(request.getBatch().getId(), sequences);
    return batch == null ? reply.build() : reply.setBatch(batch).build();
  }

  /** A batch beside the new one makes a step and takes it in. */
  private StepReply join(PrefillRequest request) {
    step();
    List<Sequence> running =
        request.hasCachedBatch() ? cache.remove(request.getCachedBatch().getId()) : List.of();
    running.forEach(Sequence::advance);
    var reply = StepAnswers.columns(running, null).toBuilder();
    var sequences = new ArrayList<>(running);
    for (Request prompt : request.getBatch().getRequestsList()) {
      var sequence = new Sequence(prompt);
      sequences.add(sequence);
      reply.addGenerations(sequence.next());
    }
    tokens += sequences.size();
    boolean joins = request.hasCachedBatch();
    CachedBatch batch =
        keep(joins ? request.getCachedBatch().getId() : request.getBatch().getId(), sequences);
    return batch == null ? reply.build() : reply.setBatch(batch).build();
  }

  private CachedBatch keep(long id, List<Sequence> sequences) {
    List<Sequence> kept = kept(sequences);
    if (kept.isEmpty()) {
      return null;
    }
    cache.put(id, kept);
    return StepAnswers.cached(id, kept);
  }

  private <R> R goOn(DecodeRequest request, StepAnswers<R> form) {
    step();
    List<Sequence> sequences = new ArrayList<>();
    for (CachedBatch batch : request.getBatchesList()) {
      sequences.addAll(cache.remove(batch.getId()));
    }
    tokens += sequences.size();
    long id = request.getBatches(0).getId();
    boolean ends = false;
    for (Sequence sequence : sequences) {
      ends |= sequence.advance();
    }
    List<Sequence> kept = ends ? kept(sequences) : sequences;
    if (!kept.isEmpty()) {
      cache.put(id, kept);
    }
    return form.of(id, sequences, ends, kept);
  }

  /** Upstream's shards keep those that have ended until the router has them filtered out. */
  private List<Sequence> kept(List<Sequence> sequences) {
    List<Sequence> alive = sequences.stream().filter(Sequence::alive).toList();
    return inColumns || alive.isEmpty() ? alive : sequences;
  }

  /** Steps as our shards answer them: what has ended is no longer in the batch. */
  private final class Extensions extends ExtensionsImplBase {
    private final StepAnswers<StepReply> columns = new StepAnswers<>(StepAnswers::columns);
    private StepReply last;
    private StepReply lastInRun;

    @Override
    public void capabilities(
        CapabilitiesRequest request, StreamObserver<CapabilitiesResponse> observer) {
      answer(observer, CapabilitiesResponse.newBuilder().setSteps(inColumns).setRuns(inColumns).build());
    }

    /** The same, once for each: the shard must cost nothing. */
    private StepReply inRun(StepReply reply) {
      if (reply != last) {
        last = reply;
        lastInRun = reply.toBuilder().setRunGoesOn(true).build();
      }
      return lastInRun;
    }

    private StepReply reply(StepRequest request) {
      return request.hasDecode()
          ? goOn(request.getDecode(), columns)
          : join(request.getPrefill());
    }

    @Override
    public StreamObserver<StepRequest> steps(StreamObserver<StepReply> replies) {
      return new StreamObserver<>() {
        private volatile boolean told;

        @Override
        public void onNext(StepRequest request) {
          told = request.hasEndRun();
          if (!told) {
            compute.execute(() -> make(request, request.getRun()));
          }
        }

        /** In a run the next step waits behind what else is to be computed. */
        private void make(StepRequest request, Run run) {
          StepReply reply = reply(request);
          boolean goesOn = run != Run.RUN_NONE && !told && reply.hasBatch();
          if (run == Run.RUN_UNTIL_A_REQUEST_ENDS) {
            goesOn &= reply.getGenerationsList().stream().noneMatch(g -> g.hasGeneratedText());
          }
          if (goesOn) {
            var next = DecodeRequest.newBuilder().addBatches(reply.getBatch());
            compute.execute(() -> make(StepRequest.newBuilder().setDecode(next).build(), run));
          }
          replies.onNext(goesOn ? inRun(reply) : reply);
        }

        @Override
        public void onError(Throwable error) {
          told = true;
        }

        @Override
        public void onCompleted() {
          told = true;
          replies.onCompleted();
        }
      };
    }
  }

  @Override
  public void downloadAdapter(
      DownloadAdapterRequest request, StreamObserver<DownloadAdapterResponse> observer) {
    answer(
        observer,
        DownloadAdapterResponse.newBuilder().setDownloaded(true).setMemoryFraction(0.001f).build());
  }

  @Override
  public void loadAdapter(
      LoadAdapterRequest request, StreamObserver<LoadAdapterResponse> observer) {
    loads.execute(() -> {
      LockSupport.parkNanos(loadMillis * 1_000_000);
      answer(observer, LoadAdapterResponse.newBuilder().setLoaded(true).build());
    });
  }

  @Override
  public void offloadAdapter(
      OffloadAdapterRequest request, StreamObserver<OffloadAdapterResponse> observer) {
    answer(observer, OffloadAdapterResponse.newBuilder().setOffloaded(true).build());
  }

  private void step() {
    long start = System.nanoTime();
    long end = start + stepNanos;
    while (end - System.nanoTime() > SPIN_NANOS) {
      LockSupport.parkNanos(end - System.nanoTime() - SPIN_NANOS);
    }
    while (end - System.nanoTime() > 0) {
      Thread.onSpinWait();
    }
    // A step that the machine let wait was no work: only its own time counts.
    busyNanos += stepNanos;
  }

  private <R> void compute(StreamObserver<R> observer, Supplier<R> work) {
    compute.execute(() -> answer(observer, work.get()));
  }

  private static <R> void answer(StreamObserver<R> observer, R answer) {
    observer.onNext(answer);
    observer.onCompleted();
  }
}
