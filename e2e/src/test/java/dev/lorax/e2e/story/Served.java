package dev.lorax.e2e.story;

import dev.lorax.e2e.chat.ChatClient;
import dev.lorax.e2e.install.ServerRollout;

/** A server that was ready, and a client that speaks to its Service. */
record Served(ServerRollout server, ChatClient client) {}
