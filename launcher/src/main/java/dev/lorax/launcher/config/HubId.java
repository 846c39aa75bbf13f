package dev.lorax.launcher.config;

import java.util.regex.Pattern;

/** The form of a hub repository's name, by which a mistyped path is told from it. */
final class HubId {

  private static final Pattern FORM =
      Pattern.compile("(\\w[\\w.-]*/)?\\w[\\w.-]*(@[\\w][\\w./-]*)?");

  private HubId() {}

  static boolean matches(String id) {
    return FORM.matcher(id).matches() && !id.endsWith(".gguf");
  }
}
