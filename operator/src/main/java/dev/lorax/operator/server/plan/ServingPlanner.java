package dev.lorax.operator.server.plan;

import dev.lorax.crds.v1alpha1.ApiKeysSecret;
import dev.lorax.crds.v1alpha1.ComputeResources;
import dev.lorax.crds.v1alpha1.LoraxServerSpec;
import dev.lorax.crds.v1alpha1.ModelSource;
import dev.lorax.crds.v1alpha1.ServerService;
import dev.lorax.operator.server.plan.PlanProblem.Code;
import dev.lorax.operator.server.plan.ServingPlan.LauncherPlan;
import dev.lorax.operator.server.plan.ServingPlan.RouterPlan;
import dev.lorax.operator.server.plan.ServingPlan.ServicePlan;
import dev.lorax.operator.server.plan.ServingPlan.Termination;
import dev.lorax.operator.server.plan.SourceAccess.SecretValue;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Turns a spec into a plan. Immutable and pure: the same spec gives the same plan. */
public final class ServingPlanner {

  /**
   * Until all proxies have heard that an endpoint has gone; seconds, not minutes, on busy clusters
   * too.
   */
  private static final Duration ENDPOINT_PROPAGATION = Duration.ofSeconds(5);

  /** For shards and launcher to stop once the router has drained. */
  private static final Duration STOP = Duration.ofSeconds(20);

  private final DefaultImages images;

  public ServingPlanner(DefaultImages images) {
    this.images = images;
  }

  public Planning plan(ServerIdentity server, LoraxServerSpec spec) {
    String shardImage = shardImage(spec);
    List<PlanProblem> problems = problems(spec, shardImage);
    return shardImage == null || !problems.isEmpty()
        ? new Planning.Refused(problems)
        : new Planning.Planned(serve(server, spec, shardImage));
  }

  private ServingPlan serve(ServerIdentity server, LoraxServerSpec spec, String shardImage) {
    var claims = new ClaimPlanner(spec);
    return new ServingPlan(
        server,
        describe(spec.model()),
        spec.replicas(),
        new LauncherPlan(
            orDefault(spec.launcher().image(), images.launcher()),
            LauncherArguments.of(spec, claims),
            Resources.orRequests(spec.launcher().resources(), "50m", "192Mi")),
        ShardPlanner.containers(spec.shards(), shardImage),
        ShardPlanner.devices(server.name(), spec.shards()),
        new RouterPlan(
            orDefault(spec.router().image(), images.router()),
            Resources.orRequests(spec.router().resources(), "100m", "320Mi"),
            apiKeys(spec.router().apiKeysSecret()),
            spec.router().tlsSecret() == null ? null : spec.router().tlsSecret().name()),
        new AccessPlanner(spec).access(),
        spec.adapters().preload(),
        claims.mounts(),
        CachePlanner.plan(server.name(), spec.cache()),
        service(spec.service()),
        RolloutPlanner.rollout(spec.rollout(), spec.shards().device()),
        RolloutPlanner.disruptible(spec.disruptionBudget()),
        AutoscalingPlanner.plan(spec.autoscaling()),
        new Termination(ENDPOINT_PROPAGATION, Durations.parse(spec.drainTimeout()), STOP),
        PodTemplatePlanner.plan(spec.podTemplate()),
        ShardPlanner.peerAccess(spec.shards()));
  }

  private List<PlanProblem> problems(LoraxServerSpec spec, @Nullable String shardImage) {
    var problems = new ArrayList<PlanProblem>();
    if (shardImage == null) {
      String device = LauncherArguments.spelled(spec.shards().device());
      problems.add(
          new PlanProblem(
              Code.SHARD_IMAGE_MISSING,
              "spec.shards.image is unset and this operator has no default shard image for device "
                  + device
                  + ": set spec.shards.image"));
    }
    LauncherArguments.problems(spec).forEach(problems::add);
    Stream.of(
            aboveLimit("spec.launcher.resources", spec.launcher().resources()),
            aboveLimit("spec.shards.resources", spec.shards().resources()),
            aboveLimit("spec.router.resources", spec.router().resources()))
        .flatMap(found -> found)
        .forEach(problems::add);
    return problems;
  }

  private static Stream<PlanProblem> aboveLimit(String field, @Nullable ComputeResources asked) {
    Resources resources = Resources.of(asked);
    return resources
        .requestedAboveLimit()
        .map(name ->
            new PlanProblem(
                Code.RESOURCES_INCONSISTENT,
                "%s requests more %s than its limit: expected at most %s, got %s"
                    .formatted(
                        field,
                        name,
                        resources.limits().get(name),
                        resources.requests().get(name))));
  }

  private @Nullable String shardImage(LoraxServerSpec spec) {
    String image = spec.shards().image();
    return image != null ? image : images.shards().get(spec.shards().device());
  }

  private static String orDefault(@Nullable String image, String defaultImage) {
    return image == null ? defaultImage : image;
  }

  private static String describe(ModelSource model) {
    var hub = model.hub();
    if (hub != null) {
      return hub.revision() == null ? hub.id() : hub.id() + "@" + hub.revision();
    }
    if (model.s3() != null) {
      return model.s3().uri();
    }
    if (model.pvc() != null) {
      return "pvc:%s/%s".formatted(model.pvc().claimName(), model.pvc().path());
    }
    throw new IllegalArgumentException("spec.model: expected one of hub, s3 and pvc, got none");
  }

  private static @Nullable SecretValue apiKeys(@Nullable ApiKeysSecret secret) {
    return secret == null ? null : new SecretValue(secret.name(), secret.key());
  }

  private static ServicePlan service(ServerService service) {
    return new ServicePlan(
        spelled(service.type()),
        service.port(),
        service.nodePort(),
        service.loadBalancerClass(),
        new TreeMap<>(service.annotations()));
  }

  private static String spelled(ServerService.Type type) {
    return switch (type) {
      case CLUSTER_IP -> "ClusterIP";
      case NODE_PORT -> "NodePort";
      case LOAD_BALANCER -> "LoadBalancer";
    };
  }
}
