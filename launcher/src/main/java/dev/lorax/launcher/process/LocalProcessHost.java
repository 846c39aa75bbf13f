package dev.lorax.launcher.process;

import dev.lorax.launcher.failure.FailureCode;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Consumer;
import java.util.function.LongPredicate;

/**
 * Child processes of this JVM. Thread-safe.
 *
 * <p>All children are started by one platform thread that lives as long as the JVM: the parent
 * death signal fires when the starting <em>thread</em> ends, and carriers of virtual threads do.
 */
public final class LocalProcessHost implements ProcessHost {

  private final ChildGuard guard;
  private final LocalMember.Place place;
  private final Set<Long> children = ConcurrentHashMap.newKeySet();
  private final Set<MemberName> started = ConcurrentHashMap.newKeySet();
  private final ExecutorService starter =
      Executors.newSingleThreadExecutor(
          Thread.ofPlatform().name("process-starter").daemon().factory());

  private LocalProcessHost(ChildGuard guard, SharedMemory sharedMemory) {
    this.guard = guard;
    this.place =
        new LocalMember.Place(guard.ownGroup(), MemoryControl.ofThisProcess(), sharedMemory);
  }

  /**
   * Also removes the shared memory that members of an earlier host left.
   *
   * @param ledger file that remembers which that is; the same for a host and its successor
   */
  public static LocalProcessHost open(Path ledger) throws InterruptedException {
    return new LocalProcessHost(
        ChildGuard.detect(), SharedMemory.watch(Path.of("/dev/shm"), ledger));
  }

  /** Whether even kill -9 of this JVM ends the children. */
  public boolean childrenEndWithParent() {
    return guard.endsWithParent();
  }

  @Override
  public LocalMember start(MemberCommand command, Consumer<OutputLine> output)
      throws MemberStartException, InterruptedException {
    var builder = new ProcessBuilder();
    Map<String, String> environment = builder.environment();
    environment.putAll(command.environment());
    builder.command(
        guard.wrap(
            ProcessHandle.current().pid(),
            resolved(command, environment.getOrDefault("PATH", ""))));
    Process process = startOnStarter(command, builder);
    var member = LocalMember.watch(command, process, place, output);
    started.add(command.member());
    var _ = member.exited().thenRun(() -> children.remove(process.pid()));
    return member;
  }

  private static List<String> resolved(MemberCommand command, String searchPath)
      throws MemberStartException {
    List<String> arguments = new ArrayList<>(command.arguments());
    arguments.set(0, ExecutableLookup.resolve(arguments.getFirst(), searchPath).toString());
    return arguments;
  }

  private Process startOnStarter(MemberCommand command, ProcessBuilder builder)
      throws MemberStartException, InterruptedException {
    Callable<Process> start =
        () -> {
          Process process = builder.start();
          children.add(process.pid());
          return process;
        };
    try {
      return starter.submit(start).get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof IOException cause) {
        throw new MemberStartException(
            FailureCode.of(cause),
            "%s cannot start: %s".formatted(command.member(), cause.getMessage()));
      }
      throw new IllegalStateException("cannot start " + command.member(), e.getCause());
    }
  }

  /**
   * Runs the action when the process is no child of ours. Starts wait meanwhile, so that a child
   * that died at once cannot be taken for a stranger.
   */
  void ifStranger(long processId, LongPredicate action)
      throws InterruptedException, ExecutionException {
    starter.submit(() -> !children.contains(processId) && action.test(processId)).get();
  }

  /** Children end with their launcher, so there is never anything to adopt. */
  @Override
  public Optional<Member> adopt(MemberName member, Consumer<OutputLine> output) {
    return Optional.empty();
  }

  /** Always there. */
  @Override
  public void awaitPlace(MemberName member) {}

  @Override
  public boolean isAttached(MemberName member) {
    return started.contains(member);
  }

  @Override
  public void close() {
    starter.shutdown();
    place.sharedMemory().close();
  }
}
