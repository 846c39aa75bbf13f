/**
 * Models and adapters from Amazon S3 and stores that speak its protocol. The only package that
 * knows the AWS SDK, whose classes are loaded when the first S3 address is asked for.
 */
@NullMarked
package dev.lorax.launcher.s3;

import org.jspecify.annotations.NullMarked;
