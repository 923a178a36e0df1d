#include "node/internal.h"

/* Effects are bounded by what causes them: events, jobs and commits. The ring itself grows. */
static void grow(struct notch_node *node)
{
    size_t cap = node->out_cap == 0 ? 64 : node->out_cap * 2;
    struct notch__out *items = notch_alloc_array(node->alloc, cap, sizeof *items);
    for (size_t i = 0; i < node->out_count; i++) {
        items[i] = node->outbox[(node->out_head + i) % node->out_cap];
    }
    notch_free(node->alloc, node->outbox, node->out_cap * sizeof *items);
    node->outbox = items;
    node->out_cap = cap;
    node->out_head = 0;
}

struct notch_node_effect *notch__out(struct notch_node *node, enum notch_node_effect_type type, size_t owned_size,
                                     void **owned)
{
    if (node->out_count == node->out_cap) {
        grow(node);
    }
    struct notch__out *item = &node->outbox[(node->out_head + node->out_count) % node->out_cap];
    *item = (struct notch__out){.effect.type = type, .owned_size = owned_size};
    if (owned_size > 0) {
        item->owned = notch_alloc(node->alloc, owned_size);
        *owned = item->owned;
    }
    node->out_count++;
    return &item->effect;
}

void notch__alarm(struct notch_node *node, const char *text)
{
    notch_log(node->options.log, NOTCH_LOG_ERROR, "node", "%s", text);
    notch__out(node, NOTCH_NODE_ALARM, 0, NULL)->alarm.text = text;
}
