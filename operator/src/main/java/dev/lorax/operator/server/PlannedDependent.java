package dev.lorax.operator.server;

import dev.lorax.crds.v1alpha1.LoraxServer;
import dev.lorax.operator.server.plan.ServingPlan;
import io.fabric8.kubernetes.api.model.HasMetadata;
import io.fabric8.kubernetes.client.KubernetesClient;
import io.fabric8.kubernetes.client.KubernetesClientException;
import io.javaoperatorsdk.operator.api.reconciler.Context;
import io.javaoperatorsdk.operator.api.reconciler.dependent.DependentResource;
import io.javaoperatorsdk.operator.processing.dependent.Creator;
import io.javaoperatorsdk.operator.processing.dependent.Updater;
import io.javaoperatorsdk.operator.processing.dependent.kubernetes.KubernetesDependentResource;
import io.javaoperatorsdk.operator.processing.dependent.workflow.Condition;
import io.javaoperatorsdk.operator.processing.event.ResourceID;
import io.javaoperatorsdk.operator.processing.event.source.filter.OnAddFilter;
import java.net.HttpURLConnection;
import java.util.Optional;

/**
 * An object that belongs to a server and is as the server's plan says. Only what carries the
 * operator's labels is watched; an object that lost them is taken back when it is missed.
 */
abstract class PlannedDependent<R extends HasMetadata>
    extends KubernetesDependentResource<R, LoraxServer>
    implements Creator<R, LoraxServer>, Updater<R, LoraxServer> {

  /** The object; empty where the plan has none. */
  protected abstract Optional<R> in(ServingPlan plan);

  /** Its name; that of the server where nothing else is said. */
  protected String nameIn(ServingPlan plan) {
    return plan.server().name();
  }

  @Override
  protected final R desired(LoraxServer server, Context<LoraxServer> context) {
    return in(plan(context)).orElseThrow();
  }

  /** Known without rendering it, also when it is to go and the plan says nothing of it. */
  @Override
  protected final ResourceID targetSecondaryResourceID(
      LoraxServer server, Context<LoraxServer> context) {
    return new ResourceID(nameIn(plan(context)), server.getMetadata().getNamespace());
  }

  /** The framework refuses to overwrite what exists; what this very server owns may be. */
  @Override
  public final R create(R desired, LoraxServer server, Context<LoraxServer> context) {
    try {
      return super.create(desired, server, context);
    } catch (KubernetesClientException e) {
      if (e.getCode() != HttpURLConnection.HTTP_CONFLICT) {
        throw e;
      }
      R found =
          namesake(desired, context.getClient())
              .filter(namesake -> owns(server, namesake))
              .orElseThrow(() -> e);
      desired.getMetadata().setResourceVersion(null);
      return update(found, desired, server, context);
    }
  }

  /** Read as a list of one, as the operator has the right to list and needs no other. */
  private Optional<R> namesake(R desired, KubernetesClient client) {
    var metadata = desired.getMetadata();
    return client
        .resources(resourceType())
        .inNamespace(metadata.getNamespace())
        .withField("metadata.name", metadata.getName())
        .list()
        .getItems()
        .stream()
        .findFirst();
  }

  private static boolean owns(LoraxServer server, HasMetadata found) {
    return found.getMetadata().getOwnerReferences().stream()
        .anyMatch(owner -> owner.getUid().equals(server.getMetadata().getUid()));
  }

  private static ServingPlan plan(Context<LoraxServer> context) {
    return context
        .managedWorkflowAndDependentResourceContext()
        .getMandatory(ServingPlan.class, ServingPlan.class);
  }

  /** Reconciles none for what appears: it is as it was just written, or is seen after a start. */
  public static final class Never<R extends HasMetadata> implements OnAddFilter<R> {
    @Override
    public boolean accept(R appeared) {
      return false;
    }
  }

  /** Whether the plan has the object. */
  public static final class Wanted<R extends HasMetadata> implements Condition<R, LoraxServer> {
    @Override
    public boolean isMet(
        DependentResource<R, LoraxServer> dependent,
        LoraxServer server,
        Context<LoraxServer> context) {
      return ((PlannedDependent<R>) dependent).in(plan(context)).isPresent();
    }
  }
}
