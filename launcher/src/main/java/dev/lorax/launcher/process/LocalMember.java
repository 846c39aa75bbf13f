package dev.lorax.launcher.process;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;

/** A child process of this JVM. Thread-safe. */
public final class LocalMember implements Member {

  /** How long a dead member's pipes may stay open: something it started may still hold them. */
  private static final Duration LAST_OUTPUT = Duration.ofSeconds(1);

  private final MemberCommand command;
  private final Process process;
  private final Place place;
  private final OptionalLong memoryKillsBefore;
  private final CompletableFuture<Exit> exited = new CompletableFuture<>();
  private volatile boolean killedByUs;

  /** What its host knows of the place where it runs. */
  record Place(boolean ownGroups, MemoryControl memory, SharedMemory sharedMemory) {}

  private LocalMember(MemberCommand command, Process process, Place place) {
    this.command = command;
    this.process = process;
    this.place = place;
    this.memoryKillsBefore = place.memory().kills();
  }

  static LocalMember watch(
      MemberCommand command, Process process, Place place, Consumer<OutputLine> output) {
    var member = new LocalMember(command, process, place);
    place.sharedMemory().started(process.pid());
    Thread stdout = member.pump(process.getInputStream(), OutputLine.Stream.STDOUT, output);
    Thread stderr = member.pump(process.getErrorStream(), OutputLine.Stream.STDERR, output);
    Thread.ofVirtual()
        .name(command.member() + "-exit")
        .start(() -> member.awaitExit(stdout, stderr));
    return member;
  }

  /**
   * Platform threads: a read of a pipe holds on to the carrier of a virtual one, and on two cores
   * two quiet processes would leave no carrier for anything else.
   */
  private Thread pump(InputStream stream, OutputLine.Stream which, Consumer<OutputLine> output) {
    return Thread.ofPlatform()
        .daemon()
        .name(name() + "-" + which)
        .start(() -> {
          try (var lines =
              new BufferedReader(new InputStreamReader(stream, StandardCharsets.UTF_8))) {
            for (var line = lines.readLine(); line != null; line = lines.readLine()) {
              output.accept(new OutputLine(which, line));
            }
          } catch (IOException closed) {
            // The pipe ends with its process; the exit is what gets reported.
          }
        });
  }

  private void awaitExit(Thread stdout, Thread stderr) {
    try {
      int code = process.waitFor();
      stdout.join(LAST_OUTPUT);
      stderr.join(LAST_OUTPUT);
      killGroup();
      place.sharedMemory().ended(process.pid());
      exited.complete(exit(code));
    } catch (InterruptedException e) {
      throw new AssertionError("nobody interrupts a thread that nobody else knows", e);
    }
  }

  /** A SIGKILL that we did not send is most likely the kernel's, and the kernel counts those. */
  private Exit exit(int code) {
    if (code != Exit.OutOfMemory.EXIT_CODE || killedByUs) {
      return new Exit.Code(code);
    }
    OptionalLong kills = place.memory().kills();
    if (kills.isEmpty() || memoryKillsBefore.isEmpty()) {
      return new Exit.OutOfMemory(false, place.memory().limitBytes());
    }
    return kills.getAsLong() > memoryKillsBefore.getAsLong()
        ? new Exit.OutOfMemory(true, place.memory().limitBytes())
        : new Exit.Code(code);
  }

  @Override
  public MemberName name() {
    return command.member();
  }

  @Override
  public long epoch() {
    return command.epoch();
  }

  @Override
  public long processId() {
    return process.pid();
  }

  public MemberCommand command() {
    return command;
  }

  @Override
  public CompletableFuture<Exit> exited() {
    return exited.copy();
  }

  /** Children of ours do not move. */
  @Override
  public CompletableFuture<Void> leaving() {
    return new CompletableFuture<>();
  }

  /** A child of ours is always in sight. */
  @Override
  public void vouchedBy(BooleanSupplier signOfLife) {}

  /** Any signal by its number. */
  public void signal(int number) {
    if (number == PosixSignal.SIGKILL.number()) {
      kill();
    } else if (process.isAlive()) {
      PosixSignal.send(Math.toIntExact(process.pid()), number);
    }
  }

  @Override
  public void stop(Duration grace) {
    signal(PosixSignal.SIGTERM.number());
    var unused =
        exited
            .copy()
            .orTimeout(grace.toMillis(), TimeUnit.MILLISECONDS)
            .exceptionally(late -> {
              kill();
              return new Exit.Lost("still running after its grace period");
            });
  }

  @Override
  public void kill() {
    killedByUs = true;
    place.sharedMemory().look();
    process.destroyForcibly();
    killGroup();
  }

  private void killGroup() {
    if (place.ownGroups()) {
      PosixSignal.SIGKILL.sendToGroup(process.pid());
    }
  }
}
