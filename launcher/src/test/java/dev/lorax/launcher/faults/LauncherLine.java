package dev.lorax.launcher.faults;

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
  private Mounts mounts;
  private String model;

  LauncherLine(LauncherProcess processes, Place place, Path terminationLog, Mounts mounts) {
    this.processes = processes;
    this.mounts = mounts;
    this.model = processes.model().toString();
    options.addAll(List.of("--num-shard", "2", "--max-restarts", "1"));
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

  /** The launcher alone shall see it, and not what the whole case does. */
  void mount(Mounts ofLauncher) {
    mounts = ofLauncher;
  }

  Process start() throws IOException, InterruptedException {
    return processes.serveUnder(mounts.wrapper(), model, variables, options.toArray(String[]::new));
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
}
