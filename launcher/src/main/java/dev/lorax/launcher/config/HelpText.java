package dev.lorax.launcher.config;

import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

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

  private static final Map<String, String> GROUPS = new LinkedHashMap<>();

  static {
    GROUPS.put("model", "Model");
    GROUPS.put("adapters", "Adapters");
    GROUPS.put("shards", "Shards");
    GROUPS.put("router", "Router");
    GROUPS.put("place", "Processes and logs");
    GROUPS.put("restarts", "Deadlines and restarts");
    GROUPS.put("questions", "Questions");
  }

  private HelpText() {}

  static String of(CommandSpec command) {
    Set<String> upstream = UpstreamOptions.defaultsOfSupported().keySet();
    var text = new StringBuilder(HEAD);
    GROUPS.forEach((mixin, heading) -> {
      text.append('\n').append(heading).append('\n');
      for (var option : options(command, mixin)) {
        append(text, option, !upstream.contains(option.longestName()));
      }
    });
    return text.append(FOOT).toString();
  }

  /** In the order of the help, all groups. */
  static List<OptionSpec> options(CommandSpec command) {
    return GROUPS.keySet().stream().flatMap(mixin -> options(command, mixin).stream()).toList();
  }

  private static List<OptionSpec> options(CommandSpec command, String mixin) {
    CommandSpec group = command.mixins().get(mixin);
    if (group == null) {
      throw new IllegalStateException("no group of options is called " + mixin);
    }
    return group.options();
  }

  /** What applies when nothing is said; null where an option has nothing to default to. */
  static @Nullable String defaultOf(OptionSpec option) {
    if (option.description().length > 1) {
      return option.description()[1];
    }
    return switch (option.initialValue()) {
      case null -> null;
      case Boolean _ when option.arity().max() == 0 -> null;
      case Duration duration -> DurationConverter.spelled(duration);
      case LauncherConfig.ShardPlacement placement -> ShardPlacementConverter.spelled(placement);
      case Enum<?> constant -> constant.toString().toLowerCase(Locale.ROOT);
      case Object value -> value.toString();
    };
  }

  private static void append(StringBuilder text, OptionSpec option, boolean ours) {
    var line = new StringBuilder(ours ? "+ " : "  ");
    line.append(String.join(", ", option.names()));
    if (option.arity().max() > 0) {
      line.append(' ').append(option.paramLabel());
    }
    String variable = variable(option);
    if (!variable.isEmpty()) {
      line.append(" ".repeat(Math.max(2, VARIABLE_COLUMN - line.length()))).append(variable);
    }
    text.append(line).append('\n');
    wrapped(option.description()[0]).forEach(part -> text.append(INDENT).append(part).append('\n'));
  }

  private static String variable(OptionSpec option) {
    String name = option.longestName();
    if (!Environment.sets(name)) {
      return "";
    }
    String usual = defaultOf(option);
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
