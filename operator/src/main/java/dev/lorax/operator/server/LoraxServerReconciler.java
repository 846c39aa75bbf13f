package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.crds.v1alpha1.LoraxServerStatus;
import dev.lorax.operator.pod.LauncherClient;
import dev.lorax.operator.server.apply.Applier;
import dev.lorax.operator.server.plan.Planning;
import dev.lorax.operator.server.plan.ServerIdentity;
import dev.lorax.operator.server.plan.ServingPlan;
import dev.lorax.operator.server.plan.ServingPlanner;
import dev.lorax.operator.server.status.Observed;
import dev.lorax.operator.server.status.StatusReport;
import io.fabric8.kubernetes.api.model.Pod;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.ControllerConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.ErrorStatusUpdateControl;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.api.reconciler.Reconciler;
import io.javaoperatorsdk.operator.api.reconciler.UpdateControl;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.retry.GradualRetry;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;

/**
 * Sequences one reconcile: plan, apply, observe, report. Stateless and level-triggered: everything
 * is computed anew from what the caches hold and, while a replica loads, from what its launcher
 * says; nothing is written where nothing has changed. Deletion needs no step of its own, because
 * the API server's garbage collector removes what a server owns.
 */
@ControllerConfiguration(fieldManager = LoraxServerReconciler.FIELD_MANAGER)
@GradualRetry(
    maxAttempts = LoraxServerReconciler.WITHOUT_END,
    initialInterval = 1_000,
    intervalMultiplier = 2,
    maxInterval = 60_000)
public final class LoraxServerReconciler implements Reconciler<LoraxServer> {

  static final String FIELD_MANAGER = "lorax-operator";

  /** What stands in the way may lie outside all that is watched, and go away at any time. */
  static final int WITHOUT_END = -1;

  /** Between two looks at a launcher that loads. Nothing else tells how far a download is. */
  private static final Duration LOOK_AGAIN = Duration.ofSeconds(3);

  private final ServingPlanner planner;
  private final ServerObjects objects;
  private final LauncherClient launchers = new LauncherClient();
  private final ScaleDown scaleDown = new ScaleDown();
  private final ClaimSupport claims = new ClaimSupport();
  private final StatusWriter statusWriter;
  private final Clock clock;

  /**
   * @param client by OkHttp
   * @param instance names this process among the operator's replicas
   */
  public LoraxServerReconciler(
      ServingPlanner planner, KubernetesClient client, Clock clock, String instance) {
    this.planner = planner;
    var applier = new Applier(client, FIELD_MANAGER);
    this.objects = new ServerObjects(applier);
    this.statusWriter = new StatusWriter(applier, new EventRecorder(applier, clock, instance));
    this.clock = clock;
  }

  @Override
  public List<EventSource<?, LoraxServer>> prepareEventSources(
      EventSourceContext<LoraxServer> context) {
    var sources = new ArrayList<>(objects.eventSources(context));
    sources.add(ServerPods.eventSource(context));
    return sources;
  }

  @Override
  public UpdateControl<LoraxServer> reconcile(LoraxServer server, Context<LoraxServer> context) {
    if (isGone(server, context)) {
      return UpdateControl.noUpdate();
    }
    LoraxServerStatus status =
        switch (planner.plan(identity(server), server.getSpec())) {
          case Planning.Planned(var plan) -> serve(server, plan, context);
          case Planning.Refused(var problems) -> report(server).refused(problems);
        };
    statusWriter.write(server, status, context);
    UpdateControl<LoraxServer> control = UpdateControl.noUpdate();
    return Observed.loading(ServerPods.of(server, context)).isEmpty()
        ? control
        : control.rescheduleAfter(LOOK_AGAIN);
  }

  /**
   * A deleted server's Deployment may be seen to go before the server itself, since each kind has a
   * watch of its own. To make it anew would start pods for a moment, so where something is missing
   * the API server is asked whether it is still wanted. Not for a new server, of which everything
   * is missing: should it be gone already, the garbage collector removes what is made for it.
   */
  private boolean isGone(LoraxServer server, Context<LoraxServer> context) {
    if (server.getStatus() == null
        || objects.deployment(server, context).isPresent()
            && objects.service(server, context).isPresent()) {
      return false;
    }
    LoraxServer now = context.getClient().resource(server).get();
    return now == null
        || now.isMarkedForDeletion()
        || !now.getMetadata().getUid().equals(server.getMetadata().getUid());
  }

  @Override
  public ErrorStatusUpdateControl<LoraxServer> updateErrorStatus(
      LoraxServer server, Context<LoraxServer> context, Exception error) {
    Optional<ApiRefusal> refusal = ApiRefusal.of(error);
    if (refusal.isEmpty()) {
      return ErrorStatusUpdateControl.defaultErrorProcessing();
    }
    ApiRefusal said = refusal.get();
    LoraxServerStatus status = report(server).refused(said.reason(), said.message());
    statusWriter.write(server, status, context);
    ErrorStatusUpdateControl<LoraxServer> control = ErrorStatusUpdateControl.noStatusUpdate();
    return said.lasting() ? control.withNoRetry() : control;
  }

  private LoraxServerStatus serve(
      LoraxServer server, ServingPlan plan, Context<LoraxServer> context) {
    if (!claims.suffices(plan, context.getClient())) {
      return report(server).refused(ClaimSupport.REASON, ClaimSupport.MESSAGE);
    }
    Collection<Pod> pods = ServerPods.of(server, context);
    scaleDown.prepare(plan, objects.deployment(server, context), pods, context.getClient());
    objects.keep(server, plan, context);
    return report(server)
        .of(
            new Observed(
                plan,
                objects.deployment(server, context),
                pods,
                launchers.ask(Observed.loading(pods))));
  }

  private StatusReport report(LoraxServer server) {
    return new StatusReport(
        StatusWriter.statusOf(server), server.getMetadata().getGeneration(), clock.instant());
  }

  private static ServerIdentity identity(LoraxServer server) {
    var metadata = server.getMetadata();
    return new ServerIdentity(metadata.getNamespace(), metadata.getName(), metadata.getUid());
  }
}
