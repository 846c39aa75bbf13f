package dev.lorax.launcher.agent;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.control.AgentName;
import dev.lorax.launcher.options.Kind;
import dev.lorax.launcher.options.Option;
import dev.lorax.launcher.options.OptionReader;
import dev.lorax.launcher.process.MemberName;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** The command line of an agent. */
public final class AgentArguments {

  private static final String HELP =
      """
      Usage: lorax-agent [-hV] --control=SOCKET --index=N --role=ROLE
      Starts processes in this container on behalf of the launcher.
            --control=SOCKET   Socket on which the launcher listens.
        -h, --help             Show this help message and exit.
            --index=N          Index of this container among those of its role.
            --role=ROLE        What runs in this container: shard or router.
        -V, --version          Print version information and exit.
      """;

  private MemberName.Role role = MemberName.Role.SHARD;
  private int index;
  private Path control = Path.of("control.sock");
  private boolean help;
  private boolean version;

  private AgentArguments() {}

  /** What the line asks for. */
  public sealed interface Parsed {
    record Run(AgentArguments arguments) implements Parsed {}

    record Print(String text) implements Parsed {}

    record Wrong(List<String> problems) implements Parsed {}
  }

  /** Reads the words after {@code agent}. */
  public static Parsed parse(List<String> line) {
    return new AgentArguments().read(line);
  }

  private Parsed read(List<String> line) {
    List<Option<?>> required =
        List.of(
            Option.of("--role", Kind.oneOf(MemberName.Role.class), value -> role = value),
            Option.of("--index", Kind.WHOLE_NUMBER, value -> index = value),
            Option.of("--control", Kind.PATH, value -> control = value));
    List<Option<?>> known = new ArrayList<>(required);
    known.add(Option.of("--help", Kind.SWITCH, value -> help = value).orShort("-h"));
    known.add(Option.of("--version", Kind.SWITCH, value -> version = value).orShort("-V"));
    var reader = new OptionReader(known);
    reader.read(line);
    if (help) {
      return new Parsed.Print(HELP);
    }
    if (version) {
      return new Parsed.Print("lorax-agent %s\n".formatted(LauncherConfig.VERSION));
    }
    List<String> problems = new ArrayList<>();
    reader.troubles().forEach(trouble -> problems.add(trouble.option() + ": " + trouble.what()));
    for (var option : required) {
      if (!reader.has(option)) {
        problems.add(
            "%s: expected %s, got nothing".formatted(option.name(), option.kind().expected()));
      }
    }
    reader.unknown().forEach(word -> problems.add(word + ": unknown option"));
    return problems.isEmpty() ? new Parsed.Run(this) : new Parsed.Wrong(problems);
  }

  public AgentName name() {
    return new AgentName(role, index);
  }

  /** Beside the control socket, because that directory outlives a restart of the container. */
  public Path sharedMemoryLedger() {
    return control.resolveSibling(name() + ".shared-memory");
  }

  public Path control() {
    return control;
  }
}
