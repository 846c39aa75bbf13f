package dev.lorax.launcher.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.Problems;
import java.util.ArrayList;
import java.util.List;

/** Options about pages of other origins, which pass through to the router as typed. */
final class CorsArguments {

  private final List<String> origins = new ArrayList<>();
  private final List<String> methods = new ArrayList<>();
  private final List<String> headers = new ArrayList<>();
  private final List<String> exposedHeaders = new ArrayList<>();
  private boolean credentials;

  List<Option<?>> options() {
    return List.of(
        Option.of("--cors-allow-origin", Kind.ORIGIN, origins::add)
            .separatedBy(",")
            .usually("any")
            .says("ORIGIN", "Origin whose pages may ask. Repeatable, or with commas."),
        Option.of("--cors-allow-method", Kind.TOKEN, methods::add)
            .separatedBy(",")
            .usually("GET and POST")
            .says("METHOD", "Method that they may use. Repeatable, or with commas."),
        Option.of("--cors-allow-header", Kind.TOKEN, headers::add)
            .separatedBy(",")
            .usually("content-type and authorization")
            .says("NAME", "Header that they may send. Repeatable, or with commas."),
        Option.of("--cors-expose-header", Kind.TOKEN, exposedHeaders::add)
            .separatedBy(",")
            .usually("none")
            .says("NAME", "Header of the answer that they may read. Repeatable, or with commas."),
        Option.of("--cors-allow-credentials", Kind.TRUTH, value -> credentials = value)
            .initially(credentials)
            .says("BOOL", "Whether their cookies come along; only from origins that are named."));
  }

  void check(Problems problems) {
    problems.expect(
        !credentials || !(origins.isEmpty() || origins.contains("*")),
        "--cors-allow-credentials",
        "--cors-allow-origin with it",
        "any origin",
        "every page that somebody visits could ask in their name");
    problems.expect(
        origins.size() < 2 || !origins.contains("*"),
        "--cors-allow-origin",
        "* alone or origins",
        String.join(",", origins));
  }

  CrossOrigin toConfig() {
    return new CrossOrigin(origins, methods, headers, exposedHeaders, credentials);
  }
}
