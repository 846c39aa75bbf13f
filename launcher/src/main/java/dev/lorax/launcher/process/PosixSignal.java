package dev.lorax.launcher.process;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/**
 * Signals by kill(2), because {@link Process} reaches neither a process group nor its survivors.
 */
public enum PosixSignal {
  SIGKILL(9),
  SIGTERM(15);

  private static final MethodHandle KILL =
      Linker.nativeLinker()
          .downcallHandle(
              Linker.nativeLinker().defaultLookup().findOrThrow("kill"),
              FunctionDescriptor.of(
                  ValueLayout.JAVA_INT, ValueLayout.JAVA_INT, ValueLayout.JAVA_INT));

  private final int number;

  PosixSignal(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }

  /** Nothing happens when the process is gone. */
  public void sendToProcess(long processId) {
    send(Math.toIntExact(processId), number);
  }

  /** Nothing happens when the group is empty. */
  public void sendToGroup(long groupId) {
    send(Math.negateExact(Math.toIntExact(groupId)), number);
  }

  /** Any signal by its number, as another program asked for it. */
  public static void send(int target, int number) {
    try {
      int _ = (int) KILL.invokeExact(target, number);
    } catch (Throwable e) {
      throw new AssertionError("kill(2) cannot throw", e);
    }
  }
}
