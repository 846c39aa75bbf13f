package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;
import static java.util.Objects.requireNonNullElseGet;

import com.fasterxml.jackson.annotation.JsonClassDescription;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import io.fabric8.kubernetes.model.annotation.SpecReplicas;
import org.jspecify.annotations.Nullable;

/**
 * What a user asks for. Immutable; absent fields take the defaults that the CRD declares too, so
 * that an object reads the same whether an API server has defaulted it or not.
 */
@JsonClassDescription("What is asked for.")
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!has(self.model.hub) || !has(self.adapters) || !has(self.adapters.hub)",
    message =
        "spec.model.hub says how the hub is reached, for adapters too: remove spec.adapters.hub",
    fieldPath = ".adapters")
@ValidationRule(
    value = "!has(self.model.s3) || !has(self.adapters) || !has(self.adapters.s3)",
    message =
        "spec.model.s3 says how the object store is reached, for adapters too: remove"
            + " spec.adapters.s3",
    fieldPath = ".adapters")
@ValidationRule(
    value = "duration(self.drainTimeout) <= duration('24h')",
    message = "spec.drainTimeout must be at most 24h: a pod that stops holds its devices meanwhile",
    fieldPath = ".drainTimeout")
public record LoraxServerSpec(
    @Required
        @JsonPropertyDescription(
            "Where the base model comes from: exactly one of hub, s3 and pvc. Which model it is is"
                + " immutable, because adapters are trained for one base model.")
        ModelSource model,
    @Default("1")
        @Min(0)
        @Max(1000)
        @SpecReplicas
        @JsonPropertyDescription(
            "Number of identical replicas, each a pod with its own devices. The operator never"
                + " writes this field: kubectl scale and autoscalers own it.")
        Integer replicas,
    @Default("{}")
        @JsonPropertyDescription(
            "The processes that hold the model and compute, one for each device of a replica.")
        Shards shards,
    @Default("{}") @JsonPropertyDescription("The LoRA adapters that requests may name.")
        Adapters adapters,
    @Default("{}")
        @JsonPropertyDescription(
            "The process that takes HTTP requests and batches them for the shards.")
        Router router,
    @Default("{}")
        @JsonPropertyDescription(
            "The process that fetches the model, starts shards and router, and watches them.")
        Launcher launcher,
    @JsonPropertyDescription(
            "Volume for downloaded and converted weights. Without it each pod keeps them in a"
                + " volume of its own that goes with the pod.")
        @Nullable Cache cache,
    @Default("{}") @JsonPropertyDescription("The Service in front of the replicas.")
        ServerService service,
    @JsonPropertyDescription(
            "Number format of the weights on the devices: float32, bfloat16 or float16. Unset"
                + " takes what suits model and device.")
        @Nullable Dtype dtype,
    @JsonPropertyDescription(
            "Keeps the weights of linear layers in fewer bits, quantised while they load: int8 for"
                + " faster decoding in half the memory, int4 for less memory still. Unset keeps"
                + " them in spec.dtype. Adapters are not touched.")
        @Nullable Quantization quantize,
    @Default("60s")
        @Size(min = 2, max = 16)
        @Pattern(Names.DURATION)
        @JsonPropertyDescription(
            "How long a stopping replica gives its running requests to finish, for example 90s or"
                + " 1h30m, at most 24h. The pod's grace period is 25 seconds more: for the news that"
                + " it goes to spread, and for shards and launcher to stop.")
        String drainTimeout,
    @Default("{}")
        @JsonPropertyDescription(
            "How replicas are replaced when their pods must change. Running requests are finished"
                + " in any case, within spec.drainTimeout.")
        Rollout rollout,
    @Default("{}")
        @JsonPropertyDescription(
            "How many replicas may be evicted at a time, for example while nodes are drained.")
        DisruptionBudget disruptionBudget,
    @JsonPropertyDescription(
            "Lets the operator keep a HorizontalPodAutoscaler that moves spec.replicas with the"
                + " load of the routers. It needs the metrics API of the operator's chart"
                + " (metricsApi.enabled) or another source of the same metrics. Leave spec.replicas"
                + " out of manifests that are applied again and again.")
        @Nullable Autoscaling autoscaling,
    @Default("{}")
        @JsonPropertyDescription(
            "What is laid over the pods: where they may run, what they are called, whose images"
                + " they may pull.")
        PodTemplate podTemplate) {

  public LoraxServerSpec {
    replicas = requireNonNullElse(replicas, 1);
    shards = requireNonNullElseGet(shards, Shards::defaults);
    adapters = requireNonNullElseGet(adapters, Adapters::defaults);
    router = requireNonNullElseGet(router, Router::defaults);
    launcher = requireNonNullElseGet(launcher, Launcher::defaults);
    service = requireNonNullElseGet(service, ServerService::defaults);
    drainTimeout = requireNonNullElse(drainTimeout, "60s");
    rollout = requireNonNullElseGet(rollout, Rollout::defaults);
    disruptionBudget = requireNonNullElseGet(disruptionBudget, DisruptionBudget::defaults);
    podTemplate = requireNonNullElseGet(podTemplate, PodTemplate::defaults);
  }

  /** Number format of weights. */
  public enum Dtype {
    @JsonProperty("float32")
    FLOAT32,
    @JsonProperty("bfloat16")
    BFLOAT16,
    @JsonProperty("float16")
    FLOAT16
  }

  /** Bits of weights that are kept in fewer than their number format has. */
  public enum Quantization {
    @JsonProperty("int8")
    INT8,
    @JsonProperty("int4")
    INT4
  }
}
