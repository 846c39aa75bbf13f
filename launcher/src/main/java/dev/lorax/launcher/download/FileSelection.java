package dev.lorax.launcher.download;

import dev.lorax.launcher.failure.FailureCode;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Which files of a repository a base model or an adapter consists of. Only its root counts, and of
 * a base model what says how it embeds.
 */
public enum FileSelection {
  BASE_MODEL("config.json", "tokenizer.json", "tokenizer_config.json"),
  ADAPTER("adapter_config.json");

  private static final String SAFETENSORS = ".safetensors";
  private static final String SAFETENSORS_INDEX = "model.safetensors.index.json";
  private static final String TORCH_INDEX = "pytorch_model.bin.index.json";

  /** What trainers leave beside the weights; upstream skips the same names. */
  private static final Pattern LEFTOVERS =
      Pattern.compile(".*(arguments|args|training|optimizer|scheduler|trainer_state).*");

  private static final Pattern COMPANIONS =
      Pattern.compile(".*\\.(json|jinja|model|tiktoken)|vocab\\.txt|merges\\.txt");

  /** What sentence-transformers keeps beside a model: one folder for each step after it. */
  private static final Pattern SENTENCE_MODULES = Pattern.compile("(\\d+_\\w+/)config\\.json");

  /** Weights of such a step, as the shards prefer them. */
  private static final List<String> MODULE_WEIGHTS =
      List.of("model.safetensors", "pytorch_model.bin");

  private final String keyFile;
  private final List<String> required;

  FileSelection(String keyFile, String... others) {
    this.keyFile = keyFile;
    this.required = Stream.concat(Stream.of(keyFile), Stream.of(others)).toList();
  }

  /** What must be there beside weights, the {@linkplain #keyFile key file} first. */
  public List<String> required() {
    return required;
  }

  /** The file without which the rest is nothing. */
  public String keyFile() {
    return keyFile;
  }

  /** How a repository's weights are stored. */
  public sealed interface Weights {

    /** Named one by one. */
    record Files(List<String> names) implements Weights {}

    /** Named by an index, which is to be read first. */
    record Indexed(String index) implements Weights {}

    /** A single GGUF file, which holds everything. */
    record Gguf(String name) implements Weights {}
  }

  /**
   * How the weights are stored of what holds these files.
   *
   * @param what the repository, for people
   */
  public Weights weights(String what, Collection<String> paths) throws DownloadException {
    return stored(what, paths)
        .orElseThrow(() ->
            new DownloadException(
                FailureCode.INCOMPLETE_MODEL,
                switch (this) {
                  case BASE_MODEL ->
                      "%s holds no weights that can be served: expected *.safetensors, *.bin or one .gguf file"
                          .formatted(what);
                  case ADAPTER ->
                      "%s holds no adapter weights: expected adapter_model.safetensors or adapter_model.bin"
                          .formatted(what);
                }));
  }

  /**
   * Fails before gigabytes are on their way.
   *
   * @param what the repository, for people
   */
  public void requireCompanions(String what, Collection<String> paths) throws DownloadException {
    List<String> missing = required.stream().filter(name -> !paths.contains(name)).toList();
    if (missing.isEmpty()) {
      return;
    }
    throw new DownloadException(
        FailureCode.INCOMPLETE_MODEL,
        switch (this) {
          case BASE_MODEL ->
              "%s lacks %s, so it cannot be served".formatted(what, String.join(", ", missing));
          case ADAPTER ->
              "%s is no LoRA adapter: it lacks adapter_config.json (Medusa adapters are not supported)"
                  .formatted(what);
        });
  }

  /** Prefers safetensors, and what the loaders prefer among them, so that nothing comes twice. */
  private Optional<Weights> stored(String what, Collection<String> paths) throws DownloadException {
    Optional<Weights> found = weights(paths, SAFETENSORS_INDEX, "model.safetensors", SAFETENSORS);
    if (found.isEmpty()) {
      found = weights(paths, TORCH_INDEX, "pytorch_model.bin", ".bin");
    }
    return found.isEmpty() && this == BASE_MODEL ? gguf(what, paths) : found;
  }

  private Optional<Weights> weights(
      Collection<String> paths, String index, String single, String extension) {
    String usual = this == ADAPTER ? "adapter_model" + extension : single;
    if (this == BASE_MODEL && paths.contains(index)) {
      return Optional.of(new Weights.Indexed(index));
    }
    if (paths.contains(usual)) {
      return Optional.of(new Weights.Files(List.of(usual)));
    }
    // Some quantisers name their weights otherwise.
    TreeSet<String> indexes = root(paths, name -> name.endsWith(SAFETENSORS + ".index.json"));
    if (this == BASE_MODEL && extension.equals(SAFETENSORS) && indexes.size() == 1) {
      return Optional.of(new Weights.Indexed(indexes.first()));
    }
    List<String> others =
        root(paths, name -> name.endsWith(extension) && isWeights(name)).stream().toList();
    return others.isEmpty() ? Optional.empty() : Optional.of(new Weights.Files(others));
  }

  private boolean isWeights(String name) {
    return !LEFTOVERS.matcher(name).matches() && (this == ADAPTER || !name.startsWith("adapter_"));
  }

  private static Optional<Weights> gguf(String what, Collection<String> paths)
      throws DownloadException {
    TreeSet<String> files = root(paths, name -> name.endsWith(".gguf"));
    if (files.size() > 1) {
      throw new DownloadException(
          FailureCode.UNSUPPORTED_MODEL,
          "%s holds several GGUF files (%s) and no safetensors: download one and give its path as --model-id"
              .formatted(what, String.join(", ", files)));
    }
    return files.stream().findFirst().map(Weights.Gguf::new);
  }

  /** Everything beside the weights: configuration, tokenizer, chat template, pooling. */
  public Collection<String> companions(Collection<String> paths) {
    if (this == ADAPTER) {
      return root(paths, name -> name.equals(keyFile) || name.equals("config.json"));
    }
    TreeSet<String> names =
        root(
            paths,
            name ->
                COMPANIONS.matcher(name).matches()
                    && !name.endsWith(".index.json")
                    && isWeights(name));
    for (var path : paths) {
      Matcher module = SENTENCE_MODULES.matcher(path);
      if (module.matches()) {
        names.add(path);
        MODULE_WEIGHTS.stream()
            .map(name -> module.group(1) + name)
            .filter(paths::contains)
            .findFirst()
            .ifPresent(names::add);
      }
    }
    return names;
  }

  private static TreeSet<String> root(Collection<String> paths, Predicate<String> wanted) {
    var names = new TreeSet<String>();
    paths.stream().filter(path -> !path.contains("/")).filter(wanted).forEach(names::add);
    return names;
  }
}
