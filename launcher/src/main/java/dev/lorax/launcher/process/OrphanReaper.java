package dev.lorax.launcher.process;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.time.Duration;
import java.util.concurrent.ExecutionException;

/**
 * Collects the exit status of processes that lost their parent and became ours, as init does.
 *
 * <p>Java waits for its own children only. In a container the agent is process 1, and without this
 * every grandchild that outlives its parent would stay a zombie. Our own children are looked at but
 * left alone: their status belongs to Java. Linux only; elsewhere an agent has no business.
 */
public final class OrphanReaper implements AutoCloseable {

  private static final int PR_SET_CHILD_SUBREAPER = 36;
  private static final int P_ALL = 0;
  private static final int WNOHANG = 1;
  private static final int WEXITED = 4;
  private static final int WNOWAIT = 0x01000000;

  /** siginfo_t is 128 bytes; on 64-bit Linux si_pid follows three ints and a padding. */
  private static final int SIGINFO_BYTES = 128;

  private static final int SI_PID = 16;

  private static final Duration PERIOD = Duration.ofSeconds(1);

  private static final MethodHandle PRCTL =
      function(
          "prctl",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG),
          Linker.Option.firstVariadicArg(1));

  private static final MethodHandle WAITID =
      function(
          "waitid",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_INT));

  private static final MethodHandle WAITPID =
      function(
          "waitpid",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.ADDRESS,
              ValueLayout.JAVA_INT));

  private final Thread thread;

  private OrphanReaper(Thread thread) {
    this.thread = thread;
  }

  /** Also makes this process the parent of all orphans below it, should it not be process 1. */
  public static OrphanReaper start(LocalProcessHost host) {
    setSubreaper(true);
    return new OrphanReaper(
        Thread.ofPlatform().daemon().name("orphan-reaper").start(() -> reap(host)));
  }

  private static void reap(LocalProcessHost host) {
    try (var arena = Arena.ofConfined()) {
      MemorySegment info = arena.allocate(SIGINFO_BYTES, Long.BYTES);
      while (true) {
        int ended = firstEnded(info);
        if (ended > 0) {
          host.ifStranger(ended, OrphanReaper::collect);
        }
        Thread.sleep(PERIOD);
      }
    } catch (InterruptedException closed) {
      Thread.currentThread().interrupt();
    } catch (ExecutionException e) {
      throw new IllegalStateException("collecting orphans", e.getCause());
    }
  }

  /** Process id of some child that has ended and was not collected yet; 0 when there is none. */
  private static int firstEnded(MemorySegment info) {
    info.fill((byte) 0);
    try {
      int result = (int) WAITID.invokeExact(P_ALL, 0, info, WEXITED | WNOWAIT | WNOHANG);
      return result == 0 ? info.get(ValueLayout.JAVA_INT, SI_PID) : 0;
    } catch (Throwable e) {
      throw new AssertionError("waitid(2) cannot throw", e);
    }
  }

  private static boolean collect(long processId) {
    try {
      return (int) WAITPID.invokeExact((int) processId, MemorySegment.NULL, WNOHANG) > 0;
    } catch (Throwable e) {
      throw new AssertionError("waitpid(2) cannot throw", e);
    }
  }

  private static void setSubreaper(boolean on) {
    try {
      int _ = (int) PRCTL.invokeExact(PR_SET_CHILD_SUBREAPER, on ? 1L : 0L, 0L, 0L, 0L);
    } catch (Throwable e) {
      throw new AssertionError("prctl(2) cannot throw", e);
    }
  }

  private static MethodHandle function(
      String name, FunctionDescriptor descriptor, Linker.Option... options) {
    Linker linker = Linker.nativeLinker();
    return linker.downcallHandle(linker.defaultLookup().findOrThrow(name), descriptor, options);
  }

  @Override
  public void close() {
    setSubreaper(false);
    thread.interrupt();
  }
}
