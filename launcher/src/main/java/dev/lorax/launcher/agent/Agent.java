package dev.lorax.launcher.agent;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.control.AgentName;
import dev.lorax.launcher.process.LocalProcessHost;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.launcher.socket.UnixSockets;
import dev.lorax.protocol.launcher.v1.AgentMessage;
import dev.lorax.protocol.launcher.v1.Hello;
import dev.lorax.protocol.launcher.v1.LauncherGrpc;
import dev.lorax.protocol.launcher.v1.LauncherMessage;
import dev.lorax.protocol.launcher.v1.Leaving;
import io.grpc.ManagedChannel;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Attaches to the launcher, does what it says, and attaches again when the launcher was replaced;
 * its processes run on meanwhile.
 */
public final class Agent {

  private static final Logger LOG = LoggerFactory.getLogger("agent");
  private static final Duration POLL = Duration.ofMillis(100);

  /** How long an agent that could end waits for a launcher that does not read. */
  private static final Duration LAST_WORDS = Duration.ofSeconds(5);

  private static final Duration SHARD_GRACE = Duration.ofSeconds(10);

  /** The router drains; how long it may, the kubelet decides. */
  private static final Duration ROUTER_GRACE = Duration.ofHours(1);

  private final AgentName name;
  private final Path control;
  private final UnixSockets sockets;
  private final Outbox outbox = new Outbox();
  private final AgentMembers members;
  private volatile boolean stopping;

  public Agent(AgentName name, Path control, UnixSockets sockets, LocalProcessHost host) {
    this.name = name;
    this.control = control;
    this.sockets = sockets;
    this.members = new AgentMembers(host, outbox);
  }

  /** Returns when {@link #stop} was called and all processes have ended. */
  public void run() throws InterruptedException {
    LOG.atInfo().addKeyValue("agent", name).addKeyValue("control", control).log("agent started");
    while (!isFinished(false)) {
      // No launcher, no socket; but a socket proves no launcher.
      if (Files.exists(control)) {
        attach();
      }
      Thread.sleep(POLL);
    }
    LOG.atInfo().addKeyValue("agent", name).log("agent ended");
  }

  /** Asks all processes to end; another call changes nothing. Any thread may call it. */
  public void stop() {
    if (!stopping) {
      stopping = true;
      // Before the first member ends of it, so that its end is not taken for a failure.
      outbox.put(AgentMessage.newBuilder().setLeaving(Leaving.getDefaultInstance()).build());
    }
    members.close(name.role() == MemberName.Role.ROUTER ? ROUTER_GRACE : SHARD_GRACE);
  }

  /** What is still to be told is waited for only while somebody listens. */
  private boolean isFinished(boolean attached) {
    return stopping && members.allExited() && (!attached || outbox.isEmpty());
  }

  private void attach() throws InterruptedException {
    ManagedChannel channel = sockets.channel(control);
    try {
      attach(channel);
    } finally {
      channel.shutdownNow();
    }
  }

  private void attach(ManagedChannel channel) throws InterruptedException {
    var broken = new CompletableFuture<Void>();
    var launcher =
        (ClientCallStreamObserver<AgentMessage>)
            LauncherGrpc.newStub(channel).attach(new FromLauncher(broken));
    try {
      launcher.onNext(hello());
      Duration unheard = Duration.ZERO;
      while (!broken.isDone() && !isFinished(true) && unheard.compareTo(LAST_WORDS) < 0) {
        if (launcher.isReady()) {
          AgentMessage message = outbox.poll(POLL);
          if (message != null) {
            send(launcher, message, broken);
          }
        } else {
          // A launcher that does not read would otherwise fill our memory with output.
          Thread.sleep(POLL);
          unheard = isFinished(false) ? unheard.plus(POLL) : Duration.ZERO;
        }
      }
      launcher.onCompleted();
    } catch (IllegalStateException e) {
      // The stream broke between the look and the call.
      broken.complete(null);
    }
  }

  private void send(
      StreamObserver<AgentMessage> launcher, AgentMessage message, CompletableFuture<Void> broken) {
    if (broken.isDone()) {
      outbox.putBack(message);
      return;
    }
    launcher.onNext(message);
    if (message.hasExited()) {
      members.forget(message.getExited());
    }
  }

  private AgentMessage hello() {
    var hello =
        Hello.newBuilder()
            .setRole(AgentName.spelled(name.role()))
            .setIndex(name.index())
            .setVersion(LauncherConfig.VERSION)
            .setLeaving(stopping)
            .addAllRunning(members.running());
    return AgentMessage.newBuilder().setHello(hello).build();
  }

  /** gRPC calls it from one thread at a time. */
  private final class FromLauncher implements StreamObserver<LauncherMessage> {

    private final CompletableFuture<Void> broken;

    FromLauncher(CompletableFuture<Void> broken) {
      this.broken = broken;
    }

    @Override
    public void onNext(LauncherMessage message) {
      switch (message.getMessageCase()) {
        case START -> members.start(message.getStart());
        case SIGNAL -> {
          var signal = message.getSignal();
          members
              .find(signal.getMember(), signal.getEpoch())
              .ifPresent(member -> member.signal(signal.getSignal()));
        }
        case STOP -> {
          var stop = message.getStop();
          members
              .find(stop.getMember(), stop.getEpoch())
              .ifPresent(member -> member.stop(Duration.ofMillis(stop.getGraceMillis())));
        }
        case MESSAGE_NOT_SET -> {}
      }
    }

    @Override
    public void onError(Throwable reason) {
      broken.complete(null);
    }

    @Override
    public void onCompleted() {
      broken.complete(null);
    }
  }
}
