package dev.lorax.launcher.config;

import java.net.URI;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * How the hub is reached, as huggingface_hub reads it from the environment.
 *
 * @param endpoint {@code HF_ENDPOINT}, without a slash at its end
 * @param token for the endpoint's own origin only; null asks without one
 * @param offline {@code HF_HUB_OFFLINE}: what is not in the cache is missing
 * @param stall {@code HF_HUB_DOWNLOAD_TIMEOUT}: a server that sends nothing for so long has failed
 * @param authorities {@code SSL_CERT_FILE} or {@code REQUESTS_CA_BUNDLE}; null trusts whom the JVM
 *     trusts
 */
public record HubConfig(
    URI endpoint,
    @Nullable Secret token,
    boolean offline,
    Duration stall,
    ProxyConfig proxies,
    @Nullable CertificateAuthorities authorities) {}
