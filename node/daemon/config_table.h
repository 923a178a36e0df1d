/*
 * node/daemon/config_table.h: every key of the configuration, once.
 *
 *      X(id, section, key, type, default, dev, least, greatest, choices, help, example)
 *
 *   dev        the default of a throw-away chain (--dev); NULL: as the default
 *   least ...  bounds of a NUMBER
 *   choices    of a CHOICE: names with a space between
 *
 * From here come the parser, the environment, the flags, --print-config, --help and the manual page.
 */
#ifndef NOTCH_NODE_DAEMON_CONFIG_TABLE_H
#define NOTCH_NODE_DAEMON_CONFIG_TABLE_H

/* clang-format off */
#define NOTCH_CONFIG_TABLE(X) \
    X(NODE_DATA, "node", "data", PATH, "~/.notch", "", 0, 0, NULL, \
      "directory of everything the node keeps; with --dev and none given, one that is thrown away", "/var/lib/notch") \
    X(NODE_NETWORK, "node", "network", CHOICE, "any", "dev", 0, 0, "any main test dev", \
      "network that the genesis must be of", "main") \
    X(NODE_GENESIS, "node", "genesis", PATH, "", NULL, 0, 0, NULL, \
      "genesis file of the chain; empty: the file \"genesis\" in the data directory", "/etc/notch/genesis") \
    X(NODE_CLOCK, "node", "clock", CHOICE, "system", "trusted", 0, 0, "system trusted doubted", \
      "whether the clock is right: as the system's time service says, or always, or never", "trusted") \
    X(NODE_WORKERS, "node", "workers", NUMBER, "0", NULL, 0, 256, NULL, \
      "threads that check signatures; 0: one for each processor", "4") \
    X(LOG_LEVEL, "log", "level", CHOICE, "info", NULL, 0, 0, "error warn info debug trace", \
      "how much is logged", "debug") \
    X(LOG_FORMAT, "log", "format", CHOICE, "text", NULL, 0, 0, "text json", \
      "one line of text, or one JSON object, for each message", "json") \
    X(LOG_FILE, "log", "file", PATH, "", NULL, 0, 0, NULL, \
      "where the log goes; empty: standard error. Opened again on SIGHUP", "/var/log/notchd.log") \
    X(STORE_CACHE, "store", "cache_mib", NUMBER, "8", NULL, 1, 65536, NULL, \
      "MiB of keys kept in memory", "64") \
    X(STORE_WRITE_BUFFER, "store", "write_buffer_mib", NUMBER, "4", NULL, 1, 1024, NULL, \
      "MiB of the newest keys in memory; at times there are two such buffers", "16") \
    X(STORE_SEGMENT, "store", "segment_mib", NUMBER, "64", NULL, 1, 2048, NULL, \
      "MiB of a segment file of bodies", "256") \
    X(RPC_ENABLE, "rpc", "enable", FLAG, "true", NULL, 0, 0, NULL, \
      "whether there is an RPC at all", "false") \
    X(RPC_BIND, "rpc", "bind", TEXT, "127.0.0.1", NULL, 0, 0, NULL, \
      "numeric address to listen on", "::1") \
    X(RPC_ALLOW_REMOTE, "rpc", "allow_remote", FLAG, "false", NULL, 0, 0, NULL, \
      "whether the address may be one that other machines reach: the RPC is not encrypted", "true") \
    X(RPC_PORT, "rpc", "port", NUMBER, "7079", "0", 0, 65535, NULL, \
      "port to listen on; 0: a free one. The file rpc.port in the data directory tells which", "7079") \
    X(RPC_COOKIE, "rpc", "cookie", PATH, "", NULL, 0, 0, NULL, \
      "cookie file, made anew at each start; empty: the file \"rpc.cookie\" in the data directory", \
      "/run/notch/cookie") \
    X(RPC_USER, "rpc", "user", LIST, "", NULL, 0, 0, NULL, \
      "name:role:hash of somebody who may call; the role is read, submit or operate. May be given many times", \
      "anna:submit:$argon2id$v=19$...") \
    X(RPC_HOST, "rpc", "host", LIST, "", NULL, 0, 0, NULL, \
      "name by which callers may reach this machine, besides localhost. May be given many times", \
      "notch.example.org") \
    X(RPC_METRICS_PRIVATE, "rpc", "metrics_private", FLAG, "false", NULL, 0, 0, NULL, \
      "whether /metrics asks for a credential", "true") \
    X(RPC_THREADS, "rpc", "threads", NUMBER, "2", NULL, 1, 256, NULL, \
      "threads that answer", "8") \
    X(RPC_CONNECTIONS, "rpc", "connections_max", NUMBER, "1024", NULL, 1, 65536, NULL, \
      "connections at a time", "4096") \
    X(RPC_IDLE, "rpc", "idle_s_max", NUMBER, "30", NULL, 1, 86400, NULL, \
      "seconds after which an idle connection is closed", "300") \
    X(RPC_WAITING, "rpc", "waiting_max", NUMBER, "1024", NULL, 1, 65536, NULL, \
      "HTTP requests that wait for the node at a time", "4096") \
    X(RPC_SOCKETS, "rpc", "sockets_max", NUMBER, "256", NULL, 1, 65536, NULL, \
      "WebSockets at a time", "1024") \
    X(RPC_SOCKET_QUEUE, "rpc", "socket_queue_kib_max", NUMBER, "8192", NULL, 16, 1048576, NULL, \
      "KiB unsent to one WebSocket: at half of it no more calls are read, beyond it a stream is closed", "65536") \
    X(RPC_SOCKET_STALL, "rpc", "socket_stall_s_max", NUMBER, "20", NULL, 1, 3600, NULL, \
      "seconds after which a WebSocket that takes nothing of what is unsent is closed", "60") \
    X(RPC_RATE, "rpc", "requests_per_second_max", NUMBER, "0", NULL, 0, 1000000, NULL, \
      "requests a second of one credential; 0: no limit", "1000") \
    X(RPC_BODY, "rpc", "body_kib_max", NUMBER, "4096", NULL, 1, 65536, NULL, \
      "KiB of one request", "16384") \
    X(RPC_RESPONSE, "rpc", "response_kib_max", NUMBER, "32768", NULL, 16, 1048576, NULL, \
      "KiB of one response", "65536") \
    X(RPC_BATCH, "rpc", "batch_max", NUMBER, "256", NULL, 1, 10000, NULL, \
      "calls in one batch request", "1000") \
    X(P2P_ENABLE, "p2p", "enable", FLAG, "false", NULL, 0, 0, NULL, \
      "whether this node has peers; without, it keeps its chain alone", "true") \
    X(P2P_LISTEN, "p2p", "listen", TEXT, "", NULL, 0, 0, NULL, \
      "numeric address and port to listen on; empty: on none", "0.0.0.0:7078") \
    X(P2P_PEER, "p2p", "peer", LIST, "", NULL, 0, 0, NULL, \
      "numeric address and port of a node to stay connected to. May be given many times", "192.0.2.1:7078") \
    X(P2P_SEED, "p2p", "seed", LIST, "", NULL, 0, 0, NULL, \
      "DNS name that stands for addresses of nodes. May be given many times", "seed.example.org") \
    X(P2P_KEY, "p2p", "key", PATH, "", NULL, 0, 0, NULL, \
      "key file by which peers know this node; empty: the file \"node.key\" in the data directory, made if missing", \
      "/etc/notch/node.key") \
    X(P2P_PASSWORD, "p2p", "password_file", PATH, "", NULL, 0, 0, NULL, \
      "file whose first line is the password of that key; empty: the password is empty", "/run/credentials/node") \
    X(VALIDATOR_ENABLE, "validator", "enable", FLAG, "false", "true", 0, 0, NULL, \
      "whether this node votes, makes batches and proposes blocks", "true") \
    X(VALIDATOR_KEY, "validator", "key", PATH, "", NULL, 0, 0, NULL, \
      "key file of the validator; empty: the file \"validator.key\" in the data directory", \
      "/etc/notch/validator.key") \
    X(VALIDATOR_PASSWORD, "validator", "password_file", PATH, "", NULL, 0, 0, NULL, \
      "file whose first line is the password of that key; empty: the password is empty", \
      "/run/credentials/validator") \
    X(AUTHOR_ENABLE, "author", "enable", FLAG, "false", "true", 0, 0, NULL, \
      "whether this node signs records of its own (publishinsight and the like)", "true") \
    X(AUTHOR_KEY, "author", "key", PATH, "", NULL, 0, 0, NULL, \
      "key file of the author; empty: the file \"author.key\" in the data directory", "/etc/notch/author.key") \
    X(AUTHOR_PASSWORD, "author", "password_file", PATH, "", NULL, 0, 0, NULL, \
      "file whose first line is the password of that key; empty: the password is empty", "/run/credentials/author") \
    X(LIMITS_REQUESTS, "limits", "requests_max", NUMBER, "16384", NULL, 1, 1048576, NULL, \
      "requests to the node without a reply", "65536") \
    X(LIMITS_IN_FLIGHT, "limits", "in_flight_max", NUMBER, "16384", NULL, 1, 1048576, NULL, \
      "submitted records that are not stored yet", "65536") \
    X(LIMITS_IN_FLIGHT_BYTES, "limits", "in_flight_mib_max", NUMBER, "64", NULL, 1, 2048, NULL, \
      "and their size in MiB", "256") \
    X(LIMITS_BATCH_DELAY, "limits", "batch_delay_ms_max", NUMBER, "25", NULL, 1, 1000, NULL, \
      "ms after which an open batch of records is written", "5") \
    X(LIMITS_LAYERS, "limits", "layers_max", NUMBER, "1024", NULL, 16, 65536, NULL, \
      "blocks that are not final yet, executed in memory", "4096") \
    X(LIMITS_DRAIN, "limits", "drain_ms_max", NUMBER, "5000", NULL, 1, 600000, NULL, \
      "ms that a stop waits for requests to be answered", "20000")
/* clang-format on */

#endif
