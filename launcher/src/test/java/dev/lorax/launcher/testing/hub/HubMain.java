package dev.lorax.launcher.testing.hub;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/**
 * A {@link HubServer} as a program, for clients on other machines: {@code PORT STORE_PORT
 * BYTES_PER_SECOND ACCESS:ID=PATH...} with a file or a directory for each repository.
 */
public final class HubMain {

  private HubMain() {}

  public static void main(String[] line) throws IOException {
    List<String> arguments = List.of(line);
    var hub = HubServer.start(anyAddress(arguments.get(0)), anyAddress(arguments.get(1)));
    hub.pace(Long.parseLong(arguments.get(2)));
    for (String repository : arguments.subList(3, arguments.size())) {
      add(hub, repository.split("[:=]", 3));
    }
    System.out.println("hub listens");
  }

  private static InetSocketAddress anyAddress(String port) {
    return new InetSocketAddress(Integer.parseInt(port));
  }

  private static void add(HubServer hub, String[] accessIdPath) throws IOException {
    HubRepo repo = hub.repo(accessIdPath[1]);
    repo.access(HubRepo.Access.valueOf(accessIdPath[0].toUpperCase(Locale.ROOT)));
    Path root = Path.of(accessIdPath[2]);
    for (Path file : files(root)) {
      repo.put(file.getFileName().toString(), Files.readAllBytes(file));
    }
  }

  private static List<Path> files(Path root) throws IOException {
    if (Files.isRegularFile(root)) {
      return List.of(root);
    }
    try (var below = Files.list(root)) {
      return below.filter(Files::isRegularFile).sorted().toList();
    }
  }
}
