package dev.lorax.crds.v1alpha1;

import static java.util.Objects.requireNonNullElse;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Default;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** One value of a Secret. The operator never reads it; it only names it to the kubelet. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record SecretKey(
    @Required
        @Size(min = 1, max = 253)
        @Pattern(Names.DNS_SUBDOMAIN)
        @JsonPropertyDescription("Name of the Secret, in the namespace of the LoraxServer.")
        String name,
    @Default("token")
        @Size(min = 1, max = 253)
        @Pattern(Names.SECRET_KEY)
        @JsonPropertyDescription("Key of the value in the Secret.")
        String key) {

  public SecretKey {
    key = requireNonNullElse(key, "token");
  }
}
