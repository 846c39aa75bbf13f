package dev.lorax.launcher.status;

/** What the launcher as a whole is doing; follows from its members and is never stored. */
public enum Phase {
  DOWNLOADING("Downloading", "preparing the model"),
  SHARDS_LOADING("ShardsLoading", "loading the shards"),
  ROUTER_STARTING("RouterStarting", "starting the router"),
  SERVING("Serving", "serving"),
  STOPPING("Stopping", "stopping");

  private final String word;
  private final String sentence;

  Phase(String word, String sentence) {
    this.word = word;
    this.sentence = sentence;
  }

  /** For the log that a person follows. */
  String sentence() {
    return sentence;
  }

  @Override
  public String toString() {
    return word;
  }
}
