package dev.lorax.e2e.upstream;

import io.grpc.Server;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerDomainSocketChannel;
import java.io.IOException;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Path;
import java.util.List;

/**
 * Double of upstream's {@code lorax-server}: its command line, its environment, its log lines and
 * its half of generate.v1, without a model behind. Knows nothing of this project's extensions.
 */
final class UpstreamShardMain {

  private UpstreamShardMain() {}

  public static void main(String[] line) throws IOException, InterruptedException {
    try {
      serve(UpstreamArguments.parse(List.of(line)));
    } catch (UpstreamArguments.UsageException e) {
      System.err.println("Usage: lorax-server [OPTIONS] COMMAND [ARGS]...");
      System.err.println("Error: " + e.getMessage());
      System.exit(2);
    }
  }

  private static void serve(UpstreamArguments arguments) throws IOException, InterruptedException {
    int rank = Integer.parseInt(required("RANK"));
    int world = Integer.parseInt(required("WORLD_SIZE"));
    required("MASTER_ADDR");
    Integer.parseInt(required("MASTER_PORT"));
    if (arguments.has("--sharded") != world > 1) {
      throw new IllegalArgumentException("--sharded must say what WORLD_SIZE " + world + " says");
    }
    String udsPath = arguments.value("--uds-path", "/tmp/lorax-server");
    Server server = listen(Path.of(udsPath + "-" + rank), new UpstreamShard(udsPath, rank, world));
    log("INFO", "Server started at unix://%s-%d".formatted(udsPath, rank));
    server.awaitTermination();
  }

  private static Server listen(Path socket, UpstreamShard shard) throws IOException {
    var events = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    return NettyServerBuilder.forAddress(UnixDomainSocketAddress.of(socket))
        .channelType(NioServerDomainSocketChannel.class)
        .bossEventLoopGroup(events)
        .workerEventLoopGroup(events)
        .maxInboundMessageSize(Integer.MAX_VALUE)
        .addService(shard)
        .build()
        .start();
  }

  private static String required(String variable) {
    String value = System.getenv(variable);
    if (value == null) {
      throw new IllegalStateException("KeyError: '" + variable + "'");
    }
    return value;
  }

  /** As loguru serialises a record. */
  private static void log(String level, String message) {
    System.out.println(
        """
        {"text": "%2$s\\n", "record": {"level": {"name": "%1$s", "no": 20}, "message": "%2$s"}}\
        """
            .formatted(level, message));
  }
}
