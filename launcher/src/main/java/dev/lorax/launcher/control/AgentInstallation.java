package dev.lorax.launcher.control;

import java.io.IOException;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermissions;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The agent in a directory that all containers of the pod share, so that their images need nothing
 * of ours: {@code runtime/}, {@code lorax-launcher.jar} and {@code bin/lorax-agent}.
 */
public final class AgentInstallation {

  private static final Logger LOG = LoggerFactory.getLogger("launcher");

  private static final String SCRIPT =
      """
      #!/bin/sh
      home="$(dirname "$(dirname "$0")")"
      exec "$home/runtime/bin/java" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx64m \\
        --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \\
        -jar "$home/lorax-launcher.jar" agent "$@"
      """;

  private AgentInstallation() {}

  /** The script comes last and by a rename: who finds it finds the rest. */
  public static void install(Path runtime, Path jar, Path directory) throws IOException {
    Path script = directory.resolve("bin/lorax-agent");
    if (Files.exists(script)) {
      return;
    }
    if (!Files.isRegularFile(jar)) {
      throw new IOException("the agent is this program's jar, but it runs from " + jar);
    }
    Files.createDirectories(script.getParent());
    copyTree(runtime, directory.resolve("runtime"));
    Files.copy(jar, directory.resolve("lorax-launcher.jar"), StandardCopyOption.REPLACE_EXISTING);
    Path unfinished = script.resolveSibling("lorax-agent.unfinished");
    Files.writeString(unfinished, SCRIPT);
    Files.setPosixFilePermissions(unfinished, PosixFilePermissions.fromString("rwxr-xr-x"));
    Files.move(unfinished, script, StandardCopyOption.ATOMIC_MOVE);
    LOG.atInfo().addKeyValue("directory", directory).log("agent installed");
  }

  private static void copyTree(Path from, Path to) throws IOException {
    Files.walkFileTree(
        from,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes)
              throws IOException {
            Files.createDirectories(to.resolve(from.relativize(directory)));
            return FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            Files.copy(
                file,
                to.resolve(from.relativize(file)),
                StandardCopyOption.REPLACE_EXISTING,
                StandardCopyOption.COPY_ATTRIBUTES,
                LinkOption.NOFOLLOW_LINKS);
            return FileVisitResult.CONTINUE;
          }
        });
  }
}
