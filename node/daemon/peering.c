#include "node/daemon/peering.h"

#include "node/daemon/text.h"
#include "p2p/io/socket_address.h"

static bool read_address(struct notch_p2p_address *out, struct notch_buf *problems, const char *name, const char *text)
{
    if (notch_socket_address_parse(out, text)) {
        return true;
    }
    notch_text(problems, "%s: %s is no address: expected one like 192.0.2.1:%d or [2001:db8::1]:%d\n", name, text,
               NOTCH_PEERING_PORT, NOTCH_PEERING_PORT);
    return false;
}

static bool read_fixed(struct notch_peering *out, struct notch_buf *problems, const struct notch_config *config)
{
    struct notch_peers_config *peers = &out->config;
    bool is_right = true;
    const char *item;
    for (size_t i = 0; (item = notch_config_item(config, NOTCH_CONFIG_P2P_PEER, i)) != NULL; i++) {
        if (i == NOTCH_P2P_STATIC_MAX) {
            notch_text(problems, "p2p.peer is given more than %d times\n", NOTCH_P2P_STATIC_MAX);
            return false;
        }
        is_right = read_address(&out->fixed[i], problems, "p2p.peer", item) && is_right;
        peers->fixed_count = i + 1;
    }
    return is_right;
}

static bool read_seeds(struct notch_peering *out, struct notch_buf *problems, const struct notch_config *config)
{
    const char *item;
    for (size_t i = 0; (item = notch_config_item(config, NOTCH_CONFIG_P2P_SEED, i)) != NULL; i++) {
        if (i == NOTCH_PEERING_SEEDS_MAX) {
            notch_text(problems, "p2p.seed is given more than %d times\n", NOTCH_PEERING_SEEDS_MAX);
            return false;
        }
        out->seeds[i] = item;
        out->config.seed_count = i + 1;
    }
    return true;
}

bool notch_peering_read(struct notch_peering *out, struct notch_buf *problems, const struct notch_config *config)
{
    const char *listen = notch_config_text(config, NOTCH_CONFIG_P2P_LISTEN);
    *out = (struct notch_peering){.config = {.seed_port = NOTCH_PEERING_PORT}};
    out->config.fixed = out->fixed;
    out->config.seeds = out->seeds;
    out->config.listens = listen[0] != 0;
    bool is_right = !out->config.listens || read_address(&out->config.listen, problems, "p2p.listen", listen);
    is_right = read_fixed(out, problems, config) && is_right;
    return read_seeds(out, problems, config) && is_right;
}
