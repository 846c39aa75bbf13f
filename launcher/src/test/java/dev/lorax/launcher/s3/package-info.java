/** Downloads from a real S3-compatible server, through a wire that can be cut and listened to. */
@NullMarked
package dev.lorax.launcher.s3;

import org.jspecify.annotations.NullMarked;
