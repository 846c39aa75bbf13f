package dev.lorax.launcher.config;

import dev.lorax.options.Kind;
import dev.lorax.options.Option;
import dev.lorax.options.OptionReader;
import dev.lorax.options.Problems;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;

/**
 * Options of upstream's launcher that this one does not have. The parser knows them, so that they
 * are refused by name and with what to do instead, wherever they are set.
 */
final class UpstreamOptions {

  private static final String GRAPHS =
      "not supported, leave it out: CUDA graphs serve any rank, and batches that are filled up to"
          + " a few sizes";
  private static final String WATERMARK = "watermarks are not supported: leave it out";
  private static final String NGROK =
      "not supported: publish the port with an Ingress, or kubectl port-forward";

  /**
   * An option that is refused.
   *
   * @param upstreamDefault as upstream's help has it
   * @param takesValue otherwise its name alone switches it on
   * @param harmless values that ask for what happens in any case
   */
  record Refused(
      String name,
      String upstreamDefault,
      boolean takesValue,
      Set<String> harmless,
      String sentence) {}

  /** In upstream's order. */
  static final List<Refused> REFUSED =
      List.of(
          refused(
              "--weights-cache-override",
              "unset",
              "not supported: give a directory in Hugging Face layout with these weights as"
                  + " --model-id"),
          refused("--compile-max-rank", "64", GRAPHS),
          refused("--compile-batch-size", "32", GRAPHS),
          refused(
              "--predibase-api-token",
              "none",
              "adapters of Predibase's service are not supported: take them from hub or s3"),
          refused("--watermark-gamma", "unset", WATERMARK),
          refused("--watermark-delta", "unset", WATERMARK),
          flag("--ngrok", NGROK),
          refused("--ngrok-authtoken", "none", NGROK),
          refused("--ngrok-edge", "none", NGROK),
          refused(
              "--tokenizer-config-path",
              "unset",
              "not supported: put chat_template into tokenizer_config.json of the model"),
          refused(
              "--backend",
              "fa2",
              "not supported: there is one implementation of attention, leave it out",
              "fa2"),
          refused("--embedding-dim", "unset", "a model embeds as its files say: leave it out"));

  private UpstreamOptions() {}

  private static Refused refused(
      String name, String upstreamDefault, String sentence, String... harmless) {
    return new Refused(name, upstreamDefault, true, Set.of(harmless), sentence);
  }

  private static Refused flag(String name, String sentence) {
    return new Refused(name, "false", false, Set.of("false"), sentence);
  }

  /** They take whatever is given, however often: it is refused afterwards, in one sentence. */
  static List<Option<?>> options() {
    List<Option<?>> options = new ArrayList<>();
    for (var refused : REFUSED) {
      options.add(unused(refused));
    }
    return options;
  }

  private static Option<?> unused(Refused refused) {
    return refused.takesValue()
        ? Option.of(refused.name(), Kind.TEXT, value -> {}).separatedBy(",")
        : Option.of(refused.name(), Kind.SWITCH, value -> {});
  }

  static void refuse(OptionReader line, Problems problems) {
    for (var refused : REFUSED) {
      if (!refused.harmless().containsAll(line.given(refused.name()))) {
        problems.add(refused.name(), refused.sentence());
      }
    }
  }

  /** Upstream's defaults of the options that are here too, as its help has them. */
  static Map<String, String> defaultsOfSupported() {
    Map<String, String> defaults = new LinkedHashMap<>();
    Stream.of(
            "--model-id mistralai/Mistral-7B-Instruct-v0.1",
            "--adapter-id none",
            "--source hub",
            "--default-adapter-source = --adapter-source",
            "--adapter-source hub",
            "--revision none",
            "--validation-workers 2",
            "--sharded unset",
            "--num-shard unset",
            "--compile false",
            "--compile-max-batch-size 128",
            "--eager false",
            "--speculative-tokens unset",
            "--speculation-max-batch-size 32",
            "--preloaded-adapter-ids none",
            "--preloaded-adapter-source = --adapter-source",
            "--dtype unset",
            "--quantize unset",
            "--trust-remote-code false",
            "--max-concurrent-requests 1024",
            "--max-best-of 2",
            "--max-stop-sequences 4",
            "--max-input-length --max-total-tokens - 1",
            "--max-total-tokens the model's, at most 4096",
            "--waiting-served-ratio 1.2",
            "--max-batch-prefill-tokens --max-input-length + 50",
            "--max-batch-total-tokens what fits",
            "--max-waiting-tokens 20",
            "--eager-prefill true",
            "--chunked-prefill unset",
            "--prefix-caching unset",
            "--merge-adapter-weights false",
            "--max-active-adapters 1024",
            "--adapter-cycle-time-s 2",
            "--adapter-memory-fraction 0.1",
            "--hostname 0.0.0.0",
            "--port 3000",
            "--shard-uds-path /tmp/lorax-server",
            "--master-addr localhost",
            "--master-port 29500",
            "--huggingface-hub-cache unset",
            "--disable-custom-kernels false",
            "--cuda-memory-fraction 1.0",
            "--json-output false",
            "--otlp-endpoint unset",
            "--cors-allow-origin none",
            "--cors-allow-header none",
            "--cors-expose-header none",
            "--cors-allow-method none",
            "--cors-allow-credentials unset",
            "--env false",
            "--download-only false",
            "--disable-sgmv false",
            "--memory-wiggle-room 0.9",
            "--log-level info")
        .map(line -> line.split(" ", 2))
        .forEach(pair -> defaults.put(pair[0], pair[1]));
    return defaults;
  }
}
