package dev.lorax.launcher.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import dev.lorax.launcher.testing.Home;
import dev.lorax.launcher.testing.LauncherProcess;
import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.awaitility.core.ConditionFactory;
import org.jspecify.annotations.Nullable;

/** A launcher with two shards, in one place, with everything that a case does to it. */
final class Scene implements AutoCloseable {

  static final Duration PATIENCE = Duration.ofSeconds(180);
  private static final Duration POLL = Duration.ofMillis(50);
  private static final String AGENT_OF = "agent of ";

  private final @Nullable Pod pod;
  private final LauncherProcess processes;
  private final Path terminationLog;
  private final LauncherLine line;
  private final List<String> held = new ArrayList<>();
  private final List<Closeable> occupied = new ArrayList<>();
  private @Nullable RemoteModel remote;
  private @Nullable Process launcher;
  private boolean frozen;
  private boolean podIsDone;

  private Scene(Home home, @Nullable Pod pod, Mounts mounts) {
    this.pod = pod;
    this.processes = new LauncherProcess(home);
    this.terminationLog = home.directory().resolve("termination-log");
    this.line = new LauncherLine(processes, place(), terminationLog, mounts);
  }

  /**
   * @param mounts what all processes of the case see
   */
  static Scene laptop(Path home, Mounts mounts) throws IOException {
    return new Scene(Home.in(home), null, mounts);
  }

  static Scene pod(Pods pods, Mounts mounts) throws IOException, InterruptedException {
    Pod pod = pods.lease(mounts);
    return new Scene(pod.furnish(), pod, mounts);
  }

  Path terminationLogFile() {
    return terminationLog;
  }

  /** Listens where the launcher or a member of it wants to. */
  void occupy(int port) throws IOException {
    occupied.add(new ServerSocket(port));
  }

  /** Has the socket directory as another launcher has it. */
  void occupySockets() throws IOException {
    Files.createDirectories(processes.sockets());
    var lock =
        FileChannel.open(
            processes.sockets().resolve("launcher.lock"),
            StandardOpenOption.CREATE,
            StandardOpenOption.WRITE);
    occupied.add(lock);
    lock.lock();
  }

  LauncherProcess processes() {
    return processes;
  }

  private Place place() {
    return pod == null ? Place.LAPTOP : Place.POD;
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
  void release() {
    held.forEach(processes::forget);
    held.clear();
    if (remote != null) {
      remote.release();
    }
    thaw();
  }

  /** SIGSTOP, until {@link #thaw} or the end. */
  void freeze() {
    signal("STOP", "launcher");
    frozen = true;
  }

  void thaw() {
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
    start();
    while (!caughtConverting()) {
      launcher().destroyForcibly().waitFor();
      new Conversion(processes.cache()).forget();
      start();
    }
  }

  private boolean caughtConverting() throws IOException {
    var conversion = new Conversion(cacheAsSeen());
    eventually()
        .pollInterval(Duration.ofMillis(2))
        .until(() -> conversion.isWriting() || conversion.isDone());
    freeze();
    return !conversion.isDone();
  }

  void start() throws IOException, InterruptedException {
    launcher = line.start();
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

  /** To the process that has the role now. */
  void signal(String signal, String target) {
    LauncherProcess.signal(signal, processId(target));
    // It ends at once, stopped or not, and may be gone before anybody could let it go on.
    if (signal.equals("KILL") && target.equals("launcher")) {
      frozen = false;
    }
  }

  private long processId(String target) {
    if (target.equals("launcher")) {
      return launcher().pid();
    }
    return target.startsWith(AGENT_OF)
        ? pod().processId(memberOf(target))
        : processes.processIds(target).getLast();
  }

  private static String memberOf(String agent) {
    return agent.substring(AGENT_OF.length());
  }

  /** As a kubelet does when the agent, which is its container's first process, has ended. */
  void restartContainerOf(String target) throws IOException, InterruptedException {
    if (target.startsWith(AGENT_OF)) {
      pod().restart(memberOf(target));
    }
  }

  private Pod pod() {
    if (pod == null) {
      throw new IllegalStateException("there are no agents on a laptop");
    }
    return pod;
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
      eventually().until(new SharedMemoryLedgers(processes.home())::knowAll);
    }
  }

  /** The time of a stop counts from when the launcher has noticed that an agent is silent. */
  void letPass(Duration stop, String target) throws InterruptedException {
    if (target.startsWith(AGENT_OF)) {
      eventually().until(() -> !launcher().isAlive() || !isAttached(memberOf(target)));
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

  /** The agents of a pod stand by; on a laptop there are none. */
  void awaitAttached() {
    if (pod != null) {
      Pod.MEMBERS.forEach(member -> eventually().until(() -> isAttached(member)));
    }
  }

  /** Short timeouts of the launcher are not for the start of agents. */
  void awaitAgents() {
    if (pod != null) {
      pod.awaitStarted();
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

  private Leftovers leftovers() {
    return new Leftovers(processes.home(), pod == null ? Set.of() : pod.processIds());
  }

  /** Stops the launcher in order. */
  void stop() throws InterruptedException {
    signal("TERM", "launcher");
    awaitExit(0);
  }

  /** Lines with which the JVM of the launcher or of an agent reports a thread that failed. */
  List<String> ownTraces() throws IOException {
    return Stream.concat(processes.log().lines(), pod == null ? Stream.of() : pod.log().lines())
        .filter(line -> line.startsWith("Exception in thread \""))
        .toList();
  }

  /** What a launcher on a laptop leaves stays; agents tidy up by themselves. */
  void assertNothingLeft() {
    if (pod == null) {
      assertThat(leftovers().all()).as("what is left").isEmpty();
    } else {
      eventually().untilAsserted(() -> assertThat(leftovers().all()).as("what is left").isEmpty());
    }
  }

  /** The next case may have the pod. */
  void giveBack(Pods pods) {
    if (pod != null && pod.isUsual()) {
      pods.giveBack(pod);
      podIsDone = true;
    }
  }

  static ConditionFactory eventually() {
    return await().atMost(PATIENCE).pollInterval(POLL);
  }

  @Override
  public void close() throws IOException, InterruptedException {
    for (var place : occupied) {
      place.close();
    }
    processes.close();
    if (remote != null) {
      remote.close();
    }
    if (pod != null && !podIsDone) {
      pod.close();
    }
  }
}
