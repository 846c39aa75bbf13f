package dev.lorax.launcher.faults;

/** What may be wrong with {@code /dev/shm}, in every container. */
enum SharedMemoryTrouble implements AtStart {
  ABSENT("there is no `/dev/shm`", devices("")),
  READ_ONLY("`/dev/shm` is read-only", "mount -t tmpfs -o ro tmpfs /dev/shm"),
  /** Smaller than what a shard of these tests wants to share. */
  FULL("`/dev/shm` is too small for what a shard writes to it", little("/dev/shm")),
  GPUS_AND_NONE("there are two GPUs and no `/dev/shm`", devices("touch nvidia0 nvidia1")),
  GPUS_AND_LITTLE(
      "there are two GPUs and a small `/dev/shm`",
      devices("touch nvidia0 nvidia1 && mkdir shm && " + little("shm")));

  private final String words;
  private final Mounts mounts;

  SharedMemoryTrouble(String words, String mount) {
    this.words = words;
    this.mounts = Mounts.of(mount);
  }

  private static String little(String directory) {
    return "mount -t tmpfs -o size=64k tmpfs " + directory;
  }

  /**
   * A /dev with what every process needs, and more.
   *
   * @param more commands of a shell, run in it
   */
  private static String devices(String more) {
    return "mount -t tmpfs -o mode=755 tmpfs /mnt && cd /mnt && ln -s /proc/self/fd fd"
        + " && for device in null zero full random urandom tty; do"
        + " touch $device && mount --bind /dev/$device $device || exit 1; done"
        + (more.isEmpty() ? "" : " && " + more)
        + " && cd - > /dev/null && mount --rbind /mnt /dev";
  }

  @Override
  public Mounts mounts() {
    return mounts;
  }

  @Override
  public String toString() {
    return words;
  }
}
