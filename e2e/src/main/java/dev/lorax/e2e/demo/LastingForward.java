package dev.lorax.e2e.demo;

import dev.lorax.e2e.cluster.Command;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A port forward that outlives this process, so that the printed URL works until {@code --down}.
 *
 * <p>Kubectl leads a forward to one pod and ends with it; a shell loop around it finds the next
 * one.
 *
 * @param pid of the shell
 */
public record LastingForward(long pid, int port) {

  private static final int WISHED_PORT = 3000;
  private static final String MARK = "lorax-demo-forward";
  private static final String LOOP = "trap '' HUP; while :; do \"$@\"; sleep 1; done";

  /** Starts a forward from port 3000, or from a free one where that is taken. */
  static LastingForward start(Command kubectl, String namespace, String service, Path log) {
    int port = freePort();
    Command forward =
        kubectl
            .with("port-forward", "--namespace", namespace, "--address", "127.0.0.1")
            .with("service/" + service, port + ":http");
    var words =
        Stream.concat(List.of("sh", "-c", LOOP, MARK).stream(), forward.words().stream()).toList();
    var builder = new ProcessBuilder(words).redirectErrorStream(true).redirectOutput(log.toFile());
    builder.environment().putAll(forward.environment());
    try {
      return new LastingForward(builder.start().pid(), port);
    } catch (IOException e) {
      throw new UncheckedIOException("could not start the port forward", e);
    }
  }

  URI url() {
    return URI.create("http://127.0.0.1:" + port);
  }

  boolean isAlive() {
    return shell().isPresent();
  }

  /** Ends the shell and its kubectl; does nothing when they have ended. */
  void stop() {
    shell()
        .ifPresent(shell -> {
          // The shell first: it would start the next kubectl.
          List<ProcessHandle> both = Stream.concat(Stream.of(shell), shell.descendants()).toList();
          both.forEach(ProcessHandle::destroyForcibly);
          both.forEach(process -> process.onExit().orTimeout(5, TimeUnit.SECONDS).join());
        });
  }

  /** The process of this id, if it is still the shell: ids are used again. */
  private java.util.Optional<ProcessHandle> shell() {
    return ProcessHandle.of(pid)
        .filter(process ->
            Stream.of(process.info().arguments().orElse(new String[0])).anyMatch(MARK::equals));
  }

  private static int freePort() {
    try (var socket = new ServerSocket(WISHED_PORT, 1, InetAddress.getLoopbackAddress())) {
      return socket.getLocalPort();
    } catch (IOException taken) {
      try (var socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        return socket.getLocalPort();
      } catch (IOException e) {
        throw new UncheckedIOException("no free port on 127.0.0.1", e);
      }
    }
  }
}
