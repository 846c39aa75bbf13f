package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;

/** A place inside a PersistentVolumeClaim. It is mounted read-only. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "!self.path.startsWith('/') && !self.path.matches('(^|/)[.][.](/|$)')",
    messageExpression =
        "'path must stay inside the claim: write it relative to the root of the claim,"
            + " without a leading / and without .., got ' + self.path",
    fieldPath = ".path")
public record Claim(
    @Required
        @Size(min = 1, max = 253)
        @Pattern(Names.DNS_SUBDOMAIN)
        @JsonPropertyDescription(
            "Name of the PersistentVolumeClaim, in the namespace of the LoraxServer.")
        String claimName,
    @Default("\"\"")
        @Size(max = 512)
        @JsonPropertyDescription(
            "Path inside the claim, relative to its root: for a model a directory in Hugging Face"
                + " layout or a .gguf file, for adapters the directory that holds one directory for"
                + " each adapter. Empty for the root.")
        String path) {

  public Claim {
    path = requireNonNullElse(path, "");
  }
}
