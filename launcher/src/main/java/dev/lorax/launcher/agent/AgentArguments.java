package dev.lorax.launcher.agent;

import dev.lorax.launcher.config.LauncherConfig;
import dev.lorax.launcher.control.AgentName;
import dev.lorax.launcher.process.MemberName;
import dev.lorax.options.HelpText;
import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.OptionGroup;
import dev.lorax.options.OptionReader;
import dev.lorax.options.Problems;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The command line of an agent. */
public final class AgentArguments {

  private static final String HEAD =
      """
      Usage: lorax-agent --role ROLE --index N --control SOCKET
      Starts processes in this container on behalf of the launcher.
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
    List<OptionGroup> groups =
        List.of(new OptionGroup("Required", required()), new OptionGroup("Questions", questions()));
    var reader = new OptionReader(OptionGroup.options(groups));
    reader.read(line);
    if (help) {
      return new Parsed.Print(new HelpText(HEAD, option -> false, "").of(groups));
    }
    if (version) {
      return new Parsed.Print("lorax-agent %s\n".formatted(LauncherConfig.VERSION));
    }
    var problems = new Problems(Map.of());
    reader.tell(problems);
    for (var option : groups.getFirst().options()) {
      problems.expect(reader.has(option), option.name(), option.kind().expected(), "nothing");
    }
    List<String> sentences = problems.sentences();
    return sentences.isEmpty() ? new Parsed.Run(this) : new Parsed.Wrong(sentences);
  }

  private List<Option<?>> required() {
    return List.of(
        Option.of("--role", Kind.oneOf(MemberName.Role.values()), value -> role = value)
            .onLineOnly()
            .says("ROLE", "What runs in this container: shard or router."),
        Option.of("--index", Kind.WHOLE_NUMBER, value -> index = value)
            .onLineOnly()
            .says("N", "Index of this container among those of its role."),
        Option.of("--control", Kind.PATH, value -> control = value)
            .onLineOnly()
            .says("SOCKET", "Socket on which the launcher listens."));
  }

  private List<Option<?>> questions() {
    return List.of(Option.help(value -> help = value), Option.version(value -> version = value));
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
