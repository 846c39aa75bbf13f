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
  private static final Duration PATIENCE = Duration.ofSeconds(180);
  private static final String AGENT_OF = "agent of ";
  private static final List<String> MEMBERS = List.of("shard-0", "shard-1", "router");

  private final LauncherProcess processes;
  private final Place place;
  private final Path terminationLog;
  private final LauncherLine line;
  private final List<String> held = new ArrayList<>();
  private final List<ServerSocket> occupied = new ArrayList<>();
  private final Map<String, Process> agents = new TreeMap<>();
  private int agentStarts;
  private @Nullable RemoteModel remote;
  private @Nullable Process launcher;
  private boolean frozen;

  Scene(Path home, Place place) throws IOException {
    this.processes = new LauncherProcess(home);
    this.place = place;
    this.terminationLog = home.resolve("termination-log");
    this.line = new LauncherLine(processes, place, terminationLog);
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

  Place place() {
    return place;
  }

  LauncherLine line() {
    return line;
  }

  /** The launcher is to fetch its model from a hub. */
  RemoteModel remote() throws IOException {
    if (remote == null) {
      remote = RemoteModel.of(line);
    }
    return remote;
  }

  void hold(String behaviour) {
    processes.ask(behaviour);
    held.add(behaviour);
  }

  /** Whatever was told to wait goes on. */
  void release() throws IOException, InterruptedException {
    held.forEach(processes::forget);
    held.clear();
    if (remote != null) {
      remote.release();
    }
    thaw();
  }

  /** SIGSTOP, until {@link #thaw} or the end. */
  void freeze() throws IOException, InterruptedException {
    signal("STOP", "launcher");
    frozen = true;
  }

  void thaw() throws IOException, InterruptedException {
    if (frozen && launcher().isAlive()) {
      signal("CONT", "launcher");
    }
    frozen = false;
  }

  /**
   * Starts the launcher and stops it (SIGSTOP) in the middle of a conversion; should the conversion
   * have ended before, that was no start.
   */
  void freezeConversion() throws IOException, InterruptedException {
    startLauncher();
    while (!caughtConverting()) {
      launcher().destroyForcibly().waitFor();
      new Conversion(processes.cache()).forget();
      startLauncher();
    }
  }

  private boolean caughtConverting() throws IOException, InterruptedException {
    var conversion = new Conversion(cacheAsSeen());
    eventually()
        .pollInterval(Duration.ofMillis(2))
        .until(() -> conversion.isWriting() || conversion.isDone());
    freeze();
    return !conversion.isDone();
  }

  /** The containers of a pod start when that of the launcher is ready. */
  void start() {
    startLauncher();
    startContainers();
  }

  void startLauncher() {
    launcher = line.start();
  }

  void startContainers() {
    if (place == Place.POD) {
      Path control = processes.sockets().resolve("control.sock");
      eventually().until(() -> Files.exists(control) || !launcher().isAlive());
      if (launcher().isAlive()) {
        MEMBERS.forEach(this::startAgent);
      }
    }
  }

  /** The same, though only when the launcher needs them: agents have no part in a download. */
  void startContainersForModel() {
    if (place == Place.POD) {
      eventually()
          .until(() -> {
            String phase = phase();
            return !(phase.isEmpty() || phase.equals("Downloading")) || !launcher().isAlive();
          });
      startContainers();
    }
  }

  /** An earlier launcher has downloaded the model. */
  void fillCache() throws IOException, InterruptedException {
    remote();
    launcher = line.download();
    awaitExit(0);
  }

  /** Writes where the launcher alone sees a volume, until that is full. */
  void fillDisk() throws IOException {
    Path cache = cacheAsSeen();
    try (var other = Files.newOutputStream(cache.resolve("others"))) {
      while (true) {
        other.write(new byte[1 << 10]);
      }
    } catch (IOException full) {
      assertThat(full).hasMessageContaining("No space left");
    }
  }

  private Path cacheAsSeen() {
    return Path.of("/proc/%d/root%s".formatted(launcher().pid(), processes.cache()));
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

  private String phase() {
    return processes.status().path("phase").asText();
  }

  void awaitPhase(String phase) {
    eventually().until(() -> phase().equals(phase));
  }

  void awaitDownload() throws IOException {
    eventually().until(remote()::isDownloading);
  }

  /**
   * What is about to be killed together with its members must have written down which shared memory
   * is theirs, as it does every second.
   */
  void awaitRemembered(String signal, String target) {
    boolean owner = target.startsWith(AGENT_OF + "shard") || target.equals("launcher");
    if (signal.equals("KILL") && owner) {
      eventually().until(() -> ledgers().containsAll(segmentNames()));
    }
  }

  private List<String> segmentNames() {
    return processes.sharedMemory().stream()
        .map(segment -> segment.getFileName().toString())
        .toList();
  }

  /** Names of segments in what launcher and agents keep for their successors. */
  private List<String> ledgers() throws IOException {
    List<String> names = new ArrayList<>();
    try (var files = Files.newDirectoryStream(processes.sockets(), "*shared-memory")) {
      for (var file : files) {
        Files.readAllLines(file)
            .forEach(entry -> names.add(entry.substring(entry.indexOf(' ') + 1)));
      }
    }
    return names;
  }

  /** The time of a stop counts from when the launcher has noticed that an agent is silent. */
  void letPass(Duration stop, String target) throws InterruptedException {
    if (target.startsWith(AGENT_OF)) {
      String member = target.substring(AGENT_OF.length());
      eventually().until(() -> !launcher().isAlive() || !isAttached(member));
    }
    Thread.sleep(stop);
  }

  private boolean isAttached(String member) {
    try {
      return processes.get("/attached/" + member).statusCode() == 200;
    } catch (IOException ended) {
      return false;
    }
  }

  /** The agents of a pod stand by. */
  void awaitAttached() {
    for (var member : agents.keySet()) {
      eventually().until(() -> isAttached(member));
    }
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

  /** Of the failure that /status shows last; empty when there is none. */
  String lastFailure() {
    return processes.status().at("/last_failure/reason").asText();
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
        processes.sockets(),
        processes.cache(),
        processes.sharedMemory(),
        processes.scriptDirectory());
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
    if (remote != null) {
      remote.close();
    }
  }
}
