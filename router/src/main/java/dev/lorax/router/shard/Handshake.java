package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.CapabilitiesResponse;
import dev.lorax.protocol.generate.v1.ClearCacheRequest;
import dev.lorax.protocol.generate.v1.InfoRequest;
import dev.lorax.protocol.generate.v1.InfoResponse;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc.LoraxServiceFutureStub;
import dev.lorax.protocol.generate.v1.WarmupResponse;
import dev.lorax.router.adapter.PreloadedAdapter;
import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.ShardProfile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * What router and shards tell one another before they work together: the shards forget whatever
 * they knew, say what they are and can, and prove to bear the load to come. Confined to one thread.
 */
final class Handshake {
  private final List<UnixChannel> channels;
  private final UnixChannel first;
  private final WarmupPlan plan;
  private final RpcDeadlines deadlines;

  /**
   * @param channels one for each shard, at least one; the caller's to close if it fails
   */
  Handshake(List<UnixChannel> channels, WarmupPlan plan, RpcDeadlines deadlines) {
    this.channels = channels;
    this.first = channels.getFirst();
    this.plan = plan;
    this.deadlines = deadlines;
  }

  /** The shards, ready for the first step. */
  GrpcShardGroup make() throws ShardException, InterruptedException {
    InfoResponse info = greet();
    CapabilitiesResponse capabilities = ShardCapabilities.ask(first, deadlines.control());
    ShardProfile profile = profile(info, capabilities);
    StepCalls steps =
        capabilities.getSteps()
            ? new StreamStepCalls(channels, deadlines.step(), capabilities)
            : new RowStepCalls(channels, deadlines.step());
    return new GrpcShardGroup(channels, steps, profile, deadlines, capabilities.getLoadsReplace());
  }

  /** What the shards, which begin anew with it, say of themselves. */
  private InfoResponse greet() throws ShardException, InterruptedException {
    Duration control = deadlines.control();
    var clear = ClearCacheRequest.getDefaultInstance();
    askAll("ClearCache", control, stub -> stub.clearCache(clear));
    var ask = InfoRequest.getDefaultInstance();
    InfoResponse info = askAll("Info", control, stub -> stub.info(ask)).getLast();
    check(info, plan);
    return info;
  }

  /** How many tokens the shards can keep, or null where they do not say. */
  private @Nullable Integer warmUp(InfoResponse info) throws ShardException, InterruptedException {
    var warmup = Warmup.request(plan, info);
    return leastSupported(askAll("Warmup", deadlines.warmup(), stub -> stub.warmup(warmup)));
  }

  private static void check(InfoResponse info, WarmupPlan plan) throws ShardException {
    if (!info.getSupportsGeneration()) {
      if (!info.getSupportsEmbeddings() && !info.getSupportsClassification()) {
        throw new ShardException.Refused(
            "the model of the shards neither generates text nor embeds or classifies it", null);
      }
      return;
    }
    if (!info.getRequiresBlockAllocator() || info.getBlockSize() < 1) {
      throw new ShardException.Refused(
          "the shards must keep keys and values in blocks: expected requires_block_allocator and a"
              + " block size, got block size "
              + info.getBlockSize(),
          null);
    }
    int prefillTokens = plan.batch().maxPrefillTokens();
    if (!info.getChunkedPrefill() && prefillTokens < plan.maxInputLength()) {
      throw new ShardException.Refused(
          ("--max-batch-prefill-tokens: expected at least --max-input-length %d, got %d: the shards"
                  + " compute a prompt in one step, as they do not announce chunked_prefill")
              .formatted(plan.maxInputLength(), prefillTokens),
          null);
    }
  }

  private static @Nullable Integer leastSupported(List<WarmupResponse> answers) {
    Integer least = null;
    for (WarmupResponse answer : answers) {
      if (answer.hasMaxSupportedTotalTokens()) {
        int tokens = answer.getMaxSupportedTotalTokens();
        least = least == null ? tokens : Math.min(least, tokens);
      }
    }
    return least;
  }

  private ShardProfile profile(InfoResponse info, CapabilitiesResponse capabilities)
      throws ShardException, InterruptedException {
    Integer measured = warmUp(info);
    ModelAbilities abilities = ModelDescription.ask(first, info, deadlines.control());
    // Without a cache there are no blocks; the size is still one to divide by.
    int blockSize = Math.max(info.getBlockSize(), 1);
    int totalBlocks =
        abilities.generates() ? plan.totalBlocks(measured, blockSize) : plan.textBlocks(blockSize);
    var profile =
        new ShardProfile(
            channels.size(),
            info.getDtype(),
            info.getDeviceType(),
            blockSize,
            totalBlocks,
            info.getSpeculate(),
            info.getChunkedPrefill(),
            capabilities.getSteps(),
            capabilities.getResume(),
            preloaded(info),
            abilities);
    int longest = plan.maxTotalTokens() + info.getSpeculate() - 1;
    if (abilities.generates() && profile.maxBatchTotalTokens() < longest) {
      throw new ShardException.Refused(
          ("a request of `max_total_tokens` %d does not fit into the key-value cache of the shards:"
                  + " it holds %d tokens; lower --max-total-tokens or give the shards more memory")
              .formatted(plan.maxTotalTokens(), profile.maxBatchTotalTokens()),
          null);
    }
    return profile;
  }

  private List<PreloadedAdapter> preloaded(InfoResponse info)
      throws ShardException, InterruptedException {
    var adapters = new ArrayList<PreloadedAdapter>();
    for (var adapter : info.getPreloadedAdaptersList()) {
      var facts = AdapterDescription.ask(first, adapter.getAdapterIndex(), deadlines.control());
      adapters.add(WireAdapters.preloaded(adapter, facts));
    }
    return adapters;
  }

  private <R> List<R> askAll(
      String method, Duration deadline, Function<LoraxServiceFutureStub, Future<R>> call)
      throws ShardException, InterruptedException {
    var calls = new ArrayList<Future<R>>();
    for (UnixChannel channel : channels) {
      calls.add(call.apply(stub(channel, deadline)));
    }
    return ShardCalls.all(method, calls).await();
  }

  private static LoraxServiceFutureStub stub(UnixChannel channel, Duration deadline) {
    return LoraxServiceGrpc.newFutureStub(channel.channel()).withDeadlineAfter(deadline);
  }
}
