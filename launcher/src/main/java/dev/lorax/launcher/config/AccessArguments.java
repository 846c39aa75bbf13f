package dev.lorax.launcher.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Options about keys and certificates, which pass through to the router. The files are those of its
 * container, so nobody looks at them here.
 */
final class AccessArguments {

  private @Nullable Path apiKeys;
  private @Nullable Path certificate;
  private @Nullable Path key;

  List<Option<?>> options() {
    return List.of(
        Option.of("--api-keys-file", Kind.PATH, value -> apiKeys = value)
            .usually("none: everybody may ask")
            .says("FILE", "JSON with hashed API keys; read again when it changes."),
        Option.of("--tls-cert-file", Kind.PATH, value -> certificate = value)
            .usually("none: plain HTTP")
            .says("FILE", "Certificate to serve HTTPS with, in PEM; read again when it changes."),
        Option.of("--tls-key-file", Kind.PATH, value -> key = value)
            .usually("none: plain HTTP")
            .says("FILE", "Key of that certificate, in PEM; read again when it changes."));
  }

  AccessFiles toConfig() {
    return new AccessFiles(apiKeys, certificate, key);
  }

  void check(Problems problems) {
    problems.together("--tls-cert-file", certificate, "--tls-key-file", key);
  }
}
