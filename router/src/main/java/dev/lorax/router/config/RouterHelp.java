package dev.lorax.router.config;

import dev.lorax.options.HelpText;
import dev.lorax.options.OptionGroup;
import java.util.List;
import java.util.Set;

/** What {@code --help} prints. */
final class RouterHelp {
  private static final String HEAD =
      """
      Usage: lorax-router [OPTION]...
      Serves HTTP and batches requests for the model shards.

      To the right of an option is the environment variable that sets it too, and its
      default. Options are those of upstream LoRAX; those marked + are ours.
      """;

  private static final String FOOT =
      """

      LOG_LEVEL: trace, debug, info, warn or error. LORAX_TERMINATION_LOG: gets the sentence
      that explains a failure.
      Exit codes: 0 stopped as asked, 1 failed, 2 wrong arguments.
      """;

  private static final Set<String> OURS =
      Set.of(
          "--api-keys-file",
          "--client-answer-timeout-s",
          "--client-idle-timeout-s",
          "--client-request-timeout-s",
          "--drain-timeout-s",
          "--lame-duck-s",
          "--max-queue-tokens",
          "--max-queue-wait-s",
          "--max-request-s",
          "--model-id",
          "--queue-order",
          "--shard-connect-timeout-s",
          "--tls-cert-file",
          "--tls-key-file");

  private RouterHelp() {}

  static String of(List<OptionGroup> groups) {
    return new HelpText(HEAD, option -> OURS.contains(option.name()), FOOT).of(groups);
  }
}
