package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The LoRA adapters of a server. */
@JsonInclude(JsonInclude.Include.NON_EMPTY)
@ValidationRule(
    value =
        "!has(self.preload) || self.preload.size() == 0 || self.source != 'local' || has(self.pvc)",
    message =
        "adapters of source local are directories of a claim: name the claim that holds them in"
            + " spec.adapters.pvc, or leave preload empty",
    fieldPath = ".pvc")
public record Adapters(
    @Default("local")
        @JsonPropertyDescription(
            "Where adapter ids are looked up: local means directories under spec.adapters.pvc.")
        Source source,
    @JsonPropertyDescription(
            "The claim whose directory holds one directory for each adapter, in PEFT layout. The id"
                + " of an adapter is its path relative to that directory.")
        @Nullable Claim pvc,
    @Size(max = 128)
        @JsonPropertyDescription(
            "Ids of adapters that a replica loads before it takes requests. Others are loaded when"
                + " a request names them.")
        List<@Size(min = 1, max = 256) @Pattern(Names.ADAPTER_ID) String> preload) {

  public Adapters {
    source = requireNonNullElse(source, Source.LOCAL);
    preload = List.copyOf(requireNonNullElse(preload, List.of()));
  }

  static Adapters defaults() {
    return new Adapters(Source.LOCAL, null, List.of());
  }

  /** Where adapter ids are looked up. */
  public enum Source {
    @JsonProperty("local")
    LOCAL
  }
}
