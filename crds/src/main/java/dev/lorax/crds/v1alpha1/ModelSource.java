package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/**
 * Origin of a base model: a union of which exactly one member is set. Which model it is can never
 * change, because adapters fit one base model only; how it is reached can.
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value = "[has(self.hub), has(self.s3), has(self.pvc)].filter(x, x).size() == 1",
    messageExpression =
        "'set exactly one of hub, s3 and pvc to say where the base model comes from, got '"
            + " + (has(self.hub) || has(self.s3) || has(self.pvc) ? 'several' : 'none')")
@ValidationRule(
    value =
        "has(self.hub) == has(oldSelf.hub) && has(self.s3) == has(oldSelf.s3)"
            + " && (!has(self.pvc) || !has(oldSelf.pvc) || self.pvc == oldSelf.pvc)",
    message = ModelSource.IMMUTABLE)
public record ModelSource(
    @JsonPropertyDescription("A model of a model hub, downloaded when a replica starts.")
        @Nullable Hub hub,
    @JsonPropertyDescription("A model in an S3 bucket, downloaded when a replica starts.")
        @Nullable S3 s3,
    @JsonPropertyDescription("A model in a PersistentVolumeClaim of the same namespace.")
        @Nullable Claim pvc) {

  static final String IMMUTABLE =
      "spec.model is immutable, because adapters fit one base model only:"
          + " create a second LoraxServer for the other model and move the clients over";

  /** A model by its name on a model hub. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(
      value =
          "self.id == oldSelf.id && has(self.revision) == has(oldSelf.revision)"
              + " && (!has(self.revision) || self.revision == oldSelf.revision)",
      message = IMMUTABLE)
  public record Hub(
      @Required
          @Size(min = 1, max = 256)
          @Pattern("^[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?$")
          @JsonPropertyDescription(
              "Name of the model, for example HuggingFaceTB/SmolLM2-135M-Instruct.")
          String id,
      @Size(min = 1, max = 256)
          @Pattern("^[A-Za-z0-9][A-Za-z0-9._/-]*$")
          @JsonPropertyDescription(
              "Branch, tag or commit of the model; the hub's default when absent.")
          @Nullable String revision,
      @Size(min = 8, max = 512)
          @Pattern(Names.ENDPOINT)
          @JsonPropertyDescription(
              "URL of a hub that speaks the API of huggingface.co; huggingface.co when unset.")
          @Nullable String endpoint,
      @JsonPropertyDescription(
              "Token for private and gated repositories: of the model and of adapters that are"
                  + " preloaded. A request that names another private adapter brings a token of"
                  + " its own. Give this one reading rights only.")
          @Nullable SecretKey tokenSecret) {

    /** How the hub is reached, for whatever is read from it. */
    public HubAccess access() {
      return new HubAccess(endpoint, tokenSecret);
    }
  }

  /** A model in a bucket. */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  @ValidationRule(value = "self.uri == oldSelf.uri", message = IMMUTABLE)
  public record S3(
      @Required
          @Size(min = 6, max = 1024)
          @Pattern("^s3://[a-z0-9][a-z0-9.-]*[a-z0-9](/[A-Za-z0-9!_.*'()-]+)*/?$")
          @JsonPropertyDescription(
              "Bucket and prefix below which the files of the model lie, for example"
                  + " s3://models/smollm2.")
          String uri,
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
                  + " credentials are temporary AWS_SESSION_TOKEN. For the model and for adapters.")
          S3Access.@Nullable CredentialsSecret credentialsSecret) {

    /** How the store is reached, for whatever is read from it. */
    public S3Access access() {
      return new S3Access(endpoint, region, credentialsSecret);
    }
  }
}
