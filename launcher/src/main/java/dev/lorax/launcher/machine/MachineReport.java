package dev.lorax.launcher.machine;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Versions, devices and limits as plain text for a bug report. Tells no secrets. */
public final class MachineReport {

  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private static final Set<String> TOKENS =
      Set.of("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_API_TOKEN", "AWS_SECRET_ACCESS_KEY");

  private static final Set<String> DEVICE_VARIABLES =
      Set.of("CUDA_VISIBLE_DEVICES", "NVIDIA_VISIBLE_DEVICES", "OMP_NUM_THREADS");

  private final Map<String, String> variables;
  private final KernelFiles kernel;

  public MachineReport(Map<String, String> variables, KernelFiles kernel) {
    this.variables = Map.copyOf(variables);
    this.kernel = kernel;
  }

  /** Takes up to 20 s, because it asks lorax-server and nvidia-smi. */
  public String text(String version, Path cache) throws InterruptedException {
    String path = variables.getOrDefault("PATH", "");
    Map<String, String> lines = new LinkedHashMap<>();
    lines.put("launcher", version);
    addPrograms(lines, path);
    addMachine(lines);
    lines.put("/dev/shm", size(kernel.sharedMemory(), "absent"));
    lines.put("cache", cache + ", " + freeSpace(cache));
    lines.put("variables", variables());
    lines.put("tokens", tokens());
    lines.put("nvidia devices", Integer.toString(kernel.nvidiaDevices()));
    var text =
        lines.entrySet().stream()
            .map(line -> "%-15s %s\n".formatted(line.getKey() + ":", line.getValue()))
            .collect(Collectors.joining());
    return text + new Program("nvidia-smi", path).answer(PATIENCE) + "\n";
  }

  private void addPrograms(Map<String, String> lines, String path) throws InterruptedException {
    for (var name : new String[] {"lorax-server", "lorax-router"}) {
      var program = new Program(name, path);
      String where = program.file().map(file -> " (%s)".formatted(file)).orElse("");
      lines.put(name, program.answer(PATIENCE, "--version").lines().findFirst().orElse("") + where);
    }
    var runtime = ManagementFactory.getRuntimeMXBean();
    lines.put("jvm", "%s %s".formatted(runtime.getVmName(), Runtime.version()));
  }

  private void addMachine(Map<String, String> lines) {
    lines.put("os", kernel.distribution().orElse("unknown"));
    lines.put(
        "kernel",
        "%s %s"
            .formatted(
                kernel.text("proc/sys/kernel/osrelease").orElse("unknown"),
                ManagementFactory.getOperatingSystemMXBean().getArch()));
    lines.put(
        "cpus",
        "%d, limit %s"
            .formatted(
                Runtime.getRuntime().availableProcessors(), kernel.cpuLimit().orElse("none")));
    lines.put(
        "memory",
        "%s, limit %s"
            .formatted(size(kernel.memory(), "unknown"), size(kernel.memoryLimit(), "none")));
  }

  private static String size(OptionalLong bytes, String otherwise) {
    return bytes.isPresent() ? size(bytes.getAsLong()) : otherwise;
  }

  private static String size(long bytes) {
    return bytes >= 1L << 30
        ? "%.1f GiB".formatted(bytes / (double) (1L << 30))
        : "%d MiB".formatted(bytes >> 20);
  }

  /** Of the nearest directory that exists, because the cache itself is made on first use. */
  private static String freeSpace(Path cache) {
    Path present = cache.toAbsolutePath();
    while (!Files.exists(present) && present.getParent() != null) {
      present = present.getParent();
    }
    try {
      return size(Files.getFileStore(present).getUsableSpace()) + " free";
    } catch (IOException e) {
      return "free space unknown: " + e.getMessage();
    }
  }

  private String variables() {
    String found =
        new TreeMap<>(variables)
            .entrySet().stream()
                .filter(one ->
                    DEVICE_VARIABLES.contains(one.getKey()) || one.getKey().startsWith("NCCL_"))
                .map(one -> one.getKey() + "=" + one.getValue())
                .collect(Collectors.joining(" "));
    return found.isEmpty() ? "none about devices" : found;
  }

  private String tokens() {
    String found =
        TOKENS.stream()
            .filter(name -> !variables.getOrDefault(name, "").isEmpty())
            .sorted()
            .collect(Collectors.joining(", "));
    return found.isEmpty() ? "none set" : found + " set";
  }
}
