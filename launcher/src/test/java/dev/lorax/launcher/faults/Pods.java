package dev.lorax.launcher.faults;

import java.io.IOException;
import java.util.ArrayDeque;
import java.util.Queue;

/** Pods that no case has at the moment. Thread-safe. */
final class Pods {

  private final Queue<Pod> idle = new ArrayDeque<>();

  /** One that nobody else has; with mounts it is a new one. */
  Pod lease(Mounts mounts) throws IOException, InterruptedException {
    Pod pod;
    synchronized (this) {
      pod = mounts.isEmpty() ? idle.poll() : null;
    }
    return pod == null ? Pod.start(mounts) : pod;
  }

  synchronized void giveBack(Pod pod) {
    idle.add(pod);
  }

  /** Ends all in order. */
  synchronized void stop() throws IOException, InterruptedException {
    for (var pod : idle) {
      try (pod) {
        pod.stop();
      }
    }
    idle.clear();
  }
}
