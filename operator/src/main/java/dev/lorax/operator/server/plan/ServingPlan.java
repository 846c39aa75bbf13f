package dev.lorax.operator.server.plan;

import dev.lorax.operator.server.plan.SourceAccess.SecretValue;
import io.fabric8.kubernetes.api.model.Quantity;
import java.time.Duration;
import java.util.Collections;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Everything that the manifests of a server need, with all defaults taken and all sums done.
 * Immutable; equal specs give equal plans, so equal manifests.
 *
 * @param devices null where no claim for devices is made
 * @param disruptible replicas that may be evicted at a time; null where no budget is kept
 * @param autoscaling null where somebody else decides how many replicas there are
 */
public record ServingPlan(
    ServerIdentity server,
    String model,
    int replicas,
    LauncherPlan launcher,
    List<ShardContainerPlan> shardContainers,
    @Nullable DevicesPlan devices,
    RouterPlan router,
    SourceAccess access,
    List<String> preloadedAdapters,
    List<ClaimMount> claims,
    CachePlan cache,
    ServicePlan service,
    RolloutPlan rollout,
    @Nullable Integer disruptible,
    @Nullable AutoscalingPlan autoscaling,
    Termination termination,
    PodTemplatePlan podTemplate,
    PeerAccess peerAccess) {

  public ServingPlan {
    shardContainers = List.copyOf(shardContainers);
    preloadedAdapters = List.copyOf(preloadedAdapters);
    claims = List.copyOf(claims);
  }

  /** The sidecar that fetches the model and starts the others. */
  public record LauncherPlan(String image, List<String> arguments, Resources resources) {

    public LauncherPlan {
      arguments = List.copyOf(arguments);
    }
  }

  /**
   * A sidecar that holds one shard, or all of them. {@code index} is that of its agent; {@code
   * writableRoot} is for devices whose container hooks write into the root file system.
   */
  public record ShardContainerPlan(
      String name, int index, String image, Resources resources, boolean writableRoot) {}

  /**
   * The claim for devices that all shards of a replica share.
   *
   * @param template name of the template of such claims
   * @param made what that template asks for; null where the user has made it
   */
  public record DevicesPlan(String template, @Nullable ClaimedDevices made) {}

  /**
   * Devices of one class.
   *
   * @param selector a CEL expression; null where every device of the class will do
   */
  public record ClaimedDevices(String deviceClass, int count, @Nullable String selector) {}

  /**
   * The main container.
   *
   * @param apiKeys the file with hashed API keys; null where everybody may ask
   * @param tlsSecret Secret with certificate and key; null where plain HTTP is served
   */
  public record RouterPlan(
      String image,
      Resources resources,
      @Nullable SecretValue apiKeys,
      @Nullable String tlsSecret) {}

  /** A claim that all processes read at {@code mountPath}. */
  public record ClaimMount(String volume, String claimName, String mountPath) {}

  /** Where downloaded and converted weights are kept. */
  public sealed interface CachePlan {

    /** In the pod; {@code sizeLimit} is null when unlimited. */
    record PodVolume(@Nullable Quantity sizeLimit) implements CachePlan {}

    /** In a claim of the user that outlives the pod. */
    record Claim(String claimName) implements CachePlan {}

    /** In one claim that is made for the server and written by all replicas. */
    record SharedClaim(String claimName, Quantity storage, @Nullable String storageClass)
        implements CachePlan {}

    /** In a claim that is made with each pod and goes with it. */
    record PodClaim(Quantity storage, @Nullable String storageClass) implements CachePlan {}
  }

  /** The Service in front of the replicas; {@code type} is spelled as in its manifest. */
  public record ServicePlan(
      String type,
      int port,
      @Nullable Integer nodePort,
      @Nullable String loadBalancerClass,
      SortedMap<String, String> annotations) {

    public ServicePlan {
      annotations = Collections.unmodifiableSortedMap(new TreeMap<>(annotations));
    }
  }

  /**
   * How many pods more or fewer than wanted there may be while pods are replaced; {@code paused}
   * where they must not be.
   */
  public record RolloutPlan(int maxSurge, int maxUnavailable, boolean paused) {}

  /**
   * What moves the number of replicas, and between which bounds.
   *
   * @param queueLength requests of each replica that may wait; null where they do not count
   * @param cachePercent share of each replica's cache that may be held; null where it does not
   */
  public record AutoscalingPlan(
      int minReplicas,
      int maxReplicas,
      @Nullable Integer queueLength,
      @Nullable Integer cachePercent,
      Duration scaleUpDelay,
      Duration scaleDownDelay) {}

  /** The time that a stopping pod gets, step by step. */
  public record Termination(Duration endpointPropagation, Duration drain, Duration stop) {

    /** All steps together, for the pod's grace period. */
    public Duration grace() {
      return endpointPropagation.plus(drain).plus(stop);
    }
  }

  /** Whether the shards of a replica can reach each other's device memory. */
  public record PeerAccess(boolean available, String reason, String message) {}
}
