package dev.lorax.e2e.cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.net.URI;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** A port of this machine's loopback that leads to a pod or service, until closed. */
public final class PortForward implements AutoCloseable {

  private static final Pattern ADDRESS =
      Pattern.compile("Forwarding from 127\\.0\\.0\\.1:(\\d+) -> \\d+");

  private final Process process;
  private final URI url;

  private PortForward(Process process, URI url) {
    this.process = process;
    this.url = url;
  }

  /**
   * Opens a forward from a free port.
   *
   * @param target kind and name, as in {@code service/demo}
   */
  public static PortForward open(Cluster cluster, String namespace, String target, int port) {
    Command command =
        cluster
            .kubectl()
            .with("port-forward", "--namespace", namespace, "--address", "127.0.0.1")
            .with(target, "0:" + port);
    Process process = command.start();
    try {
      return new PortForward(process, address(process));
    } catch (IOException | CommandFailed e) {
      process.destroy();
      throw new CommandFailed(String.join(" ", command.words()) + ": " + e.getMessage());
    }
  }

  private static URI address(Process process) throws IOException {
    BufferedReader output = process.inputReader();
    for (String line = output.readLine(); line != null; line = output.readLine()) {
      Matcher address = ADDRESS.matcher(line);
      if (address.matches()) {
        // Kubectl goes on to print a line for each connection: an unread pipe would block it. Not a
        // virtual thread: it would hold on to its carrier for as long as the forward lives.
        Thread.ofPlatform().daemon().start(() -> output.lines().forEach(_ -> {}));
        return URI.create("http://127.0.0.1:" + address.group(1));
      }
    }
    throw new CommandFailed(process.errorReader().lines().reduce("", (a, b) -> a + "\n" + b));
  }

  public URI url() {
    return url;
  }

  @Override
  public void close() {
    process.destroy();
  }
}
