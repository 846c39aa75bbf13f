package dev.lorax.launcher.faults;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.launcher.testing.Home;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;

/**
 * The containers of a pod beside that of the launcher, an agent in each. They outlive launchers, so
 * that a case may have the pod of another one; what the cases write is in a home that is made anew.
 */
final class Pod implements AutoCloseable {

  static final List<String> MEMBERS = List.of("shard-0", "shard-1", "router");

  private final Path directory;
  private final Mounts mounts;
  private final Map<String, Process> agents = new TreeMap<>();
  private int starts;

  private Pod(Path directory, Mounts mounts) {
    this.directory = directory;
    this.mounts = mounts;
  }

  /**
   * @param mounts in every container
   */
  static Pod start(Mounts mounts) throws IOException, InterruptedException {
    // A socket's path must be short, so not below target.
    var pod = new Pod(Files.createTempDirectory("pod"), mounts);
    pod.furnish();
    for (var member : MEMBERS) {
      pod.startAgent(member);
    }
    return pod;
  }

  /** Makes the home anew. */
  Home furnish() throws IOException {
    delete(directory.resolve("home"));
    return Home.in(directory.resolve("home"));
  }

  private static void delete(Path directory) throws IOException {
    if (Files.exists(directory)) {
      try (var files = Files.walk(directory)) {
        files.map(Path::toFile).sorted(Comparator.reverseOrder()).forEach(File::delete);
      }
    }
  }

  private void startAgent(String member) throws IOException, InterruptedException {
    boolean router = member.equals("router");
    int index = router ? 0 : Integer.parseInt(member.substring("shard-".length()));
    var program =
        new Home(directory.resolve("home"))
            .agent(mounts.wrapper(), router ? "router" : "shard", index);
    program.redirectOutput(ProcessBuilder.Redirect.appendTo(logFile().toFile()));
    agents.put(member, program.start());
    starts++;
  }

  private Path logFile() {
    return directory.resolve("log");
  }

  /** Of all agents, since the pod is there. */
  String log() throws IOException {
    return Files.readString(logFile());
  }

  long processId(String member) {
    return agent(member).pid();
  }

  Set<Long> processIds() {
    return agents.values().stream().map(Process::pid).collect(Collectors.toSet());
  }

  private Process agent(String member) {
    Process agent = agents.get(member);
    if (agent == null) {
      throw new IllegalStateException("there is no agent of " + member);
    }
    return agent;
  }

  /** As a kubelet does when the agent, which is its container's first process, has ended. */
  void restart(String member) throws IOException, InterruptedException {
    agent(member).waitFor();
    startAgent(member);
  }

  /** Until then a JVM knows no signals and would end with an exit code of its own. */
  void awaitStarted() {
    Scene.eventually().until(() -> log().split("agent started", -1).length > starts);
  }

  /** Whether it could be that of any other case. */
  boolean isUsual() {
    return mounts.isEmpty() && agents.values().stream().allMatch(Process::isAlive);
  }

  /** Ends the containers in order. */
  void stop() throws InterruptedException {
    awaitStarted();
    agents.values().forEach(Process::destroy);
    for (var agent : agents.values()) {
      assertThat(agent.waitFor(Scene.PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(agent.exitValue()).as("exit code of an agent").isZero();
    }
  }

  @Override
  public void close() throws IOException, InterruptedException {
    for (var agent : agents.values()) {
      agent.destroyForcibly().waitFor();
    }
    delete(directory);
  }
}
