package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.log.LogKeys;
import dev.lorax.operator.server.apply.Applier;
import dev.lorax.operator.server.apply.ApplyBody;
import dev.lorax.operator.server.apply.Drift;
import dev.lorax.operator.server.manifest.Labels;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.api.model.apps.Deployment;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.api.config.informer.InformerEventSourceConfiguration;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.EventSourceContext;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.EventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.InformerEventSource;
import io.javaoperatorsdk.operator.processing.event.source.informer.Mappers;
import java.net.HttpURLConnection;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The objects of one kind that belong to servers. They are watched by the operator's labels, and
 * compared with what they shall be when their server is reconciled; only one that differs is
 * applied. Stateless: what is seen and what was written last is in the event source's cache.
 */
final class OwnedObjects<R extends HasMetadata> {

  private static final Logger LOG = LoggerFactory.getLogger(OwnedObjects.class);

  /** On each object, the fingerprint of all that was applied: it tells what is wanted no more. */
  private static final String APPLIED = LoraxServer.GROUP + "/applied";

  /** No object has it, so that an apply with it makes an object and never changes one. */
  private static final String OF_NOTHING = "1";

  private final Class<R> type;
  private final Applier applier;

  OwnedObjects(Class<R> type, Applier applier) {
    this.type = type;
    this.applier = applier;
  }

  /** What they are called in messages. */
  String kind() {
    return type.getSimpleName();
  }

  /** A new source of events of these objects. */
  InformerEventSource<R, LoraxServer> eventSource(EventSourceContext<LoraxServer> context) {
    return new InformerEventSource<>(
        InformerEventSourceConfiguration.from(type, LoraxServer.class)
            .withName(kind())
            .withLabelSelector(Labels.ALL_SERVERS)
            .withNamespacesInheritedFromController()
            .withSecondaryToPrimaryMapper(Mappers.fromOwnerReferences(LoraxServer.class, false))
            // They are looked up by name: an index would be filled for nothing.
            .withPrimaryToSecondaryMapper((LoraxServer server) -> Set.of())
            // What appears is as it was just written, or is seen after a start.
            .withOnAddFilter(appeared -> false)
            .build(),
        context);
  }

  /** The object with this name that a server so named owns, as it was seen or written last. */
  Optional<R> find(LoraxServer server, String name, Context<LoraxServer> context) {
    return source(context)
        .get(new ResourceID(name, server.getMetadata().getNamespace()))
        .filter(found -> isOwned(server, found));
  }

  /** Sees to it that the object is as wanted; {@code wanted} is used up. */
  void keep(LoraxServer server, R wanted, Context<LoraxServer> context) {
    ApplyBody body = ApplyBody.of(wanted).stamp(APPLIED);
    Optional<R> found = find(server, wanted.getMetadata().getName(), context);
    if (found.isEmpty()) {
      create(server, wanted, body, context);
    } else {
      Drift.between(wanted, found.get())
          .ifPresent(field -> {
            tell(found.get(), wanted, field);
            update(found.get(), wanted, body, context);
          });
    }
  }

  /** Deletes the object with this name, where there is one. */
  void remove(LoraxServer server, String name, Context<LoraxServer> context) {
    find(server, name, context).ifPresent(found -> context.getClient().resource(found).delete());
  }

  /** What exists but has lost the labels is not seen, so it is taken back when it is missed. */
  private void create(LoraxServer server, R wanted, ApplyBody body, Context<LoraxServer> context) {
    wanted.getMetadata().setResourceVersion(OF_NOTHING);
    try {
      apply(wanted, body);
      source(context).handleRecentResourceCreate(ResourceID.fromResource(wanted), wanted);
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
        throw e;
      }
      R found =
          namesake(wanted, context.getClient())
              .filter(namesake -> owns(server, namesake))
              .orElseThrow(() -> e);
      wanted.getMetadata().setResourceVersion(null);
      update(found, wanted, body, context);
    }
  }

  private void update(R found, R wanted, ApplyBody body, Context<LoraxServer> context) {
    apply(wanted, body);
    keepStatus(found, wanted);
    source(context).handleRecentResourceUpdate(ResourceID.fromResource(wanted), wanted, found);
  }

  /** What is wanted stands for what was written until that is seen: without defaults. */
  private void apply(R wanted, ApplyBody body) {
    applier.apply(body).into(wanted.getMetadata());
  }

  /** An apply leaves the status, which tells of the generation that it was computed from. */
  private static void keepStatus(HasMetadata found, HasMetadata wanted) {
    if (found instanceof Deployment before && wanted instanceof Deployment after) {
      after.setStatus(before.getStatus());
    }
  }

  /** Read as a list of one, as the operator has the right to list and needs no other. */
  private Optional<R> namesake(R wanted, KubernetesClient client) {
    var metadata = wanted.getMetadata();
    return client
        .resources(type)
        .inNamespace(metadata.getNamespace())
        .withField("metadata.name", metadata.getName())
        .list()
        .getItems()
        .stream()
        .findFirst();
  }

  /** Tells a change that was not asked for by the spec, nor by a new release of the operator. */
  private static void tell(HasMetadata found, HasMetadata wanted, String field) {
    boolean asked =
        !Objects.equals(
            wanted.getMetadata().getAnnotations().get(APPLIED),
            found.getMetadata().getAnnotations().get(APPLIED));
    if (!asked) {
      LOG.atInfo()
          .addKeyValue(LogKeys.KIND, found.getKind())
          .addKeyValue(LogKeys.NAMESPACE, found.getMetadata().getNamespace())
          .addKeyValue(LogKeys.NAME, found.getMetadata().getName())
          .addKeyValue(LogKeys.FIELD, field)
          .log("changed by somebody else; it is set back");
    }
  }

  private static boolean owns(LoraxServer server, HasMetadata found) {
    return found.getMetadata().getOwnerReferences().stream()
        .anyMatch(owner -> owner.getUid().equals(server.getMetadata().getUid()));
  }

  /** Also what a deleted server with the same name has left is, until it is collected. */
  private static boolean isOwned(LoraxServer server, HasMetadata found) {
    return found.getMetadata().getOwnerReferences().stream()
        .anyMatch(owner ->
            owner.getKind().equals(LoraxServer.KIND)
                && owner.getName().equals(server.getMetadata().getName()));
  }

  /** Of this kind; it has been registered under the kind's name. */
  private InformerEventSource<R, LoraxServer> source(Context<LoraxServer> context) {
    EventSource<R, LoraxServer> source =
        context.eventSourceRetriever().getEventSourceFor(type, kind());
    return (InformerEventSource<R, LoraxServer>) source;
  }
}
