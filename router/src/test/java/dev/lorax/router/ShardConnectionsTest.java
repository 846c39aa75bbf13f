package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import dev.lorax.protocol.generate.v1.InfoRequest;
import dev.lorax.router.batching.BatchLimits;
import dev.lorax.router.batching.CachedBatch;
import dev.lorax.router.batching.QueueOrder;
import dev.lorax.router.batching.Run;
import dev.lorax.router.batching.ShardException;
import dev.lorax.router.batching.ShardGroup;
import dev.lorax.router.shard.GrpcShardConnector;
import dev.lorax.router.shard.RpcDeadlines;
import dev.lorax.router.shard.WarmupPlan;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A connector that does not connect leaves no connection behind. */
@Timeout(60)
class ShardConnectionsTest {
  private static final WarmupPlan PLAN =
      new WarmupPlan(100, 200, new BatchLimits(400, null, 0, 0, QueueOrder.FAIR, true, true), null);

  @TempDir private Path directory;
  private List<ScriptedShard> shards = List.of();

  @AfterEach
  void stop() {
    shards.forEach(ScriptedShard::close);
  }

  @Test
  void holds_a_connection_to_each_shard_until_the_group_is_closed() throws Exception {
    start(ShardScript.PLAIN);
    try (var connector = connector();
        ShardGroup group = connector.connect()) {
      assertThat(shards).allMatch(shard -> shard.connections() >= 1);
      group.close();
      awaitNoConnections();
    }
  }

  @Test
  void closes_all_when_one_of_several_shards_is_missing() throws Exception {
    start(ShardScript.PLAIN);
    shards.getLast().close();
    try (var connector = connector()) {
      assertThatThrownBy(() -> connector.connectWithin(Duration.ZERO))
          .isInstanceOf(ShardException.Lost.class);

      awaitNoConnections();
    }
  }

  @Test
  void closes_all_when_it_does_not_understand_what_a_shard_says() throws Exception {
    start(ShardScript.PLAIN.withPreloaded("stray"));
    try (var connector = connector()) {
      assertThatThrownBy(() -> connector.connectWithin(Duration.ZERO))
          .isInstanceOf(IllegalArgumentException.class);

      awaitNoConnections();
    }
  }

  @Test
  void looks_again_after_shards_that_it_does_not_understand() throws Exception {
    start(ShardScript.PLAIN.withPreloaded("stray"));
    try (var connector = connector()) {
      var connected =
          CompletableFuture.supplyAsync(() -> {
            try {
              return connector.connect();
            } catch (InterruptedException e) {
              throw new AssertionError(e);
            }
          });
      await().until(() -> shards.getFirst().calls(InfoRequest.class).size() > 1);
      stop();
      start(ShardScript.PLAIN);

      connected.join().close();
      awaitNoConnections();
    }
  }

  @Test
  void closes_all_when_it_is_interrupted() throws Exception {
    start(ShardScript.PLAIN);
    shards.getLast().close();
    Path silent = directory.resolve("shard-1");
    Files.deleteIfExists(silent);
    try (var listening = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        var connector = connector()) {
      listening.bind(UnixDomainSocketAddress.of(silent));
      var ended = new CompletableFuture<Throwable>();
      Thread search =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  connector.connect().close();
                } catch (Throwable e) {
                  ended.complete(e);
                }
              });
      try (SocketChannel connection = listening.accept()) {
        search.interrupt();

        assertThat(ended.join()).isInstanceOf(InterruptedException.class);
        awaitNoConnections();
        while (connection.read(ByteBuffer.allocate(1024)) >= 0) {
          // What it was asked before; the end comes after that.
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void a_step_that_is_not_answered_in_time_is_given_up(boolean columns) throws Exception {
    start(columns ? ShardScript.PLAIN : ShardScript.PLAIN.withoutCapabilities());
    shards.forEach(shard -> shard.hangAfter(0));
    RpcDeadlines usual = RpcDeadlines.DEFAULT;
    var deadlines =
        new RpcDeadlines(
            usual.control(),
            usual.warmup(),
            Duration.ofMillis(200),
            usual.download(),
            usual.load());
    try (var connector =
            new GrpcShardConnector(
                directory.resolve("shard-0"), PLAN, deadlines, System::nanoTime);
        ShardGroup group = connector.connect()) {
      var answer = group.decode(List.of(new CachedBatch(1, List.of(1L), 1, 8, 1)), Run.NONE);

      assertThatThrownBy(answer::await)
          .isInstanceOf(ShardException.TimedOut.class)
          .hasMessageContaining("shard 0 did not answer")
          .hasMessageContaining("in time");
    }
  }

  private void awaitNoConnections() {
    await().untilAsserted(() -> assertThat(shards).allMatch(s -> s.connections() == 0));
  }

  private GrpcShardConnector connector() {
    return new GrpcShardConnector(
        directory.resolve("shard-0"), PLAN, RpcDeadlines.DEFAULT, System::nanoTime);
  }

  private void start(ShardScript script) throws Exception {
    shards = ScriptedShard.group(directory.resolve("shard"), 2, script);
  }
}
