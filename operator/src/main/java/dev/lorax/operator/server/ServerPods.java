package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.manifest.Labels;
import io.fabric8.kubernetes.api.model.Pod;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Watches the pods of all servers; a pod names its server in a label, its owner is a ReplicaSet.
 */
final class ServerPods {

  private static final String NAME = "Pod";
  private static final String BY_SERVER = "server";

  private ServerPods() {}

  static EventSource<Pod, LoraxServer> eventSource(EventSourceContext<LoraxServer> context) {
    var source =
        new InformerEventSource<>(
            InformerEventSourceConfiguration.from(Pod.class, LoraxServer.class)
                .withName(NAME)
                .withLabelSelector(Labels.ALL_SERVERS)
                .withNamespacesInheritedFromController()
                .withSecondaryToPrimaryMapper(ServerPods::serverOf)
                // The framework's index answers with sets, for which it hashes all of each pod.
                .withPrimaryToSecondaryMapper((LoraxServer server) -> Set.of())
                .build(),
            context);
    source.addIndexers(
        Map.of(BY_SERVER, pod -> serverOf(pod).stream().map(ServerPods::key).toList()));
    return source;
  }

  /** Those of one server, in no order. */
  static List<Pod> of(LoraxServer server, Context<LoraxServer> context) {
    EventSource<Pod, LoraxServer> source =
        context.eventSourceRetriever().getEventSourceFor(Pod.class, NAME);
    return ((InformerEventSource<Pod, LoraxServer>) source)
        .byIndex(BY_SERVER, key(ResourceID.fromResource(server)));
  }

  private static String key(ResourceID server) {
    return server.getNamespace().orElseThrow() + "/" + server.getName();
  }

  private static Set<ResourceID> serverOf(Pod pod) {
    String server = pod.getMetadata().getLabels().get(Labels.INSTANCE);
    return server == null
        ? Set.of()
        : Set.of(new ResourceID(server, pod.getMetadata().getNamespace()));
  }
}
