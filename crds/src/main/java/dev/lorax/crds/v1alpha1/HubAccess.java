package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Size;
import org.jspecify.annotations.Nullable;

/** How a model hub is reached. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record HubAccess(
    @Size(min = 8, max = 512)
        @Pattern(Names.ENDPOINT)
        @JsonPropertyDescription(
            "URL of a hub that speaks the API of huggingface.co; huggingface.co when unset.")
        @Nullable String endpoint,
    @JsonPropertyDescription(
            "Token for private and gated repositories of adapters that are preloaded. A request that"
                + " names another private adapter brings a token of its own. Give this one reading"
                + " rights only.")
        @Nullable SecretKey tokenSecret) {}
