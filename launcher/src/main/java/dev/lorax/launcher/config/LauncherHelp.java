package dev.lorax.launcher.config;

import dev.lorax.options.HelpText;
import dev.lorax.options.OptionGroup;
import java.util.List;
import java.util.Set;

/** What {@code --help} prints. */
final class LauncherHelp {

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

  private LauncherHelp() {}

  static String of(List<OptionGroup> groups) {
    Set<String> upstream = UpstreamOptions.defaultsOfSupported().keySet();
    return new HelpText(HEAD, option -> !upstream.contains(option.name()), FOOT).of(groups);
  }
}
