package dev.lorax.router.http;

import java.nio.file.Path;

/**
 * Where certificate and key lie, in PEM. Both may be replaced at any time.
 *
 * @param certificate that of the server first, then what leads to an authority of its clients
 * @param key RSA or for elliptic curves, without a password
 */
public record TlsFiles(Path certificate, Path key) {}
