package dev.lorax.launcher.faults;

/** What is there before the launcher is, so that its start is all that has to happen. */
interface AtStart extends Fault {

  @Override
  default void strike(Scene scene) throws Exception {
    scene.start();
  }

  @Override
  default boolean endsTheWait() {
    return false;
  }
}
