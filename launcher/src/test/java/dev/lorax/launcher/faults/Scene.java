package dev.lorax.launcher.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.launcher.testing.LauncherProcess;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;

/** A launcher with two shards, in one place, with everything that a case does to it. */
final class Scene implements AutoCloseable {

  static final Duration HEARTBEAT_TIMEOUT = Duration.ofSeconds(4);
  private static final Duration PATIENCE = Duration.ofSeconds(60);
  private static final String AGENT_OF = "agent of ";

  private final LauncherProcess processes;
  private final Place place;
  private final Path terminationLog;
  private final List<String> options = new ArrayList<>();
  private final List<String> held = new ArrayList<>();
  private final List<ServerSocket> occupied = new ArrayList<>();
  private final Map<String, Process> agents = new TreeMap<>();
  private int agentStarts;
  private @Nullable Process launcher;

  Scene(Path home, Place place) throws IOException {
    this.processes = new LauncherProcess(home);
    this.place = place;
    this.terminationLog = home.resolve("termination-log");
  }

  Path terminationLogFile() {
    return terminationLog;
  }

  /** Listens where the launcher or a member of it wants to. */
  void occupy(int port) throws IOException {
    occupied.add(new ServerSocket(port));
  }

  LauncherProcess processes() {
    return processes;
  }

  /** Given to the launcher in addition to what every launcher of the table gets. */
  void option(String name, Object value) {
    options.addAll(List.of(name, value.toString()));
  }

  void hold(String behaviour) {
    processes.ask(behaviour);
    held.add(behaviour);
  }

  /** Members that were told to wait go on. */
  void release() {
    held.forEach(processes::forget);
    held.clear();
  }

  /** The containers of a pod start when that of the launcher is ready. */
  void start() {
    startLauncher();
    if (place == Place.POD) {
      Path control = processes.sockets().resolve("control.sock");
      eventually().until(() -> Files.exists(control) || !launcher().isAlive());
      if (launcher().isAlive()) {
        Stream.of("shard-0", "shard-1", "router").forEach(this::startAgent);
      }
    }
  }

  void startLauncher() {
    List<String> line = new ArrayList<>(List.of("--num-shard", "2"));
    line.addAll(List.of("--max-restarts", "1"));
    line.addAll(List.of("--heartbeat-timeout", HEARTBEAT_TIMEOUT.toSeconds() + "s"));
    line.addAll(List.of("--drain-timeout", "15s"));
    line.addAll(List.of("--termination-log", terminationLog.toString()));
    if (place == Place.POD) {
      line.addAll(List.of("--process-host", "pod"));
      line.addAll(List.of("--agent-dir", processes.installedAgent().toString()));
    }
    line.addAll(options);
    launcher = processes.start(line.toArray(String[]::new));
  }

  private void startAgent(String member) {
    boolean router = member.equals("router");
    int index = router ? 0 : Integer.parseInt(member.substring("shard-".length()));
    agentStarts++;
    agents.put(member, processes.startAgent(router ? "router" : "shard", index));
  }

  /** Sends it by the system's own program, to the process that has the role now. */
  void signal(String signal, String target) throws IOException, InterruptedException {
    String processId = Long.toString(processId(target));
    assertThat(new ProcessBuilder("kill", "-" + signal, processId).start().waitFor()).isZero();
  }

  private long processId(String target) {
    if (target.equals("launcher")) {
      return launcher().pid();
    }
    if (target.startsWith(AGENT_OF)) {
      return agent(target).pid();
    }
    return processes.processIds(target).getLast();
  }

  /** As a kubelet does when the agent, which is its container's first process, has ended. */
  void restartContainerOf(String target) throws InterruptedException {
    if (target.startsWith(AGENT_OF)) {
      agent(target).waitFor();
      startAgent(target.substring(AGENT_OF.length()));
    }
  }

  private Process agent(String target) {
    Process agent = agents.get(target.substring(AGENT_OF.length()));
    if (agent == null) {
      throw new IllegalStateException("there is no " + target + " here");
    }
    return agent;
  }

  private Process launcher() {
    if (launcher == null) {
      throw new IllegalStateException("no launcher was started");
    }
    return launcher;
  }

  void awaitPhase(String phase) {
    eventually().until(() -> processes.status().path("phase").asText().equals(phase));
  }

  void awaitServingInEpoch(int epoch) {
    eventually()
        .until(() -> {
          var status = processes.status();
          return status.path("epoch").asInt() == epoch
              && status.path("phase").asText().equals("Serving");
        });
  }

  void awaitStarted(String member) {
    awaitStarts(member, 1);
  }

  void awaitStarts(String member, int count) {
    eventually().until(() -> processes.started(member).size() == count);
  }

  void awaitDiary(String line) {
    eventually().until(() -> processes.diary().contains(line));
  }

  void awaitLog(String words) {
    eventually().until(() -> processes.log().contains(words));
  }

  void awaitNoProcess() {
    eventually().until(() -> leftovers().processes().isEmpty());
  }

  void awaitExit(int code) throws InterruptedException {
    assertThat(launcher().waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).as("it ends").isTrue();
    assertThat(launcher().exitValue()).as("exit code").isEqualTo(code);
  }

  List<Integer> starts(String... members) {
    return Stream.of(members).map(member -> processes.started(member).size()).toList();
  }

  String terminationLog() {
    try {
      return Files.isRegularFile(terminationLog) ? Files.readString(terminationLog) : "";
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  Leftovers leftovers() {
    return new Leftovers(
        processes.sockets(), processes.cache(), "SCRIPT_DIRECTORY=" + processes.scriptDirectory());
  }

  /** Stops the launcher in order. */
  void stop() throws IOException, InterruptedException {
    signal("TERM", "launcher");
    awaitExit(0);
  }

  /** Stops the agents in order, as the end of their containers does. */
  void stopAgents() throws InterruptedException {
    // Before that a JVM knows no signals and would end with an exit code of its own.
    eventually().until(() -> processes.log().split("agent started", -1).length > agentStarts);
    agents.values().forEach(Process::destroy);
    for (var agent : agents.values()) {
      assertThat(agent.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      assertThat(agent.exitValue()).as("exit code of an agent").isZero();
    }
  }

  private static ConditionFactory eventually() {
    return await().atMost(PATIENCE).pollInterval(Duration.ofMillis(50));
  }

  @Override
  public void close() throws IOException, InterruptedException {
    for (var socket : occupied) {
      socket.close();
    }
    processes.close();
  }
}
