package dev.lorax.router;

import com.google.protobuf.Message;
import dev.lorax.protocol.extensions.v1.StepRequest;
import dev.lorax.protocol.generate.v1.DecodeRequest;
import dev.lorax.protocol.generate.v1.EmbedRequest;
import dev.lorax.protocol.generate.v1.PrefillRequest;
import io.grpc.Attributes;
import io.grpc.ForwardingServerCallListener.SimpleForwardingServerCallListener;
import io.grpc.Metadata;
import io.grpc.Server;
import io.grpc.ServerCall;
import io.grpc.ServerCallHandler;
import io.grpc.ServerInterceptor;
import io.grpc.ServerTransportFilter;
import io.grpc.netty.NettyServerBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A shard that speaks generate.v1 over a real Unix socket and generates by script. It keeps the
 * rules of the protocol and complains of a router that breaks them: see {@link ScriptedService}.
 */
final class ScriptedShard implements AutoCloseable {
  private final EventLoopGroup events =
      new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
  private final ScriptedService service;
  private final ScriptedTemplate template;
  private final Server server;
  private final Set<String> methods = ConcurrentHashMap.newKeySet();
  private final List<Metadata> headersOfWork = new CopyOnWriteArrayList<>();
  private final AtomicInteger connections = new AtomicInteger();
  private final AtomicInteger stepsToAnswer = new AtomicInteger(Integer.MAX_VALUE);
  private final AtomicInteger unansweredSteps = new AtomicInteger();

  private ScriptedShard(Path udsPath, int shardIndex, int shardCount, ShardScript script)
      throws IOException {
    service = new ScriptedService(udsPath, shardIndex, shardCount, script);
    template = new ScriptedTemplate(service, script.abilities(), this::hangsNow);
    server =
        NettyServerBuilder.forAddress(new DomainSocketAddress(udsPath + "-" + shardIndex))
            .channelType(EpollServerDomainSocketChannel.class)
            .bossEventLoopGroup(events)
            .workerEventLoopGroup(events)
            .maxInboundMessageSize(Integer.MAX_VALUE)
            .executor(Executors.newVirtualThreadPerTaskExecutor())
            .intercept(new Listener())
            .addTransportFilter(new ConnectionCount())
            .addService(service)
            .addService(template)
            .build()
            .start();
  }

  /** Starts a whole group; the first socket is {@code <udsPath>-0}. */
  static List<ScriptedShard> group(Path udsPath, int shardCount, ShardScript script)
      throws IOException {
    var shards = new ArrayList<ScriptedShard>();
    for (int i = 0; i < shardCount; i++) {
      shards.add(new ScriptedShard(udsPath, i, shardCount, script));
    }
    return shards;
  }

  static ScriptedShard single(Path udsPath, ShardScript script) throws IOException {
    return group(udsPath, 1, script).getFirst();
  }

  /** All requests so far, in order. */
  <M extends Message> List<M> calls(Class<M> type) {
    return service.calls().stream().filter(type::isInstance).map(type::cast).toList();
  }

  /** What came beside each Prefill and each Embed, or in the step that was one. */
  List<Metadata> headersOfWork() {
    return List.copyOf(headersOfWork);
  }

  /** Names of the methods that were called. */
  Set<String> methods() {
    return Set.copyOf(methods);
  }

  /** Connections that are open. */
  int connections() {
    return connections.get();
  }

  /** From now on calls are not remembered, for tests of millions of them. */
  void forget() {
    service.forget();
  }

  /** After that many more steps it hangs in the next one. */
  void hangAfter(int steps) {
    stepsToAnswer.set(steps);
  }

  /** Steps in which it hangs. */
  int unansweredSteps() {
    return unansweredSteps.get();
  }

  private boolean hangsNow() {
    boolean hangs = stepsToAnswer.getAndDecrement() <= 0;
    if (hangs) {
      unansweredSteps.incrementAndGet();
    }
    return hangs;
  }

  ScriptedTemplate template() {
    return template;
  }

  List<Message> calls() {
    return service.calls();
  }

  /** Rules of the protocol that the router has broken. */
  List<String> violations() {
    return service.violations();
  }

  int cachedBatches() {
    return service.cachedBatches();
  }

  /** Dies as a killed process does: connections break, nothing is said. */
  @Override
  public void close() {
    server.shutdownNow();
    try {
      server.awaitTermination(5, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    var _ = events.shutdownGracefully(0, 1, TimeUnit.SECONDS);
  }

  private final class ConnectionCount extends ServerTransportFilter {
    @Override
    public Attributes transportReady(Attributes attributes) {
      connections.incrementAndGet();
      return attributes;
    }

    /** Told of a connection that was never ready, too; that has no attributes. */
    @Override
    public void transportTerminated(@Nullable Attributes attributes) {
      if (attributes != null) {
        connections.decrementAndGet();
      }
    }
  }

  /** What a step says that other calls say in their headers. */
  private static Metadata headersOf(StepRequest step) {
    var headers = new Metadata();
    if (!step.getTracedRequests().isEmpty()) {
      headers.put(
          Metadata.Key.of("lorax-traced-requests", Metadata.ASCII_STRING_MARSHALLER),
          step.getTracedRequests());
    }
    return headers;
  }

  private final class Listener implements ServerInterceptor {
    @Override
    public <Q, A> ServerCall.Listener<Q> interceptCall(
        ServerCall<Q, A> call, Metadata headers, ServerCallHandler<Q, A> next) {
      methods.add(Objects.requireNonNull(call.getMethodDescriptor().getBareMethodName()));
      return new SimpleForwardingServerCallListener<>(next.startCall(call, headers)) {
        private boolean hangs;

        @Override
        public void onHalfClose() {
          if (!hangs) {
            super.onHalfClose();
          }
        }

        @Override
        public void onMessage(Q message) {
          boolean isStep = message instanceof PrefillRequest || message instanceof DecodeRequest;
          hangs = isStep && hangsNow();
          if (hangs) {
            return;
          }
          if (service.remembers()) {
            if (message instanceof PrefillRequest || message instanceof EmbedRequest) {
              headersOfWork.add(headers);
            } else if (message instanceof StepRequest step
                && (step.hasPrefill() || step.hasEmbed())) {
              headersOfWork.add(headersOf(step));
            }
          }
          super.onMessage(message);
        }
      };
    }
  }
}
