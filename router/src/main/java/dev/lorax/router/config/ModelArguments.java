package dev.lorax.router.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.OptionReader;
import dev.lorax.options.Problems;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Options about the base model and its tokenizer, as typed. */
final class ModelArguments {
  Path directory = Path.of(".");
  @Nullable String id;
  @Nullable String revision;
  int validationWorkers = 2;

  private final Option<Path> tokenizerName =
      Option.of("--tokenizer-name", Kind.PATH, value -> directory = value)
          .usually("required")
          .says("DIR", "Directory of the model, with tokenizer.json.");

  List<Option<?>> options() {
    return List.of(
        tokenizerName,
        Option.of("--model-id", Kind.TEXT, value -> id = value)
            .usually("= --tokenizer-name")
            .says("NAME", "The model's name, as clients see it."),
        Option.of("--revision", Kind.TEXT, value -> revision = value)
            .usually("none")
            .says("REV", "The model's revision, as clients see it."),
        Option.of("--validation-workers", Kind.WHOLE_NUMBER, value -> validationWorkers = value)
            .initially(validationWorkers)
            .says("N", "Threads that tokenize prompts."));
  }

  String shownId() {
    return id == null ? directory.toString() : id;
  }

  void check(OptionReader line, Problems problems) {
    problems.expect(
        line.has(tokenizerName), "--tokenizer-name", "the directory of the model", "nothing");
    problems.atLeast(1, "--validation-workers", validationWorkers);
  }
}
