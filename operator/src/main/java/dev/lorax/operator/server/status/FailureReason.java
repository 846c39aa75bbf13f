package dev.lorax.operator.server.status;

import java.util.Arrays;
import java.util.regex.Pattern;

/**
 * Why a replica failed, in one stable word for whoever must decide without reading a sentence. It
 * is read from the last words of the process, because shards may run images of others, which know
 * no words of ours. The first that fits counts, so the cause comes before its consequence.
 */
enum FailureReason {
  OUT_OF_MEMORY("OutOfMemory", "out of memory|oomkilled|outofmemory|memory limit"),
  DISK_FULL("DiskFull", "disk space|no space left|disk quota"),
  NO_DEVICE(
      "NoDevice",
      "no (cuda|nvidia|gpu)|(cuda|gpu) (is|are) not available|no gpus? |notenoughcudadevices"),
  UNSUPPORTED_MODEL(
      "UnsupportedModel",
      "unsupported (model|architecture|quantization|dtype)|(architecture|model type)\\b.*\\bnot"
          + " supported"),
  UNAUTHORIZED(
      "Unauthorized",
      "\\b40[13]\\b|unauthorized|forbidden|gated|access ?denied|invalidaccesskeyid"
          + "|signaturedoesnotmatch|\\b(refused|refuses|wrong|invalid) (the )?(token|credentials)"),
  MODEL_NOT_FOUND(
      "ModelNotFound",
      "\\b404\\b|no such (repository|revision|model|bucket|key|file)|not found|nosuch(bucket|key)"
          + "|does not exist|expected a (file|directory)[^:]*, got nothing"),
  MODEL_CORRUPT("ModelCorrupt", "sha-256|sha-1|md5|checksum|corrupt|truncated"),
  VOLUME_NOT_WRITABLE("VolumeNotWritable", "read-only file system|cannot write"),
  DEVICE_FAILED("DeviceFailed", "cuda error|device-side assert"),
  HANGS("Hangs", "no heartbeat|heartbeat|step timed out|longer than the step timeout"),
  DOWNLOAD_FAILED(
      "DownloadFailed",
      "download|huggingface|\\bhub\\b|\\bs3\\b|unknown host|connection (refused|reset)"),
  SHARD_FAILED("ShardFailed", "\\bshards?\\b"),
  ROUTER_FAILED("RouterFailed", "\\brouter\\b"),
  GAVE_UP("GaveUp", "gave up"),
  CRASH_LOOPING("CrashLooping", "");

  private final String word;
  private final Pattern sign;

  FailureReason(String word, String sign) {
    this.word = word;
    this.sign = Pattern.compile(sign, Pattern.CASE_INSENSITIVE);
  }

  static FailureReason of(String lastWords) {
    return Arrays.stream(values())
        .filter(reason -> reason.sign.matcher(lastWords).find())
        .findFirst()
        .orElse(CRASH_LOOPING);
  }

  /** As a condition spells it. */
  String word() {
    return word;
  }
}
