package dev.lorax.e2e.upstream;

import dev.lorax.protocol.generate.v1.AdapterParameters;
import dev.lorax.protocol.generate.v1.CachedBatch;
import dev.lorax.protocol.generate.v1.ClearCacheRequest;
import dev.lorax.protocol.generate.v1.ClearCacheResponse;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.DecodeResponse;
import dev.lorax.protocol.generate.v1.DownloadAdapterRequest;
import dev.lorax.protocol.generate.v1.DownloadAdapterResponse;
import dev.lorax.protocol.generate.v1.FilterBatchRequest;
import dev.lorax.protocol.generate.v1.FilterBatchResponse;
import dev.lorax.protocol.generate.v1.HealthRequest;
import dev.lorax.protocol.generate.v1.HealthResponse;
import dev.lorax.protocol.generate.v1.InfoRequest;
import dev.lorax.protocol.generate.v1.InfoResponse;
import dev.lorax.protocol.generate.v1.LoadAdapterRequest;
import dev.lorax.protocol.generate.v1.LoadAdapterResponse;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import dev.lorax.protocol.generate.v1.OffloadAdapterRequest;
import dev.lorax.protocol.generate.v1.OffloadAdapterResponse;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import dev.lorax.protocol.generate.v1.PrefillResponse;
import dev.lorax.protocol.generate.v1.ServiceDiscoveryRequest;
import dev.lorax.protocol.generate.v1.ServiceDiscoveryResponse;
import dev.lorax.protocol.generate.v1.WarmupRequest;
import dev.lorax.protocol.generate.v1.WarmupResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/** Upstream's server behind generate.v1: what it answers, and what it answers errors to. */
final class UpstreamShard extends LoraxServiceGrpc.LoraxServiceImplBase {

  /** How upstream names adapter 0, which is never loaded. */
  private static final String BASE_MODEL = "__base_model__";

  private final String udsPath;
  private final int rank;
  private final int world;
  private final Map<Integer, String> adapters = new HashMap<>();
  private final Map<Long, UpstreamBatch> batches = new HashMap<>();

  UpstreamShard(String udsPath, int rank, int world) {
    this.udsPath = udsPath;
    this.rank = rank;
    this.world = world;
    adapters.put(0, BASE_MODEL);
  }

  /** One call at a time, as upstream's event loop has it; an exception is status INTERNAL. */
  private synchronized <T> void answer(StreamObserver<T> to, Supplier<T> call) {
    try {
      to.onNext(call.get());
      to.onCompleted();
    } catch (RuntimeException e) {
      to.onError(Status.INTERNAL.withDescription(e.getMessage()).asRuntimeException());
    }
  }

  @Override
  public void health(HealthRequest request, StreamObserver<HealthResponse> to) {
    answer(to, HealthResponse::getDefaultInstance);
  }

  @Override
  public void serviceDiscovery(
      ServiceDiscoveryRequest request, StreamObserver<ServiceDiscoveryResponse> to) {
    List<String> urls = new ArrayList<>();
    for (int other = 0; other < world; other++) {
      urls.add("unix://%s-%d".formatted(udsPath, other));
    }
    answer(to, () -> ServiceDiscoveryResponse.newBuilder().addAllUrls(urls).build());
  }

  @Override
  public void info(InfoRequest request, StreamObserver<InfoResponse> to) {
    answer(
        to,
        () ->
            InfoResponse.newBuilder()
                .setDtype("torch.float16")
                .setDeviceType("cuda")
                .setBlockSize(16)
                .setSupportsGeneration(true)
                .setRequiresBlockAllocator(true)
                .build());
  }

  @Override
  public void clearCache(ClearCacheRequest request, StreamObserver<ClearCacheResponse> to) {
    answer(
        to,
        () -> {
          if (request.hasId()) {
            batches.remove(request.getId());
          } else {
            batches.clear();
          }
          return ClearCacheResponse.getDefaultInstance();
        });
  }

  @Override
  public void warmup(WarmupRequest request, StreamObserver<WarmupResponse> to) {
    answer(to, () -> WarmupResponse.newBuilder().setMaxSupportedTotalTokens(16_000).build());
  }

  @Override
  public void downloadAdapter(
      DownloadAdapterRequest request, StreamObserver<DownloadAdapterResponse> to) {
    answer(
        to,
        () -> {
          if (rank != 0) {
            throw new IllegalStateException("only rank 0 is asked to download");
          }
          boolean downloaded = !name(request.getAdapterParameters()).equals(BASE_MODEL);
          return DownloadAdapterResponse.newBuilder()
              .setDownloaded(downloaded)
              .setMemoryFraction(downloaded ? 0.01f : 0)
              .build();
        });
  }

  @Override
  public void loadAdapter(LoadAdapterRequest request, StreamObserver<LoadAdapterResponse> to) {
    answer(
        to,
        () -> {
          String name = name(request.getAdapterParameters());
          boolean loaded = !name.equals(BASE_MODEL);
          if (loaded) {
            adapters.put(request.getAdapterIndex(), name);
          }
          return LoadAdapterResponse.newBuilder().setLoaded(loaded).build();
        });
  }

  @Override
  public void offloadAdapter(
      OffloadAdapterRequest request, StreamObserver<OffloadAdapterResponse> to) {
    answer(
        to,
        () -> {
          int index = request.getAdapterIndex();
          boolean offloaded = index != 0 && adapters.remove(index) != null;
          return OffloadAdapterResponse.newBuilder().setOffloaded(offloaded).build();
        });
  }

  private static String name(AdapterParameters parameters) {
    return parameters.getAdapterIds(0);
  }

  @Override
  public void prefill(PrefillRequest request, StreamObserver<PrefillResponse> to) {
    answer(
        to,
        () -> {
          UpstreamBatch batch = UpstreamBatch.prefill(request.getBatch(), adapters);
          var response = PrefillResponse.newBuilder().addAllGenerations(batch.step(rank, world));
          keep(batch).ifPresent(response::setBatch);
          return response.build();
        });
  }

  @Override
  public void decode(DecodeRequest request, StreamObserver<DecodeResponse> to) {
    answer(
        to,
        () -> {
          List<UpstreamBatch> parts = new ArrayList<>();
          for (CachedBatch cached : request.getBatchesList()) {
            parts.add(pop(cached.getId()));
          }
          UpstreamBatch batch = UpstreamBatch.concatenate(parts);
          var response = DecodeResponse.newBuilder().addAllGenerations(batch.step(rank, world));
          keep(batch).ifPresent(response::setBatch);
          return response.build();
        });
  }

  @Override
  public void filterBatch(FilterBatchRequest request, StreamObserver<FilterBatchResponse> to) {
    answer(
        to,
        () -> {
          UpstreamBatch batch = pop(request.getBatchId()).only(request.getRequestIdsList());
          var cached = keep(batch).orElseThrow(() -> new IllegalStateException("empty batch"));
          return FilterBatchResponse.newBuilder().setBatch(cached).build();
        });
  }

  private UpstreamBatch pop(long id) {
    UpstreamBatch batch = batches.remove(id);
    if (batch == null) {
      throw new IllegalStateException("Batch ID %d not found in cache.".formatted(id));
    }
    return batch;
  }

  private Optional<CachedBatch> keep(UpstreamBatch batch) {
    var cached = batch.cached();
    cached.ifPresent(there -> batches.put(batch.id(), batch));
    return cached;
  }
}
