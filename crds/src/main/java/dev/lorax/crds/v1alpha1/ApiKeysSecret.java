package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** A Secret with the API keys of a server, hashed. The operator never reads it. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record ApiKeysSecret(
    @Required
        @Size(min = 1, max = 253)
        @Pattern(Names.DNS_SUBDOMAIN)
        @JsonPropertyDescription("Name of the Secret, in the namespace of the LoraxServer.")
        String name,
    @Default("keys.json")
        @Size(min = 1, max = 253)
        @Pattern(Names.SECRET_KEY)
        @JsonPropertyDescription("Key of the file with the API keys in the Secret.")
        String key) {

  public ApiKeysSecret {
    key = requireNonNullElse(key, "keys.json");
  }
}
