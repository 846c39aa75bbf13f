package dev.lorax.launcher.machine;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;

/** What Linux says about itself in files below {@code root}, which is {@code /} but in tests. */
public final class KernelFiles {

  private final Path root;

  public KernelFiles(Path root) {
    this.root = root;
  }

  /** Content without the white space around it; empty where there is no such file. */
  Optional<String> text(String file) {
    try {
      return Optional.of(Files.readString(root.resolve(file)).strip());
    } catch (IOException e) {
      return Optional.empty();
    }
  }

  Optional<String> distribution() {
    return text("etc/os-release").stream()
        .flatMap(String::lines)
        .filter(line -> line.startsWith("PRETTY_NAME="))
        .map(line -> line.substring("PRETTY_NAME=".length()).replace("\"", ""))
        .findFirst();
  }

  /** Bytes of memory of the whole machine. */
  OptionalLong memory() {
    return text("proc/meminfo").stream()
        .flatMap(String::lines)
        .filter(line -> line.startsWith("MemTotal:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) << 10)
        .findFirst();
  }

  /** Bytes that this container may use, by cgroup version 2 or 1; empty is no limit. */
  OptionalLong memoryLimit() {
    return text("sys/fs/cgroup/memory.max")
        .or(() -> text("sys/fs/cgroup/memory/memory.limit_in_bytes"))
        .filter(limit -> limit.matches("\\d{1,18}"))
        .map(Long::parseLong)
        // Version 1 says "no limit" with the largest page-aligned number.
        .filter(bytes -> bytes < 1L << 60)
        .map(OptionalLong::of)
        .orElse(OptionalLong.empty());
  }

  /** Cores' worth of time that this container may use; empty is no limit. */
  Optional<String> cpuLimit() {
    return text("sys/fs/cgroup/cpu.max")
        .map(line -> line.split(" "))
        .filter(parts -> parts.length == 2 && !parts[0].equals("max"))
        .map(
            parts -> "%.1f".formatted(Double.parseDouble(parts[0]) / Double.parseDouble(parts[1])));
  }

  /** Number of NVIDIA devices whose files are here, whatever the visibility variables say. */
  public int nvidiaDevices() {
    try (var devices = Files.newDirectoryStream(root.resolve("dev"), "nvidia[0-9]*")) {
      int count = 0;
      for (var _ : devices) {
        count++;
      }
      return count;
    } catch (IOException e) {
      return 0;
    }
  }

  /** Bytes of {@code /dev/shm}, used or not; empty where it is not there. */
  public OptionalLong sharedMemory() {
    Path directory = root.resolve("dev/shm");
    try {
      return Files.isDirectory(directory)
          ? OptionalLong.of(Files.getFileStore(directory).getTotalSpace())
          : OptionalLong.empty();
    } catch (IOException e) {
      return OptionalLong.empty();
    }
  }
}
