package dev.lorax.operator.log;

/** Keys of the values that log lines carry. */
public final class LogKeys {

  public static final String CONFIG = "config";
  public static final String FIELD = "field";
  public static final String KIND = "kind";
  public static final String NAME = "name";
  public static final String NAMESPACE = "namespace";
  public static final String PATH = "path";
  public static final String PORT = "port";
  public static final String PROBLEM = "problem";
  public static final String REASON = "reason";
  public static final String WARNING = "warning";

  private LogKeys() {}
}
