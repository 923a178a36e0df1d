#include "consensus/parts.h"

const char *notch_consensus_effect_name(enum notch_consensus_effect_type type)
{
    static const char *const names[] = {
#define X(name, text) [NOTCH_CONSENSUS_##name] = (text),
        NOTCH_CONSENSUS_EFFECT_TABLE(X)
#undef X
    };
    notch_assert((size_t)type < NOTCH_ARRAY_LEN(names));
    return names[type];
}

const char *notch_consensus_event_name(enum notch_consensus_event_type type)
{
    static const char *const names[] = {
#define X(name, text) [NOTCH_CONSENSUS_EVENT_##name] = (text),
        NOTCH_CONSENSUS_EVENT_TABLE(X)
#undef X
    };
    notch_assert((size_t)type < NOTCH_ARRAY_LEN(names));
    return names[type];
}

struct notch_consensus_effect *notch__emit(struct notch_consensus *core, enum notch_consensus_effect_type type)
{
    if (core->effect_count == core->effect_cap) {
        uint32_t cap = core->effect_cap > 0 ? 2 * core->effect_cap : 16;
        core->effects = notch_realloc(core->options.alloc, core->effects, core->effect_cap * sizeof *core->effects,
                                      cap * sizeof *core->effects);
        core->effect_cap = cap;
    }
    struct notch_consensus_effect *effect = &core->effects[core->effect_count++];
    memset(effect, 0, sizeof *effect);
    effect->type = type;
    return effect;
}

struct notch_buf *notch__scratch(struct notch_consensus *core)
{
    if (core->scratch_count == core->scratch_cap) {
        uint32_t cap = core->scratch_cap > 0 ? 2 * core->scratch_cap : 8;
        core->scratch = notch_realloc(core->options.alloc, core->scratch, core->scratch_cap * sizeof *core->scratch,
                                      cap * sizeof *core->scratch);
        core->scratch_cap = cap;
    }
    struct notch_buf *buf = &core->scratch[core->scratch_count++];
    notch_buf_init(buf, core->options.alloc);
    return buf;
}

void notch__effects_reset(struct notch_consensus *core)
{
    for (uint32_t i = 0; i < core->scratch_count; i++) {
        notch_buf_fini(&core->scratch[i]);
    }
    core->scratch_count = 0;
    core->effect_count = 0;
    core->effect_at = 0;
}

static struct notch_bytes keep(struct notch_consensus *core, struct notch_bytes bytes)
{
    struct notch_buf *buf = notch__scratch(core);
    notch_buf_append(buf, bytes.data, bytes.len);
    return notch_buf_bytes(buf);
}

void notch__emit_alarm(struct notch_consensus *core, enum notch_consensus_alarm kind, const char *text,
                       struct notch_bytes bytes)
{
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_ALARM);
    effect->alarm.kind = kind;
    effect->alarm.text = text;
    effect->alarm.bytes = bytes.len > 0 ? keep(core, bytes) : bytes;
}

void notch__emit_score(struct notch_consensus *core, uint64_t peer, struct notch_reject reject)
{
    notch_log(core->options.log, NOTCH_LOG_DEBUG, "consensus", "refused: %s (%s)", reject.reason,
              notch_reject_text(reject.code));
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_SCORE);
    effect->score.peer = peer;
    effect->score.reject = reject;
}

void notch__emit_send(struct notch_consensus *core, enum notch_consensus_what what, struct notch_bytes bytes,
                      uint64_t after, uint64_t to)
{
    struct notch_bytes kept = keep(core, bytes);
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_SEND);
    effect->after = after;
    effect->send.what = what;
    effect->send.bytes = kept;
    effect->send.to = to;
}

void notch__emit_request(struct notch_consensus *core, enum notch_consensus_what what, const struct notch_hash *hash,
                         uint64_t peer)
{
    struct notch_consensus_effect *effect = notch__emit(core, NOTCH_CONSENSUS_REQUEST);
    effect->request.what = what;
    effect->request.hash = *hash;
    effect->request.from = core->final.at;
    effect->request.peer = peer;
}
