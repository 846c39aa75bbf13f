package dev.lorax.operator;

import dev.lorax.operator.OperatorConfig.Leadership;
import dev.lorax.operator.log.LogKeys;
import dev.lorax.operator.server.LoraxServerReconciler;
import dev.lorax.operator.server.plan.ServingPlanner;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.javaoperatorsdk.operator.Operator;
import io.javaoperatorsdk.operator.api.config.ConfigurationServiceOverrider;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfiguration;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfigurationBuilder;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The running operator: its controllers and its health endpoints. */
final class LoraxOperator implements AutoCloseable {

  private static final Logger LOG = LoggerFactory.getLogger(LoraxOperator.class);

  /** For reconciles under way when the process is told to stop. */
  private static final Duration RECONCILE_END = Duration.ofSeconds(10);

  private final Operator operator;
  private final HealthServer health;

  private LoraxOperator(Operator operator, HealthServer health) {
    this.operator = operator;
    this.health = health;
  }

  /** Starts watching. The client is closed with the operator. */
  static LoraxOperator start(OperatorConfig config, KubernetesClient client, Clock clock)
      throws IOException {
    var operator = new Operator(overrides -> configure(overrides, config, client));
    var reconciler =
        new LoraxServerReconciler(new ServingPlanner(config.images()), clock, config.instance());
    operator.register(
        reconciler,
        overrides -> {
          if (!config.watchNamespaces().isEmpty()) {
            overrides.settingNamespaces(config.watchNamespaces());
          }
        });
    var runtime = operator.getRuntimeInfo();
    var health =
        HealthServer.start(
            config.healthPort(),
            () -> !runtime.isStarted() || runtime.allEventSourcesAreHealthy(),
            () -> runtime.isStarted() && runtime.allEventSourcesAreHealthy());
    operator.start();
    LOG.atInfo().addKeyValue(LogKeys.PORT, health.port()).log("operator started");
    return new LoraxOperator(operator, health);
  }

  @Override
  public void close() {
    operator.stop();
    health.close();
  }

  private static void configure(
      ConfigurationServiceOverrider overrides, OperatorConfig config, KubernetesClient client) {
    overrides
        .withKubernetesClient(client)
        .withCloseClientOnStop(true)
        .withReconciliationTerminationTimeout(RECONCILE_END)
        // Needs the right to read all CRDs, and a missing CRD is told by the first watch anyway.
        .checkingCRDAndValidateLocalModel(false)
        // One more look after an own write is cheaper than an annotation on what users see.
        .withPreviousAnnotationForDependentResources(false);
    if (config.leadership() != null) {
      overrides.withLeaderElectionConfiguration(election(config.leadership(), config.instance()));
    }
  }

  private static LeaderElectionConfiguration election(Leadership leadership, String instance) {
    return LeaderElectionConfigurationBuilder.aLeaderElectionConfiguration(leadership.leaseName())
        .withLeaseNamespace(leadership.leaseNamespace())
        .withIdentity(instance)
        .build();
  }
}
