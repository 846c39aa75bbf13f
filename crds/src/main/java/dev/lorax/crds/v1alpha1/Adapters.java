package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The LoRA adapters of a server. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value =
        "!has(self.source) || self.source != 'local' || has(self.pvc)"
            + " || (!has(self.staticId) && (!has(self.preload) || self.preload.size() == 0))",
    message =
        "adapters of source local are directories of a claim: name the claim that holds them in"
            + " spec.adapters.pvc, or set another source",
    fieldPath = ".pvc")
public record Adapters(
    @JsonPropertyDescription(
            "Where adapter ids are looked up when a request names no source: hub, s3, or local for"
                + " directories under spec.adapters.pvc. Unset means local where spec.adapters.pvc"
                + " is set, else hub.")
        @Nullable Source source,
    @JsonPropertyDescription(
            "The claim whose directory holds one directory for each adapter, in PEFT layout. The id"
                + " of an adapter is its path relative to that directory.")
        @Nullable Claim pvc,
    @JsonPropertyDescription(
            "How the hub of the adapters is reached. Not with spec.model.hub, which says it for"
                + " model and adapters.")
        @Nullable HubAccess hub,
    @JsonPropertyDescription(
            "How the object store of the adapters is reached. Not with spec.model.s3, which says it"
                + " for model and adapters.")
        @Nullable S3Access s3,
    @Size(min = 1, max = 256)
        @Pattern(Names.ADAPTER_ID)
        @JsonPropertyDescription("Id of the adapter that answers requests which name none.")
        @Nullable String staticId,
    @Size(max = 128)
        @JsonPropertyDescription(
            "Ids of adapters that a replica loads before it takes requests. Others are loaded when"
                + " a request names them.")
        List<@Size(min = 1, max = 256) @Pattern(Names.ADAPTER_ID) String> preload) {

  public Adapters {
    preload = List.copyOf(requireNonNullElse(preload, List.of()));
  }

  static Adapters defaults() {
    return new Adapters(null, null, null, null, null, List.of());
  }

  /** Where adapter ids are looked up. */
  public enum Source {
    @JsonProperty("hub")
    HUB,
    @JsonProperty("s3")
    S3,
    @JsonProperty("local")
    LOCAL
  }
}
