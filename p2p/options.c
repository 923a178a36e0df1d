#include "p2p/options.h"

#include "p2p/internal.h"

#define KIB 1024u
#define MIB (1024u * 1024u)

static const struct notch_p2p_class_limits classes[NOTCH_P2P_CLASS_COUNT] = {
    [NOTCH_P2P_CLASS_CONTROL] = {.strategy = NOTCH_P2P_DIRECTED,
                                 .overflow = NOTCH_P2P_HANG_UP,
                                 .queue_max = 2048,
                                 .rate_milli = 200000,
                                 .burst = 2000,
                                 .rate_bytes = 512 * KIB,
                                 .burst_bytes = 4 * MIB},
    [NOTCH_P2P_CLASS_VOTES] = {.strategy = NOTCH_P2P_GOSSIP,
                               .overflow = NOTCH_P2P_DROP_OLDEST,
                               .eager = 8,
                               .relay = 3,
                               .queue_max = 4096,
                               .rate_milli = 2000000,
                               .burst = 8000,
                               .rate_bytes = 2 * MIB,
                               .burst_bytes = 8 * MIB},
    [NOTCH_P2P_CLASS_BLOCKS] = {.strategy = NOTCH_P2P_GOSSIP,
                                .overflow = NOTCH_P2P_DROP_OLDEST,
                                .eager = 8,
                                .relay = 4,
                                .queue_max = 64,
                                .rate_milli = 20000,
                                .burst = 200,
                                .rate_bytes = 4 * MIB,
                                .burst_bytes = 16 * MIB},
    [NOTCH_P2P_CLASS_BATCHES] = {.strategy = NOTCH_P2P_GOSSIP,
                                 .overflow = NOTCH_P2P_DROP_OLDEST,
                                 .eager = 8,
                                 .relay = 3,
                                 .queue_max = 512,
                                 .rate_milli = 2000000,
                                 .burst = 4000,
                                 .rate_bytes = 16 * MIB,
                                 .burst_bytes = 32 * MIB},
    [NOTCH_P2P_CLASS_CHALLENGES] = {.strategy = NOTCH_P2P_FLOOD,
                                    .overflow = NOTCH_P2P_DROP_OLDEST,
                                    .queue_max = 256,
                                    .rate_milli = 50000,
                                    .burst = 500,
                                    .rate_bytes = 1 * MIB,
                                    .burst_bytes = 4 * MIB},
    [NOTCH_P2P_CLASS_RECORDS] = {.strategy = NOTCH_P2P_GOSSIP,
                                 .overflow = NOTCH_P2P_DROP_NEWEST,
                                 .eager = 2,
                                 .relay = 2,
                                 .queue_max = 4096,
                                 .delay_ms = 25,
                                 .rate_milli = 5000000,
                                 .burst = 20000,
                                 .rate_bytes = 8 * MIB,
                                 .burst_bytes = 16 * MIB},
    [NOTCH_P2P_CLASS_SYNC] = {.strategy = NOTCH_P2P_DIRECTED,
                              .overflow = NOTCH_P2P_DROP_NEWEST,
                              .queue_max = 64,
                              .rate_milli = 100000,
                              .burst = 200,
                              .rate_bytes = 64 * MIB,
                              .burst_bytes = 128 * MIB},
    [NOTCH_P2P_CLASS_ADDRESSES] = {.strategy = NOTCH_P2P_DIRECTED,
                                   .overflow = NOTCH_P2P_DROP_NEWEST,
                                   .eager = 2,
                                   .queue_max = 32,
                                   .rate_milli = 100,
                                   .burst = 1000,
                                   .rate_bytes = 4 * KIB,
                                   .burst_bytes = 64 * KIB},
};

