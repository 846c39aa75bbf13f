package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Max;
import io.fabric8.generator.annotation.Min;
import io.fabric8.generator.annotation.Size;
import io.fabric8.generator.annotation.ValidationRule;
import org.jspecify.annotations.Nullable;

/** The router of one replica; absent limits are the router's own defaults. */
@JsonInclude(JsonInclude.Include.NON_NULL)
@ValidationRule(
    value =
        "!has(self.maxInputLength) || !has(self.maxTotalTokens)"
            + " || self.maxInputLength < self.maxTotalTokens",
    message =
        "maxInputLength must be less than maxTotalTokens: a request needs room for its prompt and"
            + " at least one new token",
    fieldPath = ".maxInputLength")
@ValidationRule(
    value =
        "!has(self.maxTotalTokens) || !has(self.maxBatchTotalTokens)"
            + " || self.maxTotalTokens <= self.maxBatchTotalTokens",
    message =
        "maxBatchTotalTokens must be at least maxTotalTokens: a batch needs room for one request of"
            + " any allowed length",
    fieldPath = ".maxBatchTotalTokens")
public record Router(
    @Size(min = 1, max = 512)
        @JsonPropertyDescription(
            "Container image of the router; the operator's default when unset.")
        @Nullable String image,
    @JsonPropertyDescription("Compute resources of the router's container.")
        @Nullable ComputeResources resources,
    @Min(1)
        @Max(10_000_000)
        @JsonPropertyDescription("Most tokens that the prompt of one request may have.")
        @Nullable Integer maxInputLength,
    @Min(2)
        @Max(10_000_000)
        @JsonPropertyDescription("Most tokens of one request, prompt and new tokens together.")
        @Nullable Integer maxTotalTokens,
    @Min(2)
        @Max(100_000_000)
        @JsonPropertyDescription("Most tokens of all requests in a batch together.")
        @Nullable Integer maxBatchTotalTokens,
    @Min(1)
        @Max(100_000_000)
        @JsonPropertyDescription("Most prompt tokens that one prefill may take.")
        @Nullable Integer maxBatchPrefillTokens,
    @Min(1)
        @Max(1_000_000)
        @JsonPropertyDescription("Requests above this number are refused with status 429.")
        @Nullable Integer maxConcurrentRequests,
    @Min(1) @Max(1_000_000) @JsonPropertyDescription("Most adapters on the shards at a time.")
        @Nullable Integer maxActiveAdapters,
    @Min(1)
        @Max(3600)
        @JsonPropertyDescription(
            "Seconds that a busy adapter keeps its place on the shards while others wait for one.")
        @Nullable Integer adapterCycleTimeSeconds,
    @JsonPropertyDescription(
            "Secret with the file of API keys: who may ask, for which adapters, how much. A change"
                + " of the Secret counts within a minute or two, without a restart; without the"
                + " Secret, routers do not start. Unset lets everybody ask who reaches the Service.")
        @Nullable ApiKeysSecret apiKeysSecret,
    @JsonPropertyDescription(
            "Secret with the certificate that routers serve HTTPS with, for instance of"
                + " cert-manager. A renewed one counts within a minute or two, without a restart;"
                + " without the Secret, routers do not start. Unset serves plain HTTP.")
        @Nullable TlsSecret tlsSecret) {

  static Router defaults() {
    return new Router(null, null, null, null, null, null, null, null, null, null, null);
  }
}
