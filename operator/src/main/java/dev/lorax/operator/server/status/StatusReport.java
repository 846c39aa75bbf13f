package dev.lorax.operator.server.status;

import dev.lorax.crds.v1alpha1.LoraxServerStatus;
import dev.lorax.crds.v1alpha1.LoraxServerStatus.AdapterStatus;
import dev.lorax.operator.server.manifest.Labels;
import dev.lorax.operator.server.plan.PlanProblem;
import io.fabric8.kubernetes.api.model.Condition;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** Writes the status of one server at one moment. Immutable. */
public final class StatusReport {

  private final LoraxServerStatus previous;
  private final long generation;
  private final Instant now;

  /** {@code previous} is the status so far, from which unchanged conditions keep their time. */
  public StatusReport(LoraxServerStatus previous, long generation, Instant now) {
    this.previous = previous;
    this.generation = generation;
    this.now = now;
  }

  /** The status of a server that has a plan. */
  public LoraxServerStatus of(Observed seen) {
    var plan = seen.plan();
    int ready = seen.ready();
    Verdict verdict = Verdict.of(seen);
    List<AdapterStatus> adapters =
        plan.preloadedAdapters().stream().map(id -> new AdapterStatus(id, ready)).toList();
    return new LoraxServerStatus(
        generation,
        plan.model(),
        seen.existing().size(),
        ready,
        Labels.selectorQuery(plan.server().name()),
        "%d/%d".formatted(ready > 0 ? adapters.size() : 0, adapters.size()),
        adapters,
        verdict.progress() == null ? null : verdict.progress().report(),
        conditions(seen, verdict));
  }

  /** The status of a server whose spec cannot be served; what ran before goes on running. */
  public LoraxServerStatus refused(List<PlanProblem> problems) {
    String messages =
        problems.stream().map(PlanProblem::message).distinct().collect(Collectors.joining("; "));
    return refused(problems.getFirst().code().reason(), messages);
  }

  /** The status of a server whose objects the API server does not take. */
  public LoraxServerStatus refused(String reason, String message) {
    var conditions = new Conditions(previous.conditions(), generation, now);
    conditions.add(ConditionType.READY, false, reason, message);
    conditions.add(ConditionType.PROGRESSING, false, reason, message);
    conditions.add(ConditionType.DEGRADED, true, reason, message);
    return new LoraxServerStatus(
        generation,
        previous.model(),
        previous.replicas(),
        previous.readyReplicas(),
        previous.selector(),
        previous.adaptersReady(),
        previous.adapters(),
        null,
        conditions.all());
  }

  private List<Condition> conditions(Observed seen, Verdict verdict) {
    var conditions = new Conditions(previous.conditions(), generation, now);
    conditions.add(ConditionType.READY, verdict.ready(), verdict.reason(), verdict.message());
    boolean available = seen.ready() > 0;
    conditions.add(
        ConditionType.AVAILABLE,
        available,
        available ? "ReplicaReady" : "NoReplicaReady",
        available ? "requests are answered" : "no replica answers requests");
    conditions.add(
        ConditionType.PROGRESSING, verdict.progressing(), verdict.reason(), verdict.message());
    addDegraded(conditions, Trouble.of(seen));
    addStage(conditions, seen, ConditionType.MODEL_CACHED, new PodState.Downloading(null));
    addStage(conditions, seen, ConditionType.SHARDS_READY, new PodState.ShardsLoading(0, 0));
    addStage(conditions, seen, ConditionType.ROUTER_READY, new PodState.RouterStarting());
    addAdapters(conditions, seen);
    var peers = seen.plan().peerAccess();
    conditions.add(ConditionType.PEER_ACCESS, peers.available(), peers.reason(), peers.message());
    return conditions.all();
  }

  private static void addDegraded(Conditions conditions, Optional<Trouble> trouble) {
    conditions.add(
        ConditionType.DEGRADED,
        trouble.isPresent(),
        trouble.map(Trouble::reason).orElse("AsExpected"),
        trouble.map(Trouble::message).orElse("nothing needs attention"));
  }

  /** A router takes no requests before its shards hold the adapters to preload. */
  private static void addAdapters(Conditions conditions, Observed seen) {
    int adapters = seen.plan().preloadedAdapters().size();
    if (adapters == 0) {
      conditions.add(ConditionType.ADAPTERS_WARM, true, "NoneAskedFor", "none are to be preloaded");
      return;
    }
    int holding = seen.past(new PodState.RouterStarting().stage());
    int wanted = seen.plan().replicas();
    boolean done = wanted > 0 && holding >= wanted;
    conditions.add(
        ConditionType.ADAPTERS_WARM,
        done,
        done ? "Complete" : "Incomplete",
        "%d preloaded on %d of %d replicas".formatted(adapters, holding, wanted));
  }

  /** Holds once every replica asked for is past {@code stage}. */
  private static void addStage(
      Conditions conditions, Observed seen, ConditionType type, PodState.OnItsWay stage) {
    int past = seen.past(stage.stage());
    int wanted = seen.plan().replicas();
    boolean done = wanted > 0 && past >= wanted;
    conditions.add(
        type, done, done ? "Complete" : "Incomplete", "%d of %d replicas".formatted(past, wanted));
  }
}
