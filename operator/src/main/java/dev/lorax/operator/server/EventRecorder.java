package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.log.LogKeys;
import dev.lorax.operator.server.apply.Applier;
import dev.lorax.operator.server.apply.ApplyBody;
import io.fabric8.kubernetes.api.model.Condition;
import io.fabric8.kubernetes.api.model.MicroTime;
import io.fabric8.kubernetes.api.model.ObjectReference;
import io.fabric8.kubernetes.api.model.ObjectReferenceBuilder;
import io.fabric8.kubernetes.api.model.events.v1.EventBuilder;
import io.fabric8.kubernetes.client.KubernetesClientException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells a server's changes as Kubernetes events. Thread-safe. An event that is lost is only logged.
 */
final class EventRecorder {

  private static final Logger LOG = LoggerFactory.getLogger(EventRecorder.class);

  private static final String CONTROLLER = "lorax.dev/operator";

  /** The API server takes no longer notes. */
  private static final int MAX_NOTE = 1024;

  private static final DateTimeFormatter MICROS =
      DateTimeFormatter.ofPattern("yyyy-MM-dd'T'HH:mm:ss.SSSSSS'Z'").withZone(ZoneOffset.UTC);

  private final Applier applier;
  private final Clock clock;
  private final String instance;

  /** {@code instance} names this process among the operator's replicas. */
  EventRecorder(Applier applier, Clock clock, String instance) {
    this.applier = applier;
    this.clock = clock;
    this.instance = instance;
  }

  /** Tells that the condition {@code Ready} has come to be as it is for a new reason. */
  void readyChanged(LoraxServer server, Condition ready, boolean stuck) {
    Instant now = clock.instant();
    var event =
        new EventBuilder()
            .withNewMetadata()
            .withGenerateName(server.getMetadata().getName() + "-")
            .withNamespace(server.getMetadata().getNamespace())
            .endMetadata()
            .withEventTime(new MicroTime(MICROS.format(now)))
            .withReportingController(CONTROLLER)
            .withReportingInstance(instance)
            .withAction("Reconcile")
            .withType(stuck ? "Warning" : "Normal")
            .withReason(ready.getReason())
            .withNote(shortened(ready.getMessage()))
            .withRegarding(reference(server))
            .build();
    try {
      applier.create(ApplyBody.of(event));
    } catch (KubernetesClientException e) {
      LOG.atWarn()
          .addKeyValue(LogKeys.NAMESPACE, server.getMetadata().getNamespace())
          .addKeyValue(LogKeys.NAME, server.getMetadata().getName())
          .addKeyValue(LogKeys.REASON, ready.getReason())
          .setCause(e)
          .log("event could not be written");
    }
  }

  private static ObjectReference reference(LoraxServer server) {
    return new ObjectReferenceBuilder()
        .withApiVersion(server.getApiVersion())
        .withKind(server.getKind())
        .withName(server.getMetadata().getName())
        .withNamespace(server.getMetadata().getNamespace())
        .withUid(server.getMetadata().getUid())
        .build();
  }

  private static String shortened(String note) {
    return note.length() <= MAX_NOTE ? note : note.substring(0, MAX_NOTE - 1) + "…";
  }
}
