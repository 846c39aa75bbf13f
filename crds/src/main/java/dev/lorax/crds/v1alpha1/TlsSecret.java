package dev.lorax.crds.v1alpha1;

import com.fasterxml.jackson.annotation.JsonPropertyDescription;
import io.fabric8.generator.annotation.Pattern;
import io.fabric8.generator.annotation.Required;
import io.fabric8.generator.annotation.Size;

/** A Secret with a certificate and its key. The operator never reads it. */
public record TlsSecret(
    @Required
        @Size(min = 1, max = 253)
        @Pattern(Names.DNS_SUBDOMAIN)
        @JsonPropertyDescription(
            "Name of the Secret, in the namespace of the LoraxServer, of type kubernetes.io/tls: its"
                + " keys are tls.crt and tls.key.")
        String name) {}
