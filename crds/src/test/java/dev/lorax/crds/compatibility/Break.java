package dev.lorax.crds.compatibility;

/**
 * One thing that worked with the earlier version and does not with the later.
 *
 * @param where path of the field, or of the part of the CRD
 * @param what the change, and whom it hurts
 * @param remedy what to do instead
 */
record Break(String where, String what, String remedy) {

  @Override
  public String toString() {
    return "%s %s: %s".formatted(where, what, remedy);
  }
}
