package dev.lorax.launcher.config;

import dev.lorax.options.Environment;
import dev.lorax.options.Problems;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** How hub and S3 are reached: the variables that their own tools read, and no options. */
final class RemoteStores {

  private static final URI HUB = URI.create("https://huggingface.co");
  private static final Set<String> TRUE = Set.of("1", "on", "yes", "true");

  /** Most specific first; huggingface_hub's own name, then the two that upstream LoRAX reads. */
  private static final List<String> TOKENS =
      List.of("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_API_TOKEN");

  /** Longer than huggingface_hub's 10 s, as the stores behind a hub may have to warm up a file. */
  private static final Duration STALL = Duration.ofSeconds(30);

  private final Environment environment;
  private final Path home;
  private final Problems problems;

  RemoteStores(Environment environment, Path home, Problems problems) {
    this.environment = environment;
    this.home = home;
    this.problems = problems;
  }

  HubConfig hub() {
    URI endpoint = address("HF_ENDPOINT");
    return new HubConfig(
        endpoint == null ? HUB : endpoint,
        token(),
        offline(),
        stall(),
        new ProxyVariables(environment, problems).read(),
        authorities("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"));
  }

  S3Config s3() {
    String secret = environment.get("AWS_SECRET_ACCESS_KEY");
    String session = environment.get("AWS_SESSION_TOKEN");
    return new S3Config(
        s3Endpoint(),
        environment.first("AWS_REGION", "AWS_DEFAULT_REGION"),
        environment.get("AWS_ACCESS_KEY_ID"),
        secret == null ? null : new Secret(secret),
        session == null ? null : new Secret(session),
        authorities("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"));
  }

  /** The option or its variable, unless huggingface_hub's own variable says otherwise. */
  Path hubCache(@Nullable Path asked, Path usual) {
    String variable = environment.get("HF_HUB_CACHE");
    boolean typed = !environment.taken().containsKey("--huggingface-hub-cache");
    if (asked != null && (typed || variable == null)) {
      return asked;
    }
    if (variable != null) {
      return expanded(variable);
    }
    return environment.get("HF_HOME") == null ? usual : hubHome().resolve("hub");
  }

  private boolean offline() {
    String offline = environment.first("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE");
    return offline != null && TRUE.contains(offline.toLowerCase(Locale.ROOT));
  }

  private Duration stall() {
    String seconds = environment.get("HF_HUB_DOWNLOAD_TIMEOUT");
    if (seconds == null) {
      return STALL;
    }
    if (seconds.matches("[1-9]\\d{0,5}")) {
      return Duration.ofSeconds(Long.parseLong(seconds));
    }
    problems.add("HF_HUB_DOWNLOAD_TIMEOUT: expected seconds above 0, got " + seconds);
    return STALL;
  }

  private @Nullable Secret token() {
    String token = environment.first(TOKENS.toArray(String[]::new));
    return token != null ? new Secret(token) : tokenFile();
  }

  private @Nullable Secret tokenFile() {
    String named = environment.get("HF_TOKEN_PATH");
    Path file = named == null ? hubHome().resolve("token") : expanded(named);
    if (named == null && !Files.isRegularFile(file)) {
      return null;
    }
    try {
      String token = Files.readString(file).strip();
      return token.isEmpty() ? null : new Secret(token);
    } catch (IOException e) {
      problems.add("HF_TOKEN_PATH: expected a readable file with a token, got %s".formatted(file));
      return null;
    }
  }

  /** What the first of these variables that is set names. */
  private @Nullable CertificateAuthorities authorities(String... names) {
    String name =
        Stream.of(names).filter(key -> environment.get(key) != null).findFirst().orElse("");
    String file = environment.get(name);
    if (file == null) {
      return null;
    }
    try {
      return CertificateAuthorities.read(expanded(file));
    } catch (IOException | CertificateException e) {
      problems.add(
          "%s: expected a readable file with certificates in PEM form, got %s"
              .formatted(name, file));
      return null;
    }
  }

  private Path hubHome() {
    String hubHome = environment.get("HF_HOME");
    return hubHome == null ? home.resolve(".cache/huggingface") : expanded(hubHome);
  }

  private Path expanded(String path) {
    return path.startsWith("~/") ? home.resolve(path.substring(2)) : Path.of(path);
  }

  private @Nullable URI s3Endpoint() {
    for (var name : List.of("S3_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")) {
      URI endpoint = address(name);
      if (endpoint != null) {
        return endpoint;
      }
    }
    String account = environment.get("R2_ACCOUNT_ID");
    return account == null
        ? null
        : URI.create("https://%s.r2.cloudflarestorage.com".formatted(account));
  }

  private @Nullable URI address(String name) {
    String value = environment.get(name);
    if (value == null) {
      return null;
    }
    try {
      URI address = URI.create(value.replaceFirst("/+$", ""));
      if (address.getHost() != null && List.of("http", "https").contains(address.getScheme())) {
        return address;
      }
    } catch (IllegalArgumentException e) {
      // Told below, as any other wrong address.
    }
    problems.add(
        "%s: expected an address such as https://host:port, got %s".formatted(name, value));
    return null;
  }
}
