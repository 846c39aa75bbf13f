package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn;
import io.fabric8.crd.generator.annotation.AdditionalPrinterColumn.Type;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.api.model.Namespaced;
import io.fabric8.kubernetes.client.CustomResource;
import io.fabric8.kubernetes.model.annotation.Categories;
import io.fabric8.kubernetes.model.annotation.Group;
import io.fabric8.kubernetes.model.annotation.Kind;
import io.fabric8.kubernetes.model.annotation.Plural;
import io.fabric8.kubernetes.model.annotation.ShortNames;
import io.fabric8.kubernetes.model.annotation.Singular;
import io.fabric8.kubernetes.model.annotation.Version;

/**
 * One base model with its LoRA adapters, served by a number of identical replicas.
 *
 * <p>A mutable bean because the Kubernetes client builds and fills it; spec and status are records.
 */
@Group(LoraxServer.GROUP)
@Version(LoraxServer.VERSION)
@Kind(LoraxServer.KIND)
@Singular("loraxserver")
@Plural(LoraxServer.PLURAL)
@ShortNames("lxs")
@Categories({"all", "lorax"})
@JsonClassDescription(
    "A LoraxServer serves one base model and any number of LoRA adapters from the same devices."
        + " Every request may name its own adapter; requests for different adapters share a batch.")
@ValidationRule(
    value =
        "self.metadata.name.size() <= 52 &&"
            + " self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message =
        "metadata.name must be at most 52 characters of a-z, 0-9 and '-', starting with a letter:"
            + " the Service and the pods are named after it")
@AdditionalPrinterColumn(
    name = "Model",
    jsonPath = ".status.model",
    getDescription = "The base model and where it comes from")
@AdditionalPrinterColumn(
    name = "Replicas",
    jsonPath = ".spec.replicas",
    type = Type.INTEGER,
    getDescription = "Replicas asked for")
@AdditionalPrinterColumn(
    name = "Ready",
    jsonPath = ".status.readyReplicas",
    type = Type.INTEGER,
    getDescription = "Replicas that answer requests")
@AdditionalPrinterColumn(
    name = "Adapters",
    jsonPath = ".status.adaptersReady",
    getDescription = "Preloaded adapters that every ready replica holds, of those asked for")
@AdditionalPrinterColumn(
    name = "Status",
    jsonPath = ".status.conditions[?(@.type==\"Ready\")].reason",
    getDescription = "Reason of the condition Ready")
@AdditionalPrinterColumn(name = "Age", jsonPath = ".metadata.creationTimestamp", type = Type.DATE)
@AdditionalPrinterColumn(
    name = "Message",
    jsonPath = ".status.conditions[?(@.type==\"Ready\")].message",
    priority = 1,
    getDescription = "Message of the condition Ready")
public final class LoraxServer extends CustomResource<LoraxServerSpec, LoraxServerStatus>
    implements Namespaced {

  public static final String GROUP = "lorax.dev";
  public static final String VERSION = "v1alpha1";
  public static final String KIND = "LoraxServer";
  public static final String PLURAL = "loraxservers";
}
