package dev.lorax.launcher.hub;

import dev.lorax.launcher.download.DownloadException;
import dev.lorax.launcher.failure.FailureCode;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A model repository at a revision.
 *
 * @param id {@code organisation/name}; the oldest ones are a bare name
 * @param revision branch, tag or commit
 */
public record HubRepository(String id, String revision) {

  private static final String MAIN = "main";
  private static final Pattern ID = Pattern.compile("[\\w.-]{1,96}(/[\\w.-]{1,96})?");
  private static final Pattern REVISION = Pattern.compile("[\\w.-]+(/[\\w.-]+)*");
  private static final Pattern COMMIT = Pattern.compile("[0-9a-f]{40}");

  /** Both become parts of paths, so what could lead elsewhere is refused. */
  public static HubRepository of(String id, @Nullable String revision) throws DownloadException {
    String checked = revision == null ? MAIN : revision;
    if (!isId(id)) {
      throw new DownloadException(
          FailureCode.WRONG_ARGUMENTS,
          "%s is no model of a hub: expected organisation/name of letters, digits, -, _ and ."
              .formatted(id));
    }
    if (!REVISION.matcher(checked).matches() || checked.contains("..")) {
      throw new DownloadException(
          FailureCode.WRONG_ARGUMENTS,
          "%s is no revision of %s: expected a branch, tag or commit".formatted(checked, id));
    }
    return new HubRepository(id, checked);
  }

  public static boolean isId(String id) {
    return ID.matcher(id).matches() && !id.contains("..") && !id.contains("--");
  }

  static boolean isCommit(String revision) {
    return COMMIT.matcher(revision).matches();
  }

  boolean namesCommit() {
    return isCommit(revision);
  }

  /** Of the directory that huggingface_hub gives it. */
  String directoryName() {
    return "models--" + id.replace("/", "--");
  }

  @Override
  public String toString() {
    return revision.equals(MAIN) ? id : id + "@" + revision;
  }
}
