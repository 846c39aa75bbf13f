package dev.lorax.router.shard;

import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import dev.lorax.protocol.generate.v1.ServiceDiscoveryRequest;
import dev.lorax.router.batching.ShardConnector;
import dev.lorax.router.batching.ShardException;
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
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
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
      GrpcShardGroup group = new Handshake(channels, plan, deadlines).make();
      firstShard.use(channels.getFirst().channel());
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
          LoraxServiceGrpc.newFutureStub(first.channel())
              .withDeadlineAfter(deadlines.control())
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
}
