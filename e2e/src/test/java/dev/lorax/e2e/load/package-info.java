/** A load of streams, as a program that runs in a pod; it needs nothing but a Java runtime. */
package dev.lorax.e2e.load;
