package dev.lorax.router.shard;

import dev.lorax.protocol.extensions.v1.CapabilitiesResponse;
import dev.lorax.protocol.generate.v1.ClearCacheRequest;
import dev.lorax.protocol.generate.v1.InfoRequest;
import dev.lorax.protocol.generate.v1.InfoResponse;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc.LoraxServiceFutureStub;
import dev.lorax.protocol.generate.v1.ServiceDiscoveryRequest;
import dev.lorax.protocol.generate.v1.WarmupResponse;
import dev.lorax.router.adapter.PreloadedAdapter;
import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.batching.ShardConnector;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.ShardProfile;
import dev.lorax.router.batching.Ticker;
import dev.lorax.router.generation.ChatTemplate;
import dev.lorax.router.generation.SchemaCheck;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connects to the shards behind the first one's socket. The path may lead through a symbolic link
 * that each new epoch of shards points elsewhere, so it is resolved anew at every attempt.
 * Thread-safe.
 */
public final class GrpcShardConnector implements ShardConnector, AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(GrpcShardConnector.class);
  private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
  private static final Duration LONGEST_PAUSE = Duration.ofSeconds(1);
  private static final String URL_PREFIX = "unix://";

  private final Path firstShardSocket;
  private final WarmupPlan plan;
  private final RpcDeadlines deadlines;
  private final Ticker ticker;
  private final EventLoopGroup events =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final FirstShard firstShard;
  private Consumer<? super GrpcShardGroup> audience = _ -> {};
  private @Nullable GrpcShardGroup latest;

  public GrpcShardConnector(
      Path firstShardSocket, WarmupPlan plan, RpcDeadlines deadlines, Ticker ticker) {
    this.firstShardSocket = firstShardSocket;
    this.plan = plan;
    this.deadlines = deadlines;
    this.ticker = ticker;
    this.firstShard = new FirstShard(deadlines.control());
  }

  /** Hears of the shards that are connected, and of all that will be. */
  public synchronized void announceTo(Consumer<? super GrpcShardGroup> listener) {
    audience = listener;
    if (latest != null) {
      listener.accept(latest);
    }
  }

  private synchronized void announce(GrpcShardGroup group) {
    latest = group;
    audience.accept(group);
  }

  /** Renders on whatever first shard is connected. */
  public ChatTemplate chatTemplate() {
    return new ShardChatTemplate(firstShard);
  }

  /** Asks whatever first shard is connected. */
  public SchemaCheck schemaCheck() {
    return new ShardSchemaCheck(firstShard);
  }

  @Override
  public GrpcShardGroup connect() throws InterruptedException {
    Duration pause = FIRST_PAUSE;
    String told = "";
    while (true) {
      try {
        return attempt();
      } catch (ShardException e) {
        if (!told.equals(e.reason())) {
          told = e.reason();
          LOG.atWarn().addKeyValue("reason", told).log("shards not connected, trying again");
        }
      } catch (RuntimeException e) {
        // Other shards may say what this router understands.
        if (!told.equals(e.toString())) {
          told = e.toString();
          LOG.atError().setCause(e).log("bug while connecting to shards, trying again");
        }
      }
      Thread.sleep(pause);
      pause = longer(pause);
    }
  }

  /** Tries until the patience is over; an answer that refuses us ends it at once. */
  public GrpcShardGroup connectWithin(Duration patience)
      throws ShardException, InterruptedException {
    long deadline = ticker.nanos() + patience.toNanos();
    Duration pause = FIRST_PAUSE;
    while (true) {
      try {
        return attempt();
      } catch (ShardException.Lost | ShardException.TimedOut e) {
        if (ticker.nanos() - deadline >= 0) {
          throw e;
        }
        Thread.sleep(pause);
        pause = longer(pause);
      }
    }
  }

  @Override
  public void close() {
    var _ = events.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  private static Duration longer(Duration pause) {
    Duration doubled = pause.multipliedBy(2);
    return doubled.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : doubled;
  }

  private GrpcShardGroup attempt() throws ShardException, InterruptedException {
    var channels = new ArrayList<UnixChannel>();
    boolean connected = false;
    try {
      for (Path socket : discover()) {
        channels.add(new UnixChannel(socket, events));
      }
      InfoResponse info = greet(channels);
      CapabilitiesResponse capabilities =
          ShardCapabilities.ask(channels.getFirst(), deadlines.control());
      ShardProfile profile = profile(channels, info, capabilities);
      firstShard.use(channels.getFirst().channel());
      StepCalls steps =
          capabilities.getStep()
              ? new ColumnStepCalls(channels, deadlines.step())
              : new RowStepCalls(channels, deadlines.step());
      var group = new GrpcShardGroup(channels, steps, profile, deadlines);
      announce(group);
      connected = true;
      return group;
    } finally {
      if (!connected) {
        channels.forEach(UnixChannel::close);
      }
    }
  }

  private List<Path> discover() throws ShardException, InterruptedException {
    Path socket;
    try {
      socket = firstShardSocket.toRealPath();
    } catch (IOException e) {
      throw new ShardException.Lost("no shard socket at " + firstShardSocket, e);
    }
    try (var first = new UnixChannel(socket, events)) {
      var call =
          stub(first, deadlines.control())
              .serviceDiscovery(ServiceDiscoveryRequest.getDefaultInstance());
      List<String> urls = ShardCalls.one("ServiceDiscovery", 0, call).getUrlsList();
      if (urls.isEmpty()) {
        throw new ShardException.Refused("shard 0 at %s names no shards".formatted(socket), null);
      }
      return urls.stream().map(GrpcShardConnector::path).toList();
    }
  }

  private static Path path(String url) {
    return Path.of(url.startsWith(URL_PREFIX) ? url.substring(URL_PREFIX.length()) : url);
  }

  /** What the shards, which begin anew with it, say of themselves. */
  private InfoResponse greet(List<UnixChannel> channels)
      throws ShardException, InterruptedException {
    Duration control = deadlines.control();
    var clear = ClearCacheRequest.getDefaultInstance();
    askAll("ClearCache", channels, control, stub -> stub.clearCache(clear));
    var ask = InfoRequest.getDefaultInstance();
    InfoResponse info = askAll("Info", channels, control, stub -> stub.info(ask)).getLast();
    check(info, plan);
    return info;
  }

  /** How many tokens the shards can keep, or null where they do not say. */
  private @Nullable Integer warmUp(List<UnixChannel> channels, InfoResponse info)
      throws ShardException, InterruptedException {
    var warmup = Warmup.request(plan, info);
    return leastSupported(
        askAll("Warmup", channels, deadlines.warmup(), stub -> stub.warmup(warmup)));
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

  private ShardProfile profile(
      List<UnixChannel> channels, InfoResponse info, CapabilitiesResponse capabilities)
      throws ShardException, InterruptedException {
    Integer measured = warmUp(channels, info);
    ModelAbilities abilities = ModelDescription.ask(channels.getFirst(), info, deadlines.control());
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
            capabilities.getStep(),
            capabilities.getResume(),
            preloaded(channels.getFirst(), info),
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

  private List<PreloadedAdapter> preloaded(UnixChannel shard, InfoResponse info)
      throws ShardException, InterruptedException {
    var adapters = new ArrayList<PreloadedAdapter>();
    for (var adapter : info.getPreloadedAdaptersList()) {
      var facts = AdapterDescription.ask(shard, adapter.getAdapterIndex(), deadlines.control());
      adapters.add(WireAdapters.preloaded(adapter, facts));
    }
    return adapters;
  }

  private static <R> List<R> askAll(
      String method,
      List<UnixChannel> channels,
      Duration deadline,
      Function<LoraxServiceFutureStub, Future<R>> call)
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
