#include "rpc/metrics.h"

#include <inttypes.h>
#include <stdio.h>

const uint64_t notch_metrics_bounds_us[NOTCH_METRICS_BOUNDS] = {50,    100,   200,   500,    1000,   2000,    5000,
                                                                10000, 25000, 50000, 100000, 250000, 1000000, 5000000};

static void put(struct notch_buf *out, const char *text)
{
    notch_buf_append(out, text, strlen(text));
}

static void put_number(struct notch_buf *out, uint64_t value)
{
    char text[24];
    (void)snprintf(text, sizeof text, "%" PRIu64, value);
    put(out, text);
}

/* value / 10^digits, exactly. */
static void put_fraction(struct notch_buf *out, uint64_t value, unsigned digits)
{
    uint64_t unit = 1;
    for (unsigned i = 0; i < digits; i++) {
        unit *= 10;
    }
    char text[48];
    (void)snprintf(text, sizeof text, "%" PRIu64 ".%0*" PRIu64, value / unit, (int)digits, value % unit);
    put(out, text);
}

void notch_metrics_head(struct notch_buf *out, const char *name, const char *type, const char *help)
{
    put(out, "# HELP ");
    put(out, name);
    put(out, " ");
    put(out, help);
    put(out, "\n# TYPE ");
    put(out, name);
    put(out, " ");
    put(out, type);
    put(out, "\n");
}

static void put_family(struct notch_buf *out, const char *name, const char *type, const char *help, uint64_t value)
{
    notch_metrics_head(out, name, type, help);
    put(out, name);
    put(out, " ");
    put_number(out, value);
    put(out, "\n");
}

void notch_metrics_counter(struct notch_buf *out, const char *name, const char *help, uint64_t value)
{
    put_family(out, name, "counter", help, value);
}

void notch_metrics_gauge(struct notch_buf *out, const char *name, const char *help, uint64_t value)
{
    put_family(out, name, "gauge", help, value);
}

void notch_metrics_counter_seconds(struct notch_buf *out, const char *name, const char *help, uint64_t ns)
{
    notch_metrics_head(out, name, "counter", help);
    put(out, name);
    put(out, " ");
    put_fraction(out, ns, 9);
    put(out, "\n");
}

static void put_escaped(struct notch_buf *out, const char *text)
{
    for (; *text != 0; text++) {
        if (*text == '\n') {
            put(out, "\\n");
            continue;
        }
        if (*text == '"' || *text == '\\') {
            put(out, "\\");
        }
        notch_buf_append(out, text, 1);
    }
}

void notch_metrics_sample(struct notch_buf *out, const char *name, const char *label, const char *label_value,
                          uint64_t value)
{
    put(out, name);
    put(out, "{");
    put(out, label);
    put(out, "=\"");
    put_escaped(out, label_value);
    put(out, "\"} ");
    put_number(out, value);
    put(out, "\n");
}

void notch_metrics_observe(struct notch_metrics_histogram *histogram, uint64_t us)
{
    unsigned at = 0;
    while (at < NOTCH_METRICS_BOUNDS && us > notch_metrics_bounds_us[at]) {
        at++;
    }
    histogram->counts[at]++;
    histogram->sum_us += us;
}

/* One bucket line; `bound` in units of 10^-digits seconds, UINT64_MAX for +Inf. */
static void put_bucket(struct notch_buf *out, const char *name, uint64_t bound, unsigned digits, uint64_t count)
{
    put(out, name);
    put(out, "_bucket{le=\"");
    if (bound == UINT64_MAX) {
        put(out, "+Inf");
    } else {
        put_fraction(out, bound, digits);
    }
    put(out, "\"} ");
    put_number(out, count);
    put(out, "\n");
}

static void put_totals(struct notch_buf *out, const char *name, uint64_t sum, unsigned digits, uint64_t count)
{
    put(out, name);
    put(out, "_sum ");
    put_fraction(out, sum, digits);
    put(out, "\n");
    put(out, name);
    put(out, "_count ");
    put_number(out, count);
    put(out, "\n");
}

