#include "contrib/bench/node_records.h"

#include "base/codec.h"
#include "base/rng.h"
#include "chain/entry.h"
#include "wallet/io/secrets.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { MARKETS = 64, SEASONS = 12, PARTS_MAX = 64 };

#define WEEK_MS UINT64_C(604800000)

bool notch_bench_authors_init(struct notch_bench_authors *out, uint32_t count, uint64_t seed)
{
    *out = (struct notch_bench_authors){.count = count};
    out->signers = calloc(count, sizeof *out->signers);
    enum notch_err err = notch_secrets_create(&out->secrets, count, notch_crypto_secp(), notch_alloc_heap());
    for (uint32_t i = 0; i < count && err == NOTCH_OK && out->signers != NULL; i++) {
        uint8_t name[16];
        struct notch_hash secret;
        notch_put_be64(name, seed);
        notch_put_be64(name + 8, i);
        notch_hash_tagged(&secret, "notch/bench/author", notch_bytes(name, sizeof name));
        err = notch_secrets_add(out->secrets, &out->signers[i], secret.raw);
    }
    if (err != NOTCH_OK || out->signers == NULL) {
        fprintf(stderr, "bench: %u authors cannot be made\n", (unsigned)count);
        return false;
    }
    notch_secrets_seal(out->secrets);
    return true;
}

void notch_bench_authors_fini(struct notch_bench_authors *authors)
{
    notch_secrets_destroy(authors->secrets);
    free(authors->signers);
    *authors = (struct notch_bench_authors){0};
}

static struct notch_ppm draw_ppm(struct notch_rng *rng, int32_t least, uint32_t span)
{
    return (struct notch_ppm){least + (int32_t)notch_rng_below(rng, span)};
}

static void draw_insight(struct notch_entry *entry, struct notch_rng *rng, struct notch_time ts)
{
    *entry = (struct notch_entry){.type = NOTCH_ENTRY_INSIGHT};
    struct notch_insight *insight = &entry->as.insight;
    notch_put_be64(insight->market.raw, notch_rng_below(rng, MARKETS));
    notch_sha256(&insight->market, notch_bytes(insight->market.raw, sizeof insight->market.raw)); /* Raw: any hash */
    uint64_t weeks = 1 + notch_rng_below(rng, 500);
    insight->period.start.raw = ts.raw - weeks * WEEK_MS; /* Raw: some week before it was signed */
    insight->period.length_ms = WEEK_MS;
    insight->mask = NOTCH_INSIGHT_POINT | NOTCH_INSIGHT_RANGE | NOTCH_INSIGHT_TREND | NOTCH_INSIGHT_VOLATILITY |
                    NOTCH_INSIGHT_SEASONALITY | NOTCH_INSIGHT_CONFIDENCE | NOTCH_INSIGHT_SAMPLES |
                    NOTCH_INSIGHT_SUCCESS;
    insight->lo.raw = 500000 + (int64_t)notch_rng_below(rng, 1500000);            /* Raw: drawn */
    insight->point.raw = insight->lo.raw + (int64_t)notch_rng_below(rng, 400000); /* Raw: drawn */
    insight->hi.raw = insight->point.raw + (int64_t)notch_rng_below(rng, 400000); /* Raw: drawn */
    insight->trend = draw_ppm(rng, -200000, 400000);
    insight->volatility = draw_ppm(rng, 1000, 300000);
    insight->season_count = SEASONS;
    for (uint32_t i = 0; i < SEASONS; i++) {
        insight->seasons[i] = draw_ppm(rng, -300000, 600000);
    }
    insight->confidence = draw_ppm(rng, 500000, 500000);
    insight->samples = 100 + notch_rng_below(rng, 100000);
    insight->success = draw_ppm(rng, -100000, 500000);
}

void notch_bench_record(struct notch_buf *out, const struct notch_bench_plan *plan, uint64_t number)
{
    struct notch_rng rng;
    notch_rng_init(&rng, plan->seed * UINT64_C(0x9e3779b97f4a7c15) + number);
    const struct notch_signer *author = &plan->authors->signers[number % plan->authors->count];
    struct notch_buf entries;
    notch_buf_init(&entries, notch_alloc_heap());
    for (uint32_t i = 0; i < plan->entries; i++) {
        struct notch_entry entry;
        draw_insight(&entry, &rng, plan->ts);
        notch_entry_append(&entries, &entry);
    }
    struct notch_record_draft draft = {
        .author = author->key, .ts = plan->ts, .ref = plan->ref, .entries = notch_buf_bytes(&entries)};
    notch_put_be64(draft.salt.raw, plan->seed); /* Raw: any bytes, but no two alike */
    notch_put_be64(draft.salt.raw + 8, number); /* Raw: the same */
    enum notch_err err = notch_record_build(out, &draft, author, plan->domain, notch_crypto_secp());
    notch_assert(err == NOTCH_OK);
    notch_buf_fini(&entries);
}

/* ---- many at once ---- */

struct part {
    const struct notch_bench_plan *plan;
    struct notch_bytes *at; /* offsets for as long as the buffer grows */
    struct notch_buf *bytes;
    uint64_t first;
    size_t count;
};

static void *make_part(void *opaque)
{
    const struct part *part = opaque;
    for (size_t i = 0; i < part->count; i++) {
        size_t start = part->bytes->len;
        notch_bench_record(part->bytes, part->plan, part->first + i);
        part->at[i].len = part->bytes->len - start;
    }
    const uint8_t *data = part->bytes->data;
    for (size_t i = 0; i < part->count; i++) {
        part->at[i].data = data;
        data += part->at[i].len;
    }
    return NULL;
}

static bool make_parts(struct notch_bench_records *out, const struct notch_bench_plan *plan, uint64_t first)
{
    pthread_t threads[PARTS_MAX];
    struct part parts[PARTS_MAX];
    unsigned started = 0;
    size_t made = 0;
    while (started < out->part_count) {
        size_t until = out->count * (started + 1) / out->part_count;
        notch_buf_init(&out->parts[started], notch_alloc_heap());
        parts[started] = (struct part){plan, out->at + made, &out->parts[started], first + made, until - made};
        if (pthread_create(&threads[started], NULL, make_part, &parts[started]) != 0) {
            break;
        }
        made = until;
        started++;
    }
    for (unsigned i = 0; i < started; i++) {
        pthread_join(threads[i], NULL);
        out->bytes += out->parts[i].len;
    }
    return started == out->part_count;
}

bool notch_bench_records_make(struct notch_bench_records *out, const struct notch_bench_plan *plan, uint64_t first,
                              size_t count)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *out = (struct notch_bench_records){.count = count};
    out->part_count = processors < 1 ? 1 : processors > PARTS_MAX ? PARTS_MAX : (unsigned)processors;
    out->at = calloc(count, sizeof *out->at);
    out->parts = calloc(out->part_count, sizeof *out->parts);
    if (out->at == NULL || out->parts == NULL || !make_parts(out, plan, first)) {
        fprintf(stderr, "bench: %zu records cannot be made\n", count);
        return false;
    }
    return true;
}

void notch_bench_records_fini(struct notch_bench_records *records)
{
    for (unsigned i = 0; i < records->part_count && records->parts != NULL; i++) {
        if (records->parts[i].alloc != NULL) {
            notch_buf_fini(&records->parts[i]);
        }
    }
    free(records->parts);
    free(records->at);
    *records = (struct notch_bench_records){0};
}
