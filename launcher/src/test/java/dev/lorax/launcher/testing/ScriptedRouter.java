package dev.lorax.launcher.testing;

import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import sun.misc.Signal;

/**
 * Stands in for {@code lorax-router}: answers /health with 200 while the first shard's socket is
 * there. Asked for {@code router-fails} it ends at once, for {@code router-drains} it needs a
 * moment to stop.
 */
public final class ScriptedRouter {

  private ScriptedRouter() {}

  public static void main(String[] line) throws Exception {
    List<String> arguments = List.of(line);
    var script = Script.fromEnvironment();
    long pid = ProcessHandle.current().pid();
    script.record("router started pid=%d %s".formatted(pid, String.join(" ", arguments)));
    if (script.asks("router-fails")) {
      System.err.println("Exception in thread \"main\" java.net.BindException: port in use");
      System.exit(1);
    }
    Path shard = Path.of(after(arguments, "--master-shard-uds-path"));
    int port = Integer.parseInt(after(arguments, "--port"));
    var server = HttpServer.create(new InetSocketAddress("127.0.0.1", port), 0);
    server.createContext(
        "/health",
        exchange -> {
          try (exchange) {
            exchange.sendResponseHeaders(Files.exists(shard) ? 200 : 503, -1);
          }
        });
    server.start();
    Signal.handle(
        new Signal("TERM"),
        signal -> {
          script.record("router asked to stop");
          while (script.asks("router-drains")) {
            Thread.onSpinWait();
          }
          script.record("router drained");
          Runtime.getRuntime().halt(0);
        });
  }

  private static String after(List<String> arguments, String option) {
    return arguments.get(arguments.indexOf(option) + 1);
  }
}
