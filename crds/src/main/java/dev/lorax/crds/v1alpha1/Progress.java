package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import org.jspecify.annotations.Nullable;

/** How far the replica that is furthest behind has come with getting its model. */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Progress(
    @JsonPropertyDescription("What is being done: downloading or converting.") String step,
    @JsonPropertyDescription("What it is done to: a model or an adapter, by its name.") String what,
    @JsonPropertyDescription(
            "Bytes done of all bytes, in steps of 5; absent where the size is not known.")
        @Nullable Integer percent,
    @JsonPropertyDescription("All bytes of this step; absent where they are not known.")
        @Nullable Long totalBytes) {}
