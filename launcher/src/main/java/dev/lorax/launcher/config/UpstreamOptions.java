package dev.lorax.launcher.config;

import java.util.List;
import java.util.TreeSet;

/**
 * Options of upstream's launcher that this one does not have, so that they are refused by name and
 * not as a typing error.
 */
final class UpstreamOptions {

  private static final List<String> UNSUPPORTED =
      List.of(
          "--quantize",
          "--compile",
          "--eager",
          "--compile-max-batch-size",
          "--compile-max-rank",
          "--compile-batch-size",
          "--speculative-tokens",
          "--speculation-max-batch-size",
          "--predibase-api-token",
          "--eager-prefill",
          "--chunked-prefill",
          "--prefix-caching",
          "--merge-adapter-weights",
          "--disable-custom-kernels",
          "--cuda-memory-fraction",
          "--otlp-endpoint",
          "--cors-allow-origin",
          "--cors-allow-header",
          "--cors-expose-header",
          "--cors-allow-method",
          "--cors-allow-credentials",
          "--watermark-gamma",
          "--watermark-delta",
          "--ngrok",
          "--ngrok-authtoken",
          "--ngrok-edge",
          "--env",
          "--tokenizer-config-path",
          "--backend",
          "--embedding-dim",
          "--disable-sgmv",
          "--memory-wiggle-room");

  private UpstreamOptions() {}

  static boolean isUnsupported(String argument) {
    return UNSUPPORTED.contains(argument.split("=", 2)[0]);
  }

  /** Variables that upstream would obey. They may well be meant for another program. */
  static List<String> unsupportedIn(Environment environment) {
    var names = new TreeSet<String>();
    for (var option : UNSUPPORTED) {
      String name = Environment.nameOf(option);
      String value = environment.get(name);
      if (value != null && !value.isEmpty()) {
        names.add(name);
      }
    }
    return List.copyOf(names);
  }
}
