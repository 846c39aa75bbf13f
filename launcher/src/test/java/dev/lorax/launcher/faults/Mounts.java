package dev.lorax.launcher.faults;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/**
 * What processes of a case see mounted, and nobody else: in a name space that ends with them, which
 * root may have everywhere and others nearly so.
 */
record Mounts(List<String> commands) {

  static final Mounts NONE = new Mounts(List.of());

  /**
   * @param command of a shell
   */
  static Mounts of(String command) {
    return new Mounts(List.of(command));
  }

  static Mounts readOnly(Path directory) {
    return of("mount --bind %1$s %1$s && mount -o remount,bind,ro %1$s".formatted(directory));
  }

  /** With nothing in it. */
  static Mounts small(Path directory, String size) {
    return of("mount -t tmpfs -o size=%s tmpfs %s".formatted(size, directory));
  }

  /** What is done once all that is mounted. */
  Mounts and(String command) {
    return new Mounts(Stream.concat(commands.stream(), Stream.of(command)).toList());
  }

  boolean isEmpty() {
    return commands.isEmpty();
  }

  /** A program that becomes another one, which then sees the mounts; empty without any. */
  List<String> wrapper() throws IOException, InterruptedException {
    if (commands.isEmpty()) {
      return List.of();
    }
    if (new ProcessBuilder("unshare", "-rm", "true").start().waitFor() != 0) {
      throw new AssertionError(
          "this case mounts file systems: run it as root, or let users do so in name spaces of"
              + " their own (sysctl kernel.unprivileged_userns_clone=1)");
    }
    String script = String.join(" && ", commands) + " && exec \"$@\"";
    return List.of("unshare", "-rm", "sh", "-c", script, "sh");
  }
}
