package dev.lorax.operator.server.status;

import java.util.Comparator;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Whether a server is as asked for and, if not, what it waits for.
 *
 * @param progress null unless it waits for a model
 */
record Verdict(
    boolean ready,
    boolean progressing,
    String reason,
    String message,
    @Nullable ModelProgress progress) {

  /** Urgency of replicas that nothing waits for. */
  private static final int SERVING = 1000;

  /** The most hopeless state first; among those on their way the one that is furthest behind. */
  static final Comparator<Replica> WORST_FIRST =
      Comparator.comparingInt(Verdict::urgency).thenComparing(Replica::pod);

  private Verdict(boolean ready, boolean progressing, String reason, String message) {
    this(ready, progressing, reason, message, null);
  }

  static Verdict of(Observed seen) {
    int wanted = seen.plan().replicas();
    int ready = seen.ready();
    if (wanted == 0) {
      return new Verdict(
          false,
          false,
          "ScaledToZero",
          "no replicas are asked for; kubectl scale loraxserver/%s --replicas=1 starts one"
              .formatted(seen.plan().server().name()));
    }
    String count = "%d of %d replicas ready".formatted(ready, wanted);
    if (ready >= wanted) {
      return complete(seen, count);
    }
    Optional<Replica> worst =
        seen.all().stream().filter(replica -> urgency(replica) < SERVING).min(WORST_FIRST);
    if (worst.isPresent()) {
      return waitingFor(worst.get(), count);
    }
    return seen.podsRefused()
        .map(why -> new Verdict(false, false, "PodsRefused", count + "; " + why))
        .orElseGet(
            () -> new Verdict(false, true, "PodsPending", count + "; pods are to be created"));
  }

  private static Verdict complete(Observed seen, String count) {
    int wanted = seen.plan().replicas();
    int upToDate = seen.upToDate();
    if (upToDate >= wanted && seen.existing().size() == wanted) {
      return new Verdict(true, false, "Ready", count);
    }
    String current =
        "%s; %d of %d run the current spec".formatted(count, Math.min(upToDate, wanted), wanted);
    return seen.plan().rollout().paused()
        ? new Verdict(
            false, false, "RolloutPaused", current + "; set spec.rollout.paused to false to go on")
        : new Verdict(false, true, "RollingOut", current);
  }

  private static Verdict waitingFor(Replica replica, String count) {
    PodState state = replica.state();
    return new Verdict(
        false,
        state instanceof PodState.OnItsWay,
        state.reason(),
        "%s; pod %s: %s".formatted(count, replica.pod(), state.message()),
        state instanceof PodState.Downloading(var progress) ? progress : null);
  }

  private static int urgency(Replica replica) {
    return switch (replica.state()) {
      case PodState.Crashing _ -> 0;
      case PodState.ImagePullFailed _ -> 1;
      case PodState.ContainerRefused _ -> 2;
      case PodState.Unschedulable _ -> 3;
      case PodState.OnItsWay onItsWay -> 100 + onItsWay.stage();
      // Its pod stays to be looked at while another takes its place: what that one waits for
      // counts.
      case PodState.Failed _ -> SERVING - 1;
      case PodState.Ready _, PodState.Stopping _ -> SERVING;
    };
  }
}
