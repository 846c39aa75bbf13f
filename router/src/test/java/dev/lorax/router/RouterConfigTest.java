package dev.lorax.router;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.router.RouterConfig.Reading;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

class RouterConfigTest {
  @Test
  void has_upstreams_defaults() {
    RouterConfig config = read(Map.of(), "--tokenizer-name", "/model");

    assertThat(config.facts().limits().maxInputLength()).isEqualTo(1792);
    assertThat(config.facts().limits().maxTotalTokens()).isEqualTo(2048);
    assertThat(config.facts().limits().maxConcurrentRequests()).isEqualTo(1024);
    assertThat(config.batch().maxPrefillTokens()).isEqualTo(4096);
    assertThat(config.batch().waitingServedRatio()).isEqualTo(0.3f);
    assertThat(config.residency().maxActiveAdapters()).isEqualTo(128);
    assertThat(config.address().port()).isEqualTo(3000);
    assertThat(config.facts().modelId()).isEqualTo("/model");
  }

  @Test
  void takes_values_from_the_environment_unless_the_command_line_has_them() {
    var environment = Map.of("MAX_BEST_OF", "7", "PORT", "4000", "TOKENIZER_NAME", "/model");

    RouterConfig config = read(environment, "--port", "5000");

    assertThat(config.facts().limits().maxBestOf()).isEqualTo(7);
    assertThat(config.address().port()).isEqualTo(5000);
  }

  @Test
  void listens_everywhere_when_hostname_is_the_name_of_a_pod() {
    RouterConfig config = read(Map.of("HOSTNAME", "lorax-7d9f"), "--tokenizer-name", "/model");

    assertThat(config.address().hostname()).isEqualTo("0.0.0.0");
  }

  @Test
  void reports_all_mistakes_at_once() {
    Reading reading =
        RouterConfig.read(
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

    assertThat(reading)
        .isEqualTo(
            new Reading.Wrong(
                List.of(
                    "unknown argument `--frobnicate`",
                    "--tokenizer-name: expected the directory of the model, got nothing",
                    "--adapter-source: expected one of hub, s3, local, got `moon`",
                    "--max-input-length: expected less than --max-total-tokens 200, got 300",
                    "--port: expected an integer of at least 0, got `tcp://10.0.0.1:80`")));
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

      assertThat(config.address().port()).isEqualTo(1);
      assertThat(config.jsonOutput()).isTrue();
      assertThat(config.facts().modelId()).isEqualTo("a=b");
    }
  }

  @Test
  void says_which_options_lack_a_value_or_come_twice() {
    Reading reading =
        RouterConfig.read(
            List.of(
                "--tokenizer-name", "a", "-p", "--eager-prefill=x", "--tokenizer-name", "b", "c"),
            Map.of());

    assertThat(reading)
        .isEqualTo(
            new Reading.Wrong(
                List.of(
                    "--port: expected a value, got nothing",
                    "--eager-prefill: expected true or false, got `x`",
                    "--tokenizer-name: expected once, got it again",
                    "unknown argument `c`")));
  }

  @Test
  void help_tells_every_option_and_its_default() {
    var help = ((Reading.Answer) RouterConfig.read(List.of("-h"), Map.of())).text();

    RouterOptions.offered()
        .forEach((option, value) ->
            assertThat(help)
                .containsPattern(
                    Pattern.compile(
                        value == null || value.equals("false")
                            ? "\\R(  -p,|     ) " + option + "[ =]"
                            : "(?s)\\R(  -p,|     ) "
                                + option
                                + "=<\\w+>((?!\\R      --).)*Default: "
                                + Pattern.quote(value)
                                + "\\R")));
  }

  private static RouterConfig read(Map<String, String> environment, String... arguments) {
    Reading reading = RouterConfig.read(List.of(arguments), environment);
    assertThat(reading).isInstanceOf(Reading.Read.class);
    return ((Reading.Read) reading).config();
  }
}
