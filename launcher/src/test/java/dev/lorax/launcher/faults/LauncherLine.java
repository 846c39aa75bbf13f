package dev.lorax.launcher.faults;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.lorax.launcher.testing.LauncherProcess;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** How the launcher of a scene is started: what every one gets, and what its fault asks for. */
final class LauncherLine {

  private final LauncherProcess processes;
  private final List<String> options = new ArrayList<>();
  private final Map<String, String> variables = new TreeMap<>();
  private final List<String> mounts = new ArrayList<>();
  private String model;

  LauncherLine(LauncherProcess processes, Place place, Path terminationLog) {
    this.processes = processes;
    this.model = processes.model().toString();
    options.addAll(List.of("--num-shard", "2", "--max-restarts", "1", "--drain-timeout", "15s"));
    option("--heartbeat-timeout", Scene.HEARTBEAT_TIMEOUT.toSeconds() + "s");
    option("--termination-log", terminationLog);
    if (place == Place.POD) {
      option("--process-host", "pod");
      option("--agent-dir", processes.installedAgent());
    }
  }

  void option(String name, Object value) {
    options.addAll(List.of(name, value.toString()));
  }

  void variable(String name, String value) {
    variables.put(name, value);
  }

  /** A hub id, or a path. */
  void model(String id) {
    model = id;
  }

  /**
   * A shell command that mounts what the launcher alone shall see: in a name space that ends with
   * it, which root may do everywhere and others nearly so.
   */
  void mount(String command) throws IOException, InterruptedException {
    assumeTrue(
        new ProcessBuilder("unshare", "-rm", "true").start().waitFor() == 0,
        "this user may not mount anything");
    mounts.add(command);
  }

  Process start() {
    return processes.serveUnder(wrapper(), model, variables, options.toArray(String[]::new));
  }

  /** Ends when the model is there. */
  Process download() {
    return processes.run(
        List.of(
            "--model-id",
            model,
            "--download-only",
            "--huggingface-hub-cache",
            processes.cache().toString()),
        variables);
  }

  private List<String> wrapper() {
    return mounts.isEmpty()
        ? List.of()
        : List.of(
            "unshare", "-rm", "sh", "-c", String.join(" && ", mounts) + " && exec \"$@\"", "sh");
  }
}