void notch_metrics_histogram(struct notch_buf *out, const char *name, const char *help,
                             const struct notch_metrics_histogram *histogram)
{
    uint64_t total = 0;
    notch_metrics_head(out, name, "histogram", help);
    for (unsigned i = 0; i < NOTCH_METRICS_BOUNDS; i++) {
        total += histogram->counts[i];
        put_bucket(out, name, notch_metrics_bounds_us[i], 6, total);
    }
    total += histogram->counts[NOTCH_METRICS_BOUNDS];
    put_bucket(out, name, UINT64_MAX, 6, total);
    put_totals(out, name, histogram->sum_us, 6, total);
}

/* The time to final in few buckets, at whose bounds the fine ones end. */
static void put_finality(struct notch_buf *out, const struct notch_latency *latency)
{
    static const uint64_t bounds_ms[] = {10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 30000};
    const char *name = "notch_record_finality_seconds";
    notch_metrics_head(out, name, "histogram", "From submission to final, by the oldest record of each batch.");
    uint64_t total = 0;
    unsigned fine = 0;
    for (unsigned i = 0; i < NOTCH_ARRAY_LEN(bounds_ms); i++) {
        while (fine < NOTCH_LATENCY_BUCKETS && notch_latency_bound(fine) <= bounds_ms[i]) {
            total += latency->counts[fine];
            fine++;
        }
        put_bucket(out, name, bounds_ms[i], 3, total);
    }
    put_bucket(out, name, UINT64_MAX, 3, latency->total);
    put_totals(out, name, latency->sum_ms, 3, latency->total);
}

void notch_metrics_node(struct notch_buf *out, const struct notch_node_info *info)
{
    const struct notch_finality_info *state = &info->finality_state;
    /* Raw: prints; all of them do. */
    notch_metrics_gauge(out, "notch_head_height", "Height of the head.", state->head.height.raw);
    notch_metrics_gauge(out, "notch_final_height", "Height of the newest final block.", state->final.height.raw);
    notch_metrics_gauge(out, "notch_finality_lag_slots", "Slots from the newest final block to the head.",
                        state->lag_slots);
    notch_metrics_gauge(out, "notch_slot", "The slot now, by this node's clock.", info->slot.raw);
    notch_metrics_gauge(out, "notch_set_id", "The validator set in force.", state->set_id);
    notch_metrics_gauge(out, "notch_set_weight", "Weight of the validator set in force.", state->weight_total);
    notch_metrics_gauge(out, "notch_set_weight_voting", "Weight that voted in the last voted slot.",
                        state->weight_voting);
    notch_metrics_gauge(out, "notch_chain_records", "Records that are final on the chain.", info->records);
    notch_metrics_gauge(out, "notch_chain_entries", "Entries that are final on the chain.", info->entries);
    notch_metrics_gauge(out, "notch_pending_batches", "Batches that are not final yet.", info->pending_batches);
    notch_metrics_gauge(out, "notch_pending_records", "Records that are not final yet.", info->pending_records);
    notch_metrics_gauge(out, "notch_submissions_in_flight", "Submissions without an answer yet.", info->in_flight);
    notch_metrics_counter(out, "notch_records_submitted_total", "Records given in.", info->submitted);
    notch_metrics_counter(out, "notch_records_acknowledged_total", "Records answered as stored.", info->acknowledged);
    notch_metrics_counter(out, "notch_records_refused_total", "Records refused.", info->refused);
    notch_metrics_counter(out, "notch_records_duplicate_total", "Records that were known already.", info->duplicates);
    notch_metrics_counter(out, "notch_batches_made_total", "Batches made.", info->batches_made);
    notch_metrics_counter(out, "notch_blocks_proposed_total", "Blocks proposed.", info->blocks_proposed);
    notch_metrics_counter(out, "notch_votes_cast_total", "Votes cast.", info->votes_cast);
    notch_metrics_counter(out, "notch_commits_total", "Commits to the disk.", info->commits);
    notch_metrics_gauge(out, "notch_peers", "Peers that are connected.", info->peers);
    notch_metrics_gauge(out, "notch_voting", "1 if this node votes.", info->voting ? 1 : 0);
    notch_metrics_gauge(out, "notch_taking_records", "1 if this node takes records.", info->taking_records ? 1 : 0);
    notch_metrics_gauge(out, "notch_alone", "1 if this node has lost all its peers.", info->alone ? 1 : 0);
    put_finality(out, &info->finality);
}
