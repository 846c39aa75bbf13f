package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.Labels;
import io.fabric8.kubernetes.api.model.Pod;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.util.Set;

/**
 * Watches the pods of all servers; a pod names its server in a label, its owner is a ReplicaSet.
 */
final class ServerPods {

  private ServerPods() {}

  static EventSource<Pod, LoraxServer> eventSource(EventSourceContext<LoraxServer> context) {
    return new InformerEventSource<>(
        InformerEventSourceConfiguration.from(Pod.class, LoraxServer.class)
            .withLabelSelector(Labels.ALL_SERVERS)
            .withNamespacesInheritedFromController()
            .withSecondaryToPrimaryMapper(ServerPods::serverOf)
            .build(),
        context);
  }

  private static Set<ResourceID> serverOf(Pod pod) {
    String server = pod.getMetadata().getLabels().get(Labels.INSTANCE);
    return server == null
        ? Set.of()
        : Set.of(new ResourceID(server, pod.getMetadata().getNamespace()));
  }
}
