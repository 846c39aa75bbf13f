/** What objects of the cluster lack of what they shall be. Knows neither servers nor a cluster. */
@NullMarked
package dev.lorax.operator.server.drift;

import org.jspecify.annotations.NullMarked;
