package dev.lorax.operator;

/** Keys of the values that log lines carry. */
public final class LogKeys {

  public static final String NAMESPACE = "namespace";
  public static final String NAME = "name";
  public static final String REASON = "reason";
  static final String CONFIG = "config";
  static final String PROBLEM = "problem";
  static final String PORT = "port";

  private LogKeys() {}
}
