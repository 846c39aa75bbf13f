package dev.lorax.launcher.process;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Prefix of a command that ties the child's life to ours and gives it a process group of its own.
 *
 * <p>{@code setpriv --pdeathsig KILL} makes the kernel end the child with the thread that started
 * it, which holds even after kill -9 of the launcher; a wrapper script must therefore {@code exec}
 * what it wraps. {@code setsid} keeps a terminal's Ctrl-C for the launcher alone, which then stops
 * its members in order. Where util-linux is missing (macOS, BusyBox) children start bare: the
 * ordered stop still works, kill -9 of the launcher leaves them behind.
 */
record ChildGuard(List<String> prefix, boolean ownGroup) {

  private static final List<String> PARENT_DEATH = List.of("setpriv", "--pdeathsig", "KILL");

  /** For a parent that died between the start of the child and its request for the signal. */
  private static final String UNLESS_ORPHANED =
      "[ \"$PPID\" = \"$1\" ] || exit 1; shift; exec \"$@\"";

  private static final List<String> OWN_SESSION = List.of("setsid");

  ChildGuard {
    prefix = List.copyOf(prefix);
  }

  static ChildGuard detect() throws InterruptedException {
    List<String> prefix = new ArrayList<>();
    if (runs(PARENT_DEATH)) {
      prefix.addAll(PARENT_DEATH);
    }
    boolean ownGroup = runs(OWN_SESSION);
    if (ownGroup) {
      prefix.addAll(OWN_SESSION);
    }
    return new ChildGuard(prefix, ownGroup);
  }

  boolean endsWithParent() {
    return prefix.containsAll(PARENT_DEATH);
  }

  /** Parent is who starts the child; a child that has another already ends without running. */
  List<String> wrap(long parent, List<String> command) {
    List<String> wrapped = new ArrayList<>(prefix);
    if (endsWithParent()) {
      wrapped.addAll(List.of("sh", "-c", UNLESS_ORPHANED, "sh", Long.toString(parent)));
    }
    wrapped.addAll(command);
    return wrapped;
  }

  /** Asked by running it: BusyBox has a setpriv that knows no parent death signal. */
  private static boolean runs(List<String> prefix) throws InterruptedException {
    List<String> command = new ArrayList<>(prefix);
    command.add("true");
    try {
      var trial =
          new ProcessBuilder(command)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      return trial.waitFor(5, TimeUnit.SECONDS) && trial.exitValue() == 0;
    } catch (IOException absent) {
      return false;
    }
  }
}