void notch_p2p_limits_default(struct notch_p2p_limits *out)
{
    *out = (struct notch_p2p_limits){.max_hops = 7,
                                     .gossip_ppm = 500000,
                                     .duplicate_cache = 10000,
                                     .cache_bytes = 32 * MIB,
                                     .batch = 100,
                                     .batch_bytes = 64 * KIB,
                                     .wanted_max = 32768,
                                     .wanted_peer_max = 4096,
                                     .want_delay_ms = 50,
                                     .want_timeout_ms = 1000,
                                     .want_tries = 4,
                                     .dont_want_bytes = 1024,
                                     .history_ms = 5000,
                                     .mesh_low = 6,
                                     .mesh = 8,
                                     .mesh_high = 12,
                                     .mesh_outbound = 2,
                                     .mesh_pause_ms = 60000,
                                     .heartbeat_ms = 1000,
                                     .ping_ms = 15000,
                                     .silent_ms = 45000,
                                     .handshake_ms = 5000,
                                     .frame_ms = 10000,
                                     .stall_ms = 20000,
                                     .request_ms = 2000,
                                     .queue_bytes = 4 * MIB,
                                     .window_bytes = 256 * KIB,
                                     .fair_every = 16,
                                     .requests_max = 16,
                                     .compress_bytes = 512,
                                     .peers_max = 128,
                                     .inbound_max = 96,
                                     .outbound_full = 8,
                                     .outbound_block = 2,
                                     .subnet_max = 4,
                                     .feeler_ms = 120000,
                                     .dial_ms = 1000,
                                     .backoff_ms = 1000,
                                     .backoff_ms_max = 300000,
                                     .ban_ms = 86400000,
                                     .bans_max = 1024,
                                     .remembered_max = 1024,
                                     .score_gossip = -10,
                                     .score_ignore = -50,
                                     .score_ban = -80,
                                     .decay_ppm = 990000};
    notch_p2p_book_limits_default(&out->book);
    memcpy(out->classes, classes, sizeof classes);
}

static const char *check_classes(const struct notch_p2p_limits *limits)
{
    for (size_t i = 0; i < NOTCH_P2P_CLASS_COUNT; i++) {
        if (limits->classes[i].queue_max == 0 || limits->classes[i].rate_milli == 0 || limits->classes[i].burst == 0 ||
            limits->classes[i].rate_bytes == 0) {
            return "a class has no queue, rate or burst";
        }
    }
    for (unsigned code = 0; code < 256; code++) {
        const struct notch_p2p_type_info *info = notch_p2p_type_info((uint8_t)code);
        if (info != NULL && limits->classes[info->class].burst_bytes < info->payload_max) {
            return "burst_bytes of a class is below the cap of a type in it";
        }
    }
    return NULL;
}

const char *notch_p2p_limits_check(const struct notch_p2p_limits *limits)
{
    if (limits->peers_max == 0 || limits->peers_max > NOTCH_P2P_PEERS_MAX) {
        return "peers_max is not within 1..256";
    }
    if (limits->inbound_max + limits->outbound_full + limits->outbound_block > limits->peers_max) {
        return "inbound_max and the outbound connections are more than peers_max";
    }
    if (limits->mesh_low > limits->mesh || limits->mesh > limits->mesh_high) {
        return "mesh_low, mesh and mesh_high do not ascend";
    }
    if (limits->max_hops == 0 || limits->max_hops > 255) {
        return "max_hops is not within 1..255";
    }
    if (limits->batch == 0 || limits->batch > NOTCH_P2P_ITEMS_MAX) {
        return "batch is not within 1..128";
    }
    if (limits->requests_max == 0 || limits->requests_max > NOTCH__REQUESTS_MAX) {
        return "requests_max is not within 1..64";
    }
    if (limits->duplicate_cache == 0 || limits->wanted_max == 0 || limits->heartbeat_ms == 0) {
        return "duplicate_cache, wanted_max or heartbeat_ms is 0";
    }
    if (limits->queue_bytes == 0 || limits->window_bytes == 0 || limits->fair_every == 0) {
        return "queue_bytes, window_bytes or fair_every is 0";
    }
    if (limits->gossip_ppm > 1000000 || limits->decay_ppm >= 1000000) {
        return "gossip_ppm or decay_ppm is more than the whole";
    }
    if (limits->score_ban >= limits->score_ignore || limits->score_ignore >= limits->score_gossip) {
        return "score_ban, score_ignore and score_gossip do not ascend";
    }
    if (limits->book.new_buckets == 0 || limits->book.tried_buckets == 0 || limits->book.bucket_size == 0 ||
        limits->book.new_per_source == 0 || limits->book.tried_per_group == 0) {
        return "the address book has no room";
    }
    return check_classes(limits);
}
