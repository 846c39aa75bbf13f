package dev.lorax.router;

import dev.lorax.router.access.ApiKeys;
import dev.lorax.router.batching.Backlog;
import dev.lorax.router.batching.BatchEnvironment;
import dev.lorax.router.batching.BatchLoop;
import dev.lorax.router.batching.ModelAbilities;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.ShardGroup;
import dev.lorax.router.batching.Ticker;
import dev.lorax.router.config.RouterConfig;
import dev.lorax.router.encoding.EncodingLimits;
import dev.lorax.router.encoding.EncodingLoop;
import dev.lorax.router.http.Gateway;
import dev.lorax.router.http.HttpFront;
import dev.lorax.router.http.TextGateway;
import dev.lorax.router.metrics.RouterMetrics;
import dev.lorax.router.request.Intake;
import dev.lorax.router.request.LoopAdapterPlaces;
import dev.lorax.router.request.LoopNeighbours;
import dev.lorax.router.request.Preparer;
import dev.lorax.router.request.RequestLimits;
import dev.lorax.router.request.TextPreparer;
import dev.lorax.router.shard.GrpcShardConnector;
import dev.lorax.router.shard.GrpcShardGroup;
import dev.lorax.router.shard.RpcDeadlines;
import dev.lorax.router.tokenizer.Machine;
import dev.lorax.router.tokenizer.PromptTokenizer;
import dev.lorax.router.tracing.Tracing;
import java.io.IOException;
import java.time.Duration;
import java.time.InstantSource;
import java.util.concurrent.ThreadLocalRandom;

/** The parts of a running router, in the order in which they start. Thread-safe. */
final class RouterProcess implements AutoCloseable {
  /** Commands that may wait beside those of requests: news of adapters and shards. */
  private static final int SPARE_COMMANDS = 1024;

  /** Full batches that may wait unless the options say otherwise. */
  private static final int QUEUED_BATCHES = 32;

  private final PromptTokenizer tokenizer;
  private final GrpcShardConnector connector;
  private final BatchLoop loop;
  private final EncodingLoop encoding;
  private final Intake intake;
  private final HttpFront front;
  private final Tracing tracing;

  private RouterProcess(
      PromptTokenizer tokenizer,
      GrpcShardConnector connector,
      BatchLoop loop,
      EncodingLoop encoding,
      Intake intake,
      HttpFront front,
      Tracing tracing) {
    this.tokenizer = tokenizer;
    this.connector = connector;
    this.loop = loop;
    this.encoding = encoding;
    this.intake = intake;
    this.front = front;
    this.tracing = tracing;
  }

  /** Connects to the shards, warms them up, and only then listens. */
  static RouterProcess start(RouterConfig config, Machine machine)
      throws IOException, ShardException, InterruptedException {
    Ticker ticker = System::nanoTime;
    RequestLimits limits = config.facts().limits();
    // First, as it may find that its variables are wrong.
    var tracing = Tracing.to(config.otlpEndpoint(), ticker, InstantSource.system());
    var keys = ApiKeys.load(config.apiKeys(), ticker);
    var tokenizer = PromptTokenizer.load(config.tokenizerDirectory(), machine);
    var connector =
        new GrpcShardConnector(
            config.firstShardSocket(), config.warmup(), RpcDeadlines.DEFAULT, ticker);
    GrpcShardGroup shards = connector.connectWithin(config.patience().shardConnect());
    var metrics =
        new RouterMetrics(
            limits.maxInputLength(),
            limits.maxTotalTokens(),
            config.residency().maxActiveAdapters(),
            InstantSource.system());
    var loop =
        new BatchLoop(
            config.batch(),
            config.residency(),
            limits.maxConcurrentRequests() + SPARE_COMMANDS,
            connector,
            new BatchEnvironment(metrics, backlog(config, shards), ticker));
    loop.start(shards);
    var encoding =
        new EncodingLoop(
            new EncodingLimits(config.batch().maxPrefillTokens(), maxQueueTokens(config, shards)),
            new LoopAdapterPlaces(loop),
            new LoopNeighbours(loop, shards.profile().abilities().generates()),
            metrics,
            ticker);
    connector.announceTo(encoding::use);
    encoding.start();
    var intake = new Intake(limits, config.facts().validationWorkers(), loop, ticker);
    var preparer = new Preparer(limits, tokenizer, () -> ThreadLocalRandom.current().nextLong());
    ModelAbilities abilities = shards.profile().abilities();
    var texts =
        new TextGateway(
            abilities, new TextPreparer(limits, preparer, abilities, tokenizer), encoding);
    var gateway =
        new Gateway(
            config.facts(),
            loop,
            intake,
            preparer,
            texts,
            connector.schemaCheck(),
            keys,
            metrics,
            tracing,
            ticker);
    var front =
        HttpFront.listen(
            gateway, tokenizer, connector.chatTemplate(), InstantSource.system(), config.http());
    return new RouterProcess(tokenizer, connector, loop, encoding, intake, front, tracing);
  }

  private static Backlog backlog(RouterConfig config, ShardGroup shards) {
    return new Backlog(maxQueueTokens(config, shards), config.facts().limits().maxQueueWait());
  }

  private static long maxQueueTokens(RouterConfig config, ShardGroup shards) {
    Integer asked = config.maxQueueTokens();
    return asked == null ? (long) QUEUED_BATCHES * shards.profile().maxBatchTotalTokens() : asked;
  }

  int port() {
    return front.port();
  }

  /** Serves on, and asks clients to open another connection for their next request. */
  void leave() {
    intake.leave();
  }

  /**
   * Lets nobody new in and waits for those inside; false if some did not end in time.
   *
   * @param quiet for clients to come back that have a connection and were not told to go elsewhere
   */
  boolean drain(Duration quiet, Duration patience) throws InterruptedException {
    loop.drain();
    intake.stopAdmitting();
    return intake.awaitEmpty(front::hasSaidGoodbye, quiet, patience);
  }

  @Override
  public void close() throws InterruptedException {
    // The first closes the shards, which ends a call of the second.
    loop.stop();
    encoding.stop();
    front.close();
    intake.close();
    connector.close();
    tokenizer.close();
    tracing.close();
  }
}
