package dev.lorax.launcher.process;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Processes as the proc file system shows them. Where there is none, as outside Linux, there are no
 * processes; those that we may not look into hold nothing.
 */
record ProcessTable(Path proc) {

  /** Fields of {@code stat} after the name in parentheses: state, parent, group, session. */
  private static final int SESSION_AFTER_NAME = 3;

  List<Long> all() {
    List<Long> processes = new ArrayList<>();
    try (var directories = Files.newDirectoryStream(proc, "[0-9]*")) {
      directories.forEach(directory -> number(directory.getFileName()).ifPresent(processes::add));
    } catch (IOException absent) {
      return List.of();
    }
    return processes;
  }

  /** The leader, while it lives, and all that it started, except what began a session anew. */
  Set<Long> session(long leader) {
    Set<Long> members = new HashSet<>();
    for (long process : all()) {
      if (process == leader || sessionOf(process) == leader) {
        members.add(process);
      }
    }
    return members;
  }

  private long sessionOf(long process) {
    try {
      String stat = Files.readString(proc.resolve(Long.toString(process)).resolve("stat"));
      String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ", -1);
      return fields[0].equals("Z") ? 0 : Long.parseLong(fields[SESSION_AFTER_NAME]);
    } catch (IOException gone) {
      return 0;
    }
  }

  /** Files below the directory that the process has in its memory. */
  Set<SharedSegment> mapped(long process, Path directory) {
    Set<SharedSegment> segments = new HashSet<>();
    String prefix = directory + "/";
    try (var lines = Files.lines(proc.resolve(Long.toString(process)).resolve("maps"))) {
      lines
          .filter(line -> line.contains(prefix) && !line.endsWith(" (deleted)"))
          .forEach(line -> segments.add(segment(line, prefix)));
    } catch (IOException | UncheckedIOException goneOrForbidden) {
      return Set.of();
    }
    return segments;
  }

  /** {@code address permissions offset device inode path}, in columns of varying width. */
  private static SharedSegment segment(String line, String prefix) {
    String[] columns = line.split(" +", 6);
    return new SharedSegment(columns[5].substring(prefix.length()), Long.parseLong(columns[4]));
  }

  private static Optional<Long> number(Path name) {
    return name.toString().matches("\\d{1,18}")
        ? Optional.of(Long.parseLong(name.toString()))
        : Optional.empty();
  }
}
