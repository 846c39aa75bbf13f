package dev.lorax.operator;

import dev.lorax.operator.OperatorConfig.Leadership;
import dev.lorax.operator.log.LogKeys;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.fabric8.kubernetes.client.extended.leaderelection.LeaderCallbacks;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaderElectionRecord;
import io.fabric8.kubernetes.client.extended.leaderelection.resourcelock.LeaseLock;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfiguration;
import io.javaoperatorsdk.operator.api.config.LeaderElectionConfigurationBuilder;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** How this process takes, keeps and gives back the lease of the one that reconciles. */
final class Election {

  private static final Logger LOG = LoggerFactory.getLogger(Election.class);

  private final Leadership leadership;
  private final String instance;

  /** {@code instance} is a name that no other process has. */
  Election(Leadership leadership, String instance) {
    this.leadership = leadership;
    this.instance = instance;
  }

  /**
   * The framework's configuration. {@code leading} is kept up to date; {@code lost} is called when
   * this process has been the leader and is no longer.
   */
  LeaderElectionConfiguration configuration(AtomicBoolean leading, Runnable lost) {
    Duration lease = leadership.leaseDuration();
    return LeaderElectionConfigurationBuilder.aLeaderElectionConfiguration(leadership.leaseName())
        .withLeaseNamespace(leadership.leaseNamespace())
        .withIdentity(instance)
        .withLeaseDuration(lease)
        // Kubernetes' own ratios: 15 s, 10 s, 2 s. Who cannot renew ends well before others begin.
        .withRenewDeadline(lease.multipliedBy(2).dividedBy(3))
        .withRetryPeriod(lease.multipliedBy(2).dividedBy(15))
        // The framework would exit the process also while it stops, and hang there for ever.
        .withExitOnStopLeading(false)
        .withLeaderCallbacks(
            new LeaderCallbacks(
                () -> begin(leading),
                () -> {
                  leading.set(false);
                  lost.run();
                },
                _ -> {}))
        .build();
  }

  private void begin(AtomicBoolean leading) {
    leading.set(true);
    LOG.atInfo().addKeyValue(LogKeys.NAME, instance).log("elected; reconciling");
  }

  /**
   * Gives the lease back, so that the next process need not wait until it runs out. To be called
   * when no reconcile is under way and none can begin. A lease that cannot be given back is only
   * logged, because it runs out by itself.
   */
  void release(KubernetesClient client) {
    var lock = new LeaseLock(leadership.leaseNamespace(), leadership.leaseName(), instance);
    try {
      LeaderElectionRecord record = lock.get(client);
      if (record == null || !instance.equals(record.getHolderIdentity())) {
        return;
      }
      lock.update(client, unheld(record));
      LOG.atInfo().addKeyValue(LogKeys.NAME, leadership.leaseName()).log("lease given back");
    } catch (KubernetesClientException e) {
      LOG.atWarn()
          .addKeyValue(LogKeys.NAME, leadership.leaseName())
          .setCause(e)
          .log("lease could not be given back; the next process waits until it runs out");
    }
  }

  /** Held by nobody; a lease without a duration would be refused. */
  private static LeaderElectionRecord unheld(LeaderElectionRecord record) {
    return new LeaderElectionRecord(
        "",
        Duration.ofSeconds(1),
        record.getAcquireTime(),
        record.getRenewTime(),
        record.getLeaderTransitions());
  }
}
