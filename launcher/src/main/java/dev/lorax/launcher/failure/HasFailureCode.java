package dev.lorax.launcher.failure;

/** An exception whose message is one sentence for a person, with a word for programs. */
public interface HasFailureCode {

  FailureCode code();
}
