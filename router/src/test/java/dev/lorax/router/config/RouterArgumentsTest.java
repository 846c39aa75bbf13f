package dev.lorax.router.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.options.OptionGroup;
import dev.lorax.router.config.RouterArguments.Parsed;
import dev.lorax.router.http.ClientPatience;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RouterArgumentsTest {
  @Test
  void has_upstreams_defaults() {
    RouterConfig config = read(Map.of(), "--tokenizer-name", "/model");

    assertThat(config.facts().limits().maxInputLength()).isEqualTo(1792);
    assertThat(config.facts().limits().maxTotalTokens()).isEqualTo(2048);
    assertThat(config.facts().limits().maxConcurrentRequests()).isEqualTo(1024);
    assertThat(config.batch().maxPrefillTokens()).isEqualTo(4096);
    assertThat(config.batch().waitingServedRatio()).isEqualTo(0.3f);
    assertThat(config.residency().maxActiveAdapters()).isEqualTo(128);
    assertThat(config.http().address().port()).isEqualTo(3000);
    assertThat(config.facts().modelId()).isEqualTo("/model");
  }

  @Test
  void takes_values_from_the_environment_unless_the_command_line_has_them() {
    var environment = Map.of("MAX_BEST_OF", "7", "PORT", "4000", "TOKENIZER_NAME", "/model");

    RouterConfig config = read(environment, "--port", "5000");

    assertThat(config.facts().limits().maxBestOf()).isEqualTo(7);
    assertThat(config.http().address().port()).isEqualTo(5000);
  }

  /** The launcher names them so. */
  @Test
  void reads_how_long_to_wait_for_clients_from_the_environment() {
    var environment =
        Map.of(
            "TOKENIZER_NAME", "/model",
            "CLIENT_REQUEST_TIMEOUT_S", "5",
            "CLIENT_ANSWER_TIMEOUT_S", "6",
            "CLIENT_IDLE_TIMEOUT_S", "7");

    assertThat(read(environment).http().patience())
        .isEqualTo(
            new ClientPatience(
                Duration.ofSeconds(5), Duration.ofSeconds(6), Duration.ofSeconds(7)));
  }

  @Test
  void listens_everywhere_when_hostname_is_the_name_of_a_pod() {
    RouterConfig config = read(Map.of("HOSTNAME", "lorax-7d9f"), "--tokenizer-name", "/model");

    assertThat(config.http().address().hostname()).isEqualTo("0.0.0.0");
  }

  @Test
  void refuses_credentials_of_every_page() {
    Parsed parsed =
        RouterArguments.parse(
            List.of("--tokenizer-name", "/model", "--cors-allow-credentials", "true"),
            Map.of("CORS_ALLOW_ORIGIN", "*,https://a.example.org"));

    assertThat(parsed)
        .isEqualTo(
            new Parsed.Wrong(
                List.of(
                    "--cors-allow-credentials: expected --cors-allow-origin with it, got any origin;"
                        + " every page that somebody visits could ask in their name",
                    "CORS_ALLOW_ORIGIN (--cors-allow-origin): expected * alone or origins, got"
                        + " *,https://a.example.org")));
  }

  @Test
  void reports_all_mistakes_at_once() {
    Parsed parsed =
        RouterArguments.parse(
            List.of(
                "--port",
                "tcp://10.0.0.1:80",
                "--max-input-length",
                "300",
                "--max-total-tokens",
                "200",
                "--adapter-source",
                "moon",
                "--frobnicate"),
            Map.of());

    assertThat(parsed)
        .isEqualTo(
            new Parsed.Wrong(
                List.of(
                    "--port: expected a whole number, got tcp://10.0.0.1:80",
                    "--adapter-source: expected hub, s3 or local, got moon",
                    "--frobnicate: unknown option; --help lists all",
                    "--tokenizer-name: expected the directory of the model, got nothing",
                    "--max-input-length: expected less than --max-total-tokens 200, got 300; an"
                        + " answer needs at least one token")));
  }

  @Test
  void reads_switches_of_the_environment_as_upstream_does() {
    assertThat(read(Map.of("EAGER_PREFILL", "1"), "--tokenizer-name", "m").batch().eagerPrefill())
        .isTrue();
    assertThat(read(Map.of("EAGER_PREFILL", "off"), "--tokenizer-name", "m").batch().eagerPrefill())
        .isFalse();
  }

  @Test
  void reads_values_however_they_are_attached() {
    for (var port : List.of(List.of("--port=1"), List.of("-p", "1"), List.of("-p1"))) {
      var line = new ArrayList<>(port);
      line.add("--json-output=true");
      line.add("--tokenizer-name=a=b");

      RouterConfig config = read(Map.of(), line.toArray(String[]::new));

      assertThat(config.http().address().port()).isEqualTo(1);
      assertThat(config.jsonOutput()).isTrue();
      assertThat(config.facts().modelId()).isEqualTo("a=b");
    }
  }

  @Test
  void says_which_options_lack_a_value_or_come_twice() {
    Parsed parsed =
        RouterArguments.parse(
            List.of(
                "--tokenizer-name", "a", "-p", "--eager-prefill=x", "--tokenizer-name", "b", "c"),
            Map.of());

    assertThat(parsed)
        .isEqualTo(
            new Parsed.Wrong(
                List.of(
                    "--port: expected a whole number, got nothing",
                    "--eager-prefill: expected true or false, got x",
                    "--tokenizer-name: expected once, got it again",
                    "c: expected an option that starts with --")));
  }

  @Test
  void says_in_which_order_limits_must_be_and_under_which_name_they_were_set() {
    Parsed parsed =
        RouterArguments.parse(
            List.of("--max-batch-prefill-tokens=100", "--queue-order", "random"),
            Map.of("TOKENIZER_NAME", "m", "MAX_BATCH_TOTAL_TOKENS", "99", "LAME_DUCK_S", "-1"));

    assertThat(parsed)
        .isEqualTo(
            new Parsed.Wrong(
                List.of(
                    "--queue-order: expected fair or arrival, got random",
                    "LAME_DUCK_S (--lame-duck-s): expected a number of at least 0, got -1",
                    "--max-batch-prefill-tokens: expected at most --max-batch-total-tokens 99,"
                        + " got 100",
                    "--max-total-tokens: expected at most --max-batch-total-tokens 99, got"
                        + " 2048")));
  }

  @Test
  void does_not_take_a_service_of_kubernetes_for_a_port() {
    Parsed.Run run = run(Map.of("PORT", "tcp://10.0.0.8:1"), "--tokenizer-name", "m");

    assertThat(run.config().http().address().port()).isEqualTo(3000);
    assertThat(run.remarks()).containsOnlyKeys("PORT");
  }

  @Test
  void tells_the_options_in_effect_as_a_line_that_means_the_same() {
    Parsed.Run run = run(Map.of("MAX_BEST_OF", "7"), "--tokenizer-name", "m", "-p80");

    assertThat(run.options())
        .contains("--tokenizer-name=m", "--port=80", "--max-best-of=7", "--hostname=0.0.0.0")
        .contains("--adapter-source=hub", "--queue-order=fair", "--waiting-served-ratio=0.3")
        .doesNotContain("--json-output", "--revision");
    assertThat(run(Map.of(), run.options().split(" ")).config()).isEqualTo(run.config());
  }

  @Test
  void help_tells_every_option_with_variable_and_default() {
    var help = ((Parsed.Print) RouterArguments.parse(List.of("-h"), Map.of())).text();

    for (var option : OptionGroup.options(RouterArguments.offered())) {
      String usual = option.usual() == null ? "" : " [" + option.usual() + "]";
      String variable = option.variable() == null ? "" : " " + option.variable() + usual;
      assertThat(help.lines())
          .anyMatch(line ->
              line.substring(Math.min(2, line.length())).startsWith(option.names().getFirst())
                  && line.contains(option.name())
                  && line.endsWith(variable));
    }
    assertThat(help.lines()).allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
  }

  private static RouterConfig read(Map<String, String> environment, String... arguments) {
    return run(environment, arguments).config();
  }

  private static Parsed.Run run(Map<String, String> environment, String... arguments) {
    Parsed parsed = RouterArguments.parse(List.of(arguments), environment);
    assertThat(parsed).isInstanceOf(Parsed.Run.class);
    return (Parsed.Run) parsed;
  }
}
