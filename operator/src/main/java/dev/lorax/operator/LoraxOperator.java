package dev.lorax.operator;

import dev.lorax.operator.OperatorConfig.Leadership;
import dev.lorax.operator.log.LogKeys;
import dev.lorax.operator.server.LoraxServerReconciler;
import dev.lorax.operator.server.plan.ServingPlanner;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.ConfigurationServiceOverrider;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfiguration;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfigurationBuilder;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The running operator: its controllers and its health endpoints. */
final class LoraxOperator implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LoraxOperator.class);

  /** For reconciles under way when the process is told to stop. */
  private static final Duration RECONCILE_END = Duration.ofSeconds(10);

  private final Operator operator;
  private final HealthServer health;
  private final AtomicBoolean stopping;

  private LoraxOperator(Operator operator, HealthServer health, AtomicBoolean stopping) {
    this.operator = operator;
    this.health = health;
    this.stopping = stopping;
  }

  /**
   * Starts watching. The client is closed with the operator. {@code leadershipLost} is called when
   * another process has been elected while this one was not stopping; it must end the process,
   * because reconciles may still be under way.
   */
  static LoraxOperator start(
      OperatorConfig config, KubernetesClient client, Clock clock, Runnable leadershipLost)
      throws IOException {
    var stopping = new AtomicBoolean();
    Runnable lost =
        () -> {
          if (!stopping.get()) {
            leadershipLost.run();
          }
        };
    var operator = new Operator(overrides -> configure(overrides, config, client, lost));
    register(operator, config, clock);
    var runtime = operator.getRuntimeInfo();
    var health =
        HealthServer.start(
            config.healthPort(),
            () -> !runtime.isStarted() || runtime.allEventSourcesAreHealthy(),
            () -> runtime.isStarted() && runtime.allEventSourcesAreHealthy());
    operator.start();
    LOG.atInfo().addKeyValue(LogKeys.PORT, health.port()).log("operator started");
    return new LoraxOperator(operator, health, stopping);
  }

  private static void register(Operator operator, OperatorConfig config, Clock clock) {
    var reconciler =
        new LoraxServerReconciler(new ServingPlanner(config.images()), clock, config.instance());
    operator.register(
        reconciler,
        overrides -> {
          if (!config.watchNamespaces().isEmpty()) {
            overrides.settingNamespaces(config.watchNamespaces());
          }
        });
  }

  @Override
  public void close() {
    stopping.set(true);
    operator.stop();
    health.close();
  }

  private static void configure(
      ConfigurationServiceOverrider overrides,
      OperatorConfig config,
      KubernetesClient client,
      Runnable leadershipLost) {
    overrides
        .withKubernetesClient(client)
        .withCloseClientOnStop(true)
        .withReconciliationTerminationTimeout(RECONCILE_END)
        // Needs the right to read all CRDs, and a missing CRD is told by the first watch anyway.
        .checkingCRDAndValidateLocalModel(false)
        // One more look after an own write is cheaper than an annotation on what users see.
        .withPreviousAnnotationForDependentResources(false);
    if (config.leadership() != null) {
      overrides.withLeaderElectionConfiguration(
          election(config.leadership(), config.instance(), leadershipLost));
    }
  }

  private static LeaderElectionConfiguration election(
      Leadership leadership, String instance, Runnable leadershipLost) {
    return LeaderElectionConfigurationBuilder.aLeaderElectionConfiguration(leadership.leaseName())
        .withLeaseNamespace(leadership.leaseNamespace())
        .withIdentity(instance)
        // The framework would exit the process also while it stops, and hang there for ever.
        .withExitOnStopLeading(false)
        .withLeaderCallbacks(new LeaderCallbacks(() -> {}, leadershipLost, leader -> {}))
        .build();
  }
}
