package dev.lorax.launcher.config;

import java.net.URI;
import org.jspecify.annotations.Nullable;

/**
 * How S3 is reached, from the usual {@code AWS_*} variables.
 *
 * @param endpoint of an S3-compatible store ({@code S3_ENDPOINT_URL}, {@code AWS_ENDPOINT_URL_S3},
 *     {@code AWS_ENDPOINT_URL}, or that of {@code R2_ACCOUNT_ID}); null is AWS itself
 * @param region null leaves it to the store
 * @param accessKeyId null asks without a signature, unless the container has a role
 * @param authorities {@code AWS_CA_BUNDLE}, else those of the hub; null trusts whom the JVM trusts
 */
public record S3Config(
    @Nullable URI endpoint,
    @Nullable String region,
    @Nullable String accessKeyId,
    @Nullable Secret secretAccessKey,
    @Nullable Secret sessionToken,
    @Nullable CertificateAuthorities authorities) {}
