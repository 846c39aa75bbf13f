package dev.lorax.launcher.config;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lorax.options.Option;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * What is written about the options says what the options are. After a change, take the text that
 * this test leaves in {@code target/}.
 */
final class OptionReferenceTest {

  private static final Path HELP = Path.of("src/test/resources/OptionReferenceTest/help.txt");
  private static final Path PAGE = Path.of("../docs/launcher.md");
  private static final String TABLE_HEAD =
      "| option | env | upstream default | ours | note |\n|---|---|---|---|---|\n";

  private final Map<String, String> upstream = UpstreamOptions.defaultsOfSupported();

  @Test
  void help_is_what_was_last_looked_at() throws Exception {
    var help =
        (LauncherArguments.Parsed.Print)
            LauncherArguments.parse(List.of("--help"), Map.of(), Path.of("/home/someone"));

    Files.writeString(Path.of("target/help.txt"), help.text());
    assertThat(help.text()).isEqualTo(Files.readString(HELP));
    assertThat(help.text().lines())
        .allSatisfy(line -> assertThat(line).hasSizeLessThanOrEqualTo(100));
  }

  @Test
  void the_page_has_every_option_of_upstream_and_of_ours() throws IOException {
    String table = table();

    Files.writeString(Path.of("target/option-table.md"), table);
    assertThat(Files.readString(PAGE))
        .as("take target/option-table.md into docs/launcher.md")
        .contains(table);
  }

  @Test
  void every_option_of_upstream_is_either_here_or_refused() {
    List<String> names = options().map(Option::name).toList();

    assertThat(names).containsAll(upstream.keySet());
    assertThat(UpstreamOptions.REFUSED)
        .extracting(UpstreamOptions.Refused::name)
        .doesNotContainAnyElementsOf(names);
    assertThat(upstream.size() + UpstreamOptions.REFUSED.size()).isEqualTo(67);
  }

  private static Stream<Option<?>> options() {
    return LauncherArguments.offered().stream().flatMap(group -> group.options().stream());
  }

  private String table() {
    Stream<String> here = options().map(this::row);
    Stream<String> refused =
        UpstreamOptions.REFUSED.stream()
            .map(one ->
                row(
                    one.name(),
                    Option.variableOf(one.name()),
                    one.upstreamDefault(),
                    "refused",
                    one.sentence()));
    return TABLE_HEAD + Stream.concat(here, refused).collect(Collectors.joining());
  }

  private String row(Option<?> option) {
    String name = option.name();
    String ours = option.usual();
    boolean flag = !option.kind().needsValue();
    return row(
        name,
        option.variable() == null ? "" : option.variable(),
        upstream.getOrDefault(name, "not there"),
        ours == null ? (flag ? "false" : "none") : ours,
        option.note().description());
  }

  private static String row(String name, String variable, String theirs, String ours, String note) {
    String marked = variable.isEmpty() ? "" : "`%s`".formatted(variable);
    return "| `%s` | %s | %s | %s | %s |\n".formatted(name, marked, theirs, ours, note);
  }
}
