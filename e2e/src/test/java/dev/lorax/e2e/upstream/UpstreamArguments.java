package dev.lorax.e2e.upstream;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The arguments of upstream's {@code lorax-server serve}, read as strictly as its typer does: an
 * option that it does not have, a value that it does not know or a second positional is an error.
 */
final class UpstreamArguments {

  private static final Set<String> ANY = Set.of();

  private static final Set<String> SOURCES = Set.of("hub", "local", "s3", "pbase");

  /** Options with a value, and the values that are known where there is a list of them. */
  private static final Map<String, Set<String>> VALUED =
      Map.ofEntries(
          Map.entry("--adapter-id", ANY),
          Map.entry("--revision", ANY),
          Map.entry("--quantize", Set.of("bitsandbytes", "gptq", "awq", "eetq", "hqq-4bit", "fp8")),
          Map.entry("--speculative-tokens", ANY),
          Map.entry("--preloaded-adapter-ids", ANY),
          Map.entry("--preloaded-adapter-source", SOURCES),
          Map.entry("--dtype", Set.of("float16", "bfloat16")),
          Map.entry("--uds-path", ANY),
          Map.entry("--logger-level", ANY),
          // For the base model upstream knows no source local: a directory counts as hub.
          Map.entry("--source", Set.of("hub", "s3", "pbase")),
          Map.entry("--adapter-source", SOURCES),
          Map.entry("--otlp-endpoint", ANY),
          Map.entry("--embedding-dim", ANY));

  private static final Set<String> FLAGS =
      Set.of(
          "--sharded",
          "--compile",
          "--trust-remote-code",
          "--merge-adapter-weights",
          "--json-output");

  private final List<String> positional = new ArrayList<>();
  private final Map<String, List<String>> options = new LinkedHashMap<>();

  /** What typer answers with exit code 2. */
  static final class UsageException extends Exception {
    private static final long serialVersionUID = 1L;

    UsageException(String message) {
      super(message);
    }
  }

  private UpstreamArguments() {}

  static UpstreamArguments parse(List<String> line) throws UsageException {
    if (line.isEmpty() || !line.getFirst().equals("serve")) {
      throw new UsageException("No such command: " + line);
    }
    var arguments = new UpstreamArguments();
    var words = line.subList(1, line.size()).iterator();
    while (words.hasNext()) {
      String word = words.next();
      if (!word.startsWith("--")) {
        arguments.positional.add(word);
      } else if (FLAGS.contains(word) || FLAGS.contains(word.replaceFirst("^--no-", "--"))) {
        arguments.add(word, "");
      } else if (VALUED.containsKey(word) && words.hasNext()) {
        arguments.add(word, known(word, words.next()));
      } else {
        throw new UsageException("No such option: " + word);
      }
    }
    if (arguments.positional.size() != 1) {
      throw new UsageException("expected one MODEL_ID, got " + arguments.positional);
    }
    return arguments;
  }

  private static String known(String option, String value) throws UsageException {
    Set<String> values = VALUED.getOrDefault(option, ANY);
    if (!values.isEmpty() && !values.contains(value)) {
      throw new UsageException("Invalid value for '%s': '%s'".formatted(option, value));
    }
    return value;
  }

  private void add(String option, String value) {
    options.computeIfAbsent(option, first -> new ArrayList<>()).add(value);
  }

  String model() {
    return positional.getFirst();
  }

  boolean has(String flag) {
    return options.containsKey(flag);
  }

  String value(String option, String otherwise) {
    return options.getOrDefault(option, List.of(otherwise)).getLast();
  }
}
