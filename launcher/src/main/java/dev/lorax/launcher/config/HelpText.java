package dev.lorax.launcher.config;

import dev.lorax.launcher.options.Option;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** The text of {@code --help}: options in groups, each with its variable and its default. */
final class HelpText {

  private static final int WIDTH = 88;
  private static final int VARIABLE_COLUMN = 40;
  private static final String INDENT = " ".repeat(8);

  private static final String HEAD =
      """
      Usage: lorax-launcher [OPTION]...
      Makes a model ready, starts shards and router, watches them, and stops them.

      To the right of an option is the environment variable that sets it too, and its
      default. Options are those of upstream LoRAX; those marked + are ours.
      """;

  private static final String FOOT =
      """

      Hub: HF_TOKEN, HF_ENDPOINT, HF_HUB_OFFLINE. S3: AWS_*, S3_ENDPOINT_URL, R2_ACCOUNT_ID.
      Exit codes: 0 stopped as asked, 1 failed, 2 wrong arguments.
      """;

  private HelpText() {}

  static String of(List<OptionGroup> groups) {
    Set<String> upstream = UpstreamOptions.defaultsOfSupported().keySet();
    var text = new StringBuilder(HEAD);
    for (var group : groups) {
      text.append('\n').append(group.heading()).append('\n');
      for (var option : group.options()) {
        append(text, option, !upstream.contains(option.name()));
      }
    }
    return text.append(FOOT).toString();
  }

  private static void append(StringBuilder text, Option<?> option, boolean ours) {
    var line = new StringBuilder(ours ? "+ " : "  ");
    line.append(String.join(", ", option.names()));
    if (option.kind().needsValue()) {
      line.append(' ').append(option.label());
    }
    String variable = variable(option);
    if (!variable.isEmpty()) {
      line.append(" ".repeat(Math.max(2, VARIABLE_COLUMN - line.length()))).append(variable);
    }
    text.append(line).append('\n');
    wrapped(option.description()).forEach(part -> text.append(INDENT).append(part).append('\n'));
  }

  private static String variable(Option<?> option) {
    String name = option.name();
    if (!Environment.sets(name)) {
      return "";
    }
    String usual = option.usual();
    String variable = Environment.nameOf(name);
    return usual == null ? variable : variable + " [" + usual + "]";
  }

  private static List<String> wrapped(String description) {
    List<String> lines = new ArrayList<>();
    var line = new StringBuilder();
    for (var word : description.split(" ")) {
      if (line.length() + word.length() + INDENT.length() >= WIDTH) {
        lines.add(line.toString());
        line.setLength(0);
      }
      line.append(line.isEmpty() ? "" : " ").append(word);
    }
    lines.add(line.toString());
    return lines;
  }
}
