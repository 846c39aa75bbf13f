package dev.lorax.operator;

import dev.lorax.operator.log.LogKeys;
import dev.lorax.operator.metricsapi.MetricsApi;
import dev.lorax.operator.server.LoraxServerReconciler;
import dev.lorax.operator.server.plan.ServingPlanner;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.Cloner;
import io.javaoperatorsdk.operator.api.config.ConfigurationServiceOverrider;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The running operator: its controllers, its part in the election and its endpoints. */
final class LoraxOperator implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LoraxOperator.class);

  /** For reconciles under way when the process is told to stop. */
  private static final Duration RECONCILE_END = Duration.ofSeconds(10);

  private final KubernetesClient client;
  private final @Nullable Election election;
  private final AtomicBoolean leading = new AtomicBoolean();
  private final AtomicBoolean stopping = new AtomicBoolean();
  private final OperatorMetrics metrics = new OperatorMetrics(leading);
  private final Operator operator;
  private final ProcessEndpoints endpoints;
  private final @Nullable MetricsApi metricsApi;

  private LoraxOperator(
      OperatorConfig config, KubernetesClient client, Clock clock, Runnable leadershipLost)
      throws IOException {
    this.client = client;
    this.election =
        config.leadership() == null ? null : new Election(config.leadership(), config.instance());
    this.operator = new Operator(overrides -> configure(overrides, leadershipLost));
    register(config, clock);
    var runtime = operator.getRuntimeInfo();
    this.endpoints =
        ProcessEndpoints.start(
            config.port(),
            () -> !runtime.isStarted() || runtime.allEventSourcesAreHealthy(),
            () -> runtime.isStarted() && runtime.allEventSourcesAreHealthy() && !stopping.get(),
            metrics::text);
    this.metricsApi = metricsApi(config, client, clock);
  }

  /** Every process serves them, elected or not: an autoscaler may come to any. */
  private static @Nullable MetricsApi metricsApi(
      OperatorConfig config, KubernetesClient client, Clock clock) throws IOException {
    var serving = config.metricsServing();
    return serving == null ? null : MetricsApi.start(serving.port(), serving.tls(), client, clock);
  }

  /**
   * Starts watching. The client is closed with the operator. {@code leadershipLost} is called when
   * another process has been elected while this one was not stopping; it must end the process,
   * because reconciles may still be under way.
   */
  static LoraxOperator start(
      OperatorConfig config, KubernetesClient client, Clock clock, Runnable leadershipLost)
      throws IOException {
    var started = new LoraxOperator(config, client, clock, leadershipLost);
    started.operator.start();
    started.leading.compareAndSet(false, started.election == null);
    LOG.atInfo().addKeyValue(LogKeys.PORT, started.endpoints.port()).log("operator started");
    return started;
  }

  /** Port of the metrics for autoscalers, where they are served. */
  OptionalInt metricsApiPort() {
    return metricsApi == null ? OptionalInt.empty() : OptionalInt.of(metricsApi.port());
  }

  /** Port of the endpoints. */
  int port() {
    return endpoints.port();
  }

  /**
   * Lets reconciles under way come to their end, then gives the lease back. Waits for {@link
   * #RECONCILE_END} and a few requests at most.
   */
  @Override
  public void close() {
    stopping.set(true);
    operator.stop();
    if (election != null && metrics.idle()) {
      election.release(client);
    }
    if (metricsApi != null) {
      metricsApi.close();
    }
    client.close();
    endpoints.close();
    LOG.atInfo().log("operator stopped");
  }

  private void register(OperatorConfig config, Clock clock) {
    var reconciler =
        new LoraxServerReconciler(
            new ServingPlanner(config.images()), client, clock, config.instance());
    operator.register(
        reconciler,
        overrides -> {
          if (!config.watchNamespaces().isEmpty()) {
            overrides.settingNamespaces(config.watchNamespaces());
          }
        });
  }

  private void configure(ConfigurationServiceOverrider overrides, Runnable leadershipLost) {
    overrides
        .withKubernetesClient(client)
        // The lease is given back after the framework has stopped.
        .withCloseClientOnStop(false)
        .withMetrics(metrics)
        .withReconciliationTerminationTimeout(RECONCILE_END)
        // Needs the right to read all CRDs, and a missing CRD is told by the first watch anyway.
        .checkingCRDAndValidateLocalModel(false)
        .withResourceCloner(new SameObject());
    if (election != null) {
      overrides.withLeaderElectionConfiguration(
          election.configuration(
              leading,
              () -> {
                if (!stopping.get()) {
                  leadershipLost.run();
                }
              }));
    }
  }

  /** A reconcile reads its server and never changes it, so it need not have a copy of its own. */
  private static final class SameObject implements Cloner {
    @Override
    public <R extends HasMetadata> R clone(R object) {
      return object;
    }
  }
}
