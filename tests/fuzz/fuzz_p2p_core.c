#include "p2p/frame.h"
#include "p2p/p2p.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CONNECTIONS = 4, STEPS_MAX = 400 };

/* A core under the hands of peers that send anything, in any order, and of a driver that keeps to its contract. */
struct run {
    struct notch_p2p *p2p;
    struct notch_reader input;
    uint64_t seq;
    uint64_t now;
    uint64_t next_id;
    uint64_t ids[CONNECTIONS]; /* 0: closed */
    struct notch_signer signer;
    struct notch_signer theirs;
    struct notch_hash last; /* delivered last */
};

static const uint8_t our_secret[32] = {[31] = 1};
static const uint8_t their_secret[32] = {[31] = 2};
static const uint8_t binding[32] = {7};

static void drain(struct run *run)
{
    struct notch_p2p_effect effect;
    while (notch_p2p_poll(run->p2p, &effect)) {
        if (effect.type == NOTCH_P2P_EFFECT_DELIVER) {
            run->last = effect.deliver.id;
        }
        for (size_t i = 0; i < CONNECTIONS && effect.type == NOTCH_P2P_EFFECT_DISCONNECT; i++) {
            run->ids[i] = run->ids[i] == effect.peer ? 0 : run->ids[i];
        }
    }
}

static struct notch_p2p_event event_of(struct run *run, enum notch_p2p_event_type type, uint64_t peer)
{
    return (struct notch_p2p_event){.type = type, .seq = ++run->seq, .now = {run->now}, .peer = peer};
}

static void give(struct run *run, const struct notch_p2p_event *event)
{
    notch_p2p_handle(run->p2p, event);
    drain(run);
}

static void give_frame(struct run *run, size_t slot, enum notch_p2p_type type, struct notch_bytes payload)
{
    struct notch_p2p_zstd zstd;
    notch_p2p_zstd_init(&zstd, notch_alloc_heap());
    struct notch_buf frame;
    notch_buf_init(&frame, notch_alloc_heap());
    notch_p2p_frame_append(&frame, &zstd, type, payload, 0);
    struct notch_p2p_event event = event_of(run, NOTCH_P2P_EVENT_BYTES, run->ids[slot]);
    event.bytes.bytes = notch_buf_bytes(&frame);
    give(run, &event);
    notch_buf_fini(&frame);
    notch_p2p_zstd_fini(&zstd);
}

static void connect_peer(struct run *run, size_t slot, bool is_inbound)
{
    run->ids[slot] = ++run->next_id;
    struct notch_p2p_event event = event_of(run, NOTCH_P2P_EVENT_CONNECTED, run->ids[slot]);
    event.connected.key = run->theirs.key;
    event.connected.key.raw[0] = (uint8_t)(event.connected.key.raw[0] ^ slot); /* Raw: keys that differ */
    memcpy(event.connected.binding, binding, sizeof binding);
    event.connected.address = notch_p2p_address_v4(127, 0, 0, 1, (uint16_t)(1000 + slot));
    event.connected.purpose = is_inbound ? NOTCH_P2P_INBOUND : NOTCH_P2P_FULL;
    give(run, &event);
}

/* A HELLO that is accepted, by the peer whose key we can sign for. */
static void greet(struct run *run)
{
    struct notch_p2p_message hello = {.type = NOTCH_P2P_HELLO,
                                      .hello = {.version_min = 1, .version_max = 1, .capabilities = NOTCH_P2P_CAN_ALL}};
    struct notch_hash hash;
    notch_p2p_hello_hash(&hash, &hello.hello.genesis, binding, &run->theirs.key, &run->signer.key);
    (void)notch_sign(notch_crypto_standin(), &hello.hello.sig, &run->theirs, &hash);
    uint8_t bytes[512];
    struct notch_writer writer = notch_writer(bytes, sizeof bytes);
    notch_p2p_encode(&writer, &hello);
    give_frame(run, 0, NOTCH_P2P_HELLO, notch_writer_bytes(&writer));
}

static void give_message(struct run *run, size_t slot)
{
    const struct notch_p2p_type_info *info = notch_p2p_type_info(notch_read_u8(&run->input));
    struct notch_bytes payload = notch_read_blob(&run->input, 4096);
    if (info != NULL && payload.len <= info->payload_max && run->ids[slot] != 0) {
        give_frame(run, slot, info->type, payload);
    }
}

static void step(struct run *run)
{
    uint8_t what = notch_read_u8(&run->input);
    size_t slot = what % CONNECTIONS;
    struct notch_p2p_event event = event_of(run, NOTCH_P2P_EVENT_TICK, run->ids[slot]);
    switch (what / CONNECTIONS % 8) {
    case 0:
        run->now += notch_read_u16(&run->input);
        event.now.raw = run->now; /* Raw: a clock */
        break;
    case 1:
        run->seq--;
        give_message(run, slot);
        return;
    case 2:
        run->seq--;
        if (run->ids[slot] == 0) {
            connect_peer(run, slot, (what & 64) != 0);
        }
        if (slot == 0 && run->ids[0] != 0) {
            greet(run);
        }
        return;
    case 3:
        event.type = NOTCH_P2P_EVENT_BYTES;
        event.bytes.bytes = notch_read_blob(&run->input, 256);
        break;
    case 4:
        event.type = NOTCH_P2P_EVENT_VERDICT;
        event.verdict.id = run->last;
        event.verdict.verdict = (enum notch_p2p_verdict)(notch_read_u8(&run->input) % 3);
        break;
    case 5:
        event.type = NOTCH_P2P_EVENT_PUBLISH;
        event.publish.type = (enum notch_p2p_type)(NOTCH_P2P_RECORDS + notch_read_u8(&run->input) % 8);
        event.publish.bytes = notch_bytes(&what, 1);
        break;
    case 6:
        event.type = NOTCH_P2P_EVENT_DISCONNECTED;
        run->ids[slot] = 0;
        break;
    default:
        event.type = NOTCH_P2P_EVENT_SENT;
        event.sent.len = notch_read_u16(&run->input);
        break;
    }
    give(run, &event);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = {.input = notch_reader(notch_bytes(data, size)),
                      .now = 1000000,
                      .signer = {.secret = our_secret},
                      .theirs = {.secret = their_secret}};
    const struct notch_crypto *crypto = notch_crypto_standin();
    (void)crypto->key_of_secret(crypto->self, &run.signer.key, our_secret);
    (void)crypto->key_of_secret(crypto->self, &run.theirs.key, their_secret);
    struct notch_p2p_options options = {.crypto = crypto,
                                        .signer = &run.signer,
                                        .alloc = notch_alloc_heap(),
                                        .seed = 1,
                                        .agent = "fuzz",
                                        .capabilities = NOTCH_P2P_CAN_ALL};
    notch_p2p_limits_default(&options.limits);
    options.limits.peers_max = 5;
    options.limits.inbound_max = 2;
    options.limits.outbound_full = 2;
    options.limits.outbound_block = 1;
    options.limits.duplicate_cache = 32;
    options.limits.wanted_max = 64;
    options.limits.book = (struct notch_p2p_book_limits){8, 4, 4, 4, 2};
    notch_p2p_create(&run.p2p, &options);
    for (int i = 0; i < STEPS_MAX && notch_reader_left(&run.input) > 0; i++) {
        step(&run);
    }
    notch_p2p_destroy(run.p2p);
    return 0;
}
