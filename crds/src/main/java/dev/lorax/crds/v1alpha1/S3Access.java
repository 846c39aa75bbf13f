package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** How an S3-compatible object store is reached. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record S3Access(
    @Size(min = 8, max = 512)
        @Pattern(Names.ENDPOINT)
        @JsonPropertyDescription("URL of an S3-compatible store; that of AWS when unset.")
        @Nullable String endpoint,
    @Size(min = 1, max = 64)
        @Pattern("^[a-z0-9-]+$")
        @JsonPropertyDescription("Region of the bucket, for example eu-central-1.")
        @Nullable String region,
    @JsonPropertyDescription(
            "Secret with the keys AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and where the"
                + " credentials are temporary AWS_SESSION_TOKEN. Without it the bucket is read"
                + " without credentials or with those of the node.")
        @Nullable CredentialsSecret credentialsSecret) {

  /** A Secret of which several keys are used. */
  public record CredentialsSecret(
      @Required
          @Size(min = 1, max = 253)
          @Pattern(Names.DNS_SUBDOMAIN)
          @JsonPropertyDescription("Name of the Secret, in the namespace of the LoraxServer.")
          String name) {}
}
