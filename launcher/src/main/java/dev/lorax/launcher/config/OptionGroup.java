package dev.lorax.launcher.config;

import dev.lorax.launcher.options.Option;
import java.util.List;

/** Options that stand together in the help. */
record OptionGroup(String heading, List<Option<?>> options) {}
