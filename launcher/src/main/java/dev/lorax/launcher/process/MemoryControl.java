package dev.lorax.launcher.process;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;

/**
 * The memory controller of the control group that this process and its children are in, version 2
 * or 1. Whatever cannot be read is unknown.
 *
 * @param events file with a line {@code oom_kill <count>}
 * @param limits files with the limits that apply, from the group itself up to its root
 */
record MemoryControl(List<Path> events, List<Path> limits) {

  /** Version 1 spells "no limit" as a number of pages just below this. */
  private static final long NO_LIMIT = Long.MAX_VALUE / 2;

  MemoryControl {
    events = List.copyOf(events);
    limits = List.copyOf(limits);
  }

  static MemoryControl ofThisProcess() {
    return of(Path.of("/proc/self/cgroup"), Path.of("/sys/fs/cgroup"));
  }

  static MemoryControl of(Path membership, Path mount) {
    for (var line : lines(membership)) {
      String[] parts = line.split(":", 3);
      if (parts.length == 3 && parts[1].equals("memory")) {
        return in(mount.resolve("memory"), parts[2], "memory.oom_control", "memory.limit_in_bytes");
      }
    }
    for (var line : lines(membership)) {
      if (line.startsWith("0::")) {
        return in(mount, line.substring("0::".length()), "memory.events", "memory.max");
      }
    }
    return new MemoryControl(List.of(), List.of());
  }

  /** In a container the group's path may be the host's while its own group is mounted as root. */
  private static MemoryControl in(Path root, String group, String events, String limit) {
    Path own = root.resolve(group.replaceFirst("^/+", "")).normalize();
    Path directory = Files.isDirectory(own) && own.startsWith(root) ? own : root;
    var limits = new ArrayList<Path>();
    for (Path at = directory; at != null && at.startsWith(root); at = at.getParent()) {
      limits.add(at.resolve(limit));
    }
    return new MemoryControl(List.of(directory.resolve(events)), limits);
  }

  /** How often the kernel has ended a process of the group for want of memory. */
  OptionalLong kills() {
    return events.stream()
        .flatMap(file -> lines(file).stream())
        .filter(line -> line.startsWith("oom_kill "))
        .mapToLong(line -> Long.parseLong(line.substring("oom_kill ".length()).strip()))
        .findFirst();
  }

  OptionalLong limitBytes() {
    return limits.stream()
        .flatMap(file -> lines(file).stream())
        .filter(line -> line.matches("\\d{1,19}"))
        .mapToLong(MemoryControl::number)
        .filter(bytes -> bytes < NO_LIMIT)
        .min();
  }

  private static long number(String digits) {
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException beyondLong) {
      return Long.MAX_VALUE;
    }
  }

  private static List<String> lines(Path file) {
    try {
      return Files.readAllLines(file);
    } catch (IOException absent) {
      return List.of();
    }
  }
}
