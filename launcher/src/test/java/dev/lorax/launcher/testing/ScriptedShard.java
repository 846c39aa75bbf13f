package dev.lorax.launcher.testing;

import dev.lorax.launcher.socket.UnixSockets;
import dev.lorax.protocol.generate.v1.HealthRequest;
import dev.lorax.protocol.generate.v1.HealthResponse;
import dev.lorax.protocol.generate.v1.LoraxServiceGrpc;
import io.grpc.stub.StreamObserver;
import java.nio.file.Path;
import java.util.List;
import sun.misc.Signal;

/**
 * Stands in for {@code lorax-server serve}: binds the socket it was told and answers Health. Asked
 * for {@code shard-N-fails} it ends with a traceback, for {@code shard-N-deaf} it ignores SIGTERM,
 * for {@code shard-N-mute} it never binds.
 */
public final class ScriptedShard {

  private ScriptedShard() {}

  public static void main(String[] line) throws Exception {
    List<String> arguments = List.of(line);
    String rank = System.getenv("RANK");
    String name = "shard-" + rank;
    var script = Script.fromEnvironment();
    long pid = ProcessHandle.current().pid();
    script.record("%s started pid=%d %s".formatted(name, pid, String.join(" ", arguments)));
    if (script.asks(name + "-fails")) {
      System.err.println("Traceback (most recent call last):");
      System.err.println("ValueError: model type gpt_neo is not supported");
      System.err.println("  resource tracker: some semaphores leaked");
      System.exit(1);
    }
    System.out.println(
        "{\"text\":\"\",\"record\":{\"level\":{\"name\":\"INFO\"},\"message\":\"weights loaded\"}}");
    System.out.println("a line that is no JSON");
    obeySigterm(script, name);
    if (!script.asks(name + "-mute")) {
      Path socket = Path.of(arguments.get(arguments.indexOf("--uds-path") + 1) + "-" + rank);
      new UnixSockets().server(socket).addService(new Health()).build().start();
    }
    Thread.currentThread().join();
  }

  private static void obeySigterm(Script script, String name) {
    Signal.handle(
        new Signal("TERM"),
        signal -> {
          script.record(name + " asked to stop");
          if (!script.asks(name + "-deaf")) {
            Runtime.getRuntime().halt(0);
          }
        });
  }

  private static final class Health extends LoraxServiceGrpc.LoraxServiceImplBase {
    @Override
    public void health(HealthRequest request, StreamObserver<HealthResponse> response) {
      response.onNext(HealthResponse.getDefaultInstance());
      response.onCompleted();
    }
  }
}
