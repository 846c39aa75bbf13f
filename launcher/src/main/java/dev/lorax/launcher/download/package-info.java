/**
 * Files of a remote repository brought onto a local volume: in parallel, resumed, verified, once.
 *
 * <p>Knows no source. A source says what there is ({@link dev.lorax.launcher.download.RemoteFile})
 * and opens it ({@link dev.lorax.launcher.download.RemoteSource}); where files end up and when they
 * count as a model is its caller's business too.
 */
@NullMarked
package dev.lorax.launcher.download;

import org.jspecify.annotations.NullMarked;
