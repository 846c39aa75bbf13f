package dev.lorax.router.generation;

/** Why a generation ended. */
public enum FinishReason {
  LENGTH("length"),
  END_OF_SEQUENCE("eos_token"),
  STOP_SEQUENCE("stop_sequence");

  private final String label;

  FinishReason(String label) {
    this.label = label;
  }

  /** The name that clients see. */
  public String label() {
    return label;
  }
}
