#include "rpc/cli/submit.h"

#include "chain/salt.h"
#include "rpc/cli/progress.h"

#include <stdlib.h>

enum {
    BUSY_CODE = -32005,
    BUSY_TRIES_MAX = 400,
    BUSY_PAUSE_MS_MAX = 250,
    PACE_MS = 20,     /* a paced feed sends this much time's worth at once */
    WAIT_BATCH = 200, /* calls in one request */
    WAIT_PAUSE_MS = 10,
    WAIT_STUCK_MS = 60000,
};

/* A request under way. */
struct slot {
    struct notch_http http;
    struct notch_buf body;
    size_t first;
    size_t count;
    uint64_t sent_ms; /* of the calendar */
    unsigned tries;
};

struct submit {
    const struct notch_submit_options *options;
    struct notch_submit_result *result;
    struct slot slots[NOTCH_SUBMIT_WINDOW];
    size_t next;   /* record to be sent */
    size_t in_use; /* slots */
    size_t oldest; /* slot */
    uint64_t started_ms;
    struct notch_buf record;
    struct notch_progress progress;
};

void notch_submit_init(struct notch_submit_result *result, const struct notch_alloc *alloc)
{
    *result = (struct notch_submit_result){0};
    notch_buf_init(&result->ids, alloc);
}

void notch_submit_fini(struct notch_submit_result *result)
{
    notch_buf_fini(&result->ids);
}

static void count_reason(struct notch_submit_reasons *reasons, const char *text)
{
    for (uint32_t i = 0; i < reasons->count; i++) {
        if (strncmp(reasons->reason[i].text, text, sizeof reasons->reason[i].text - 1) == 0) {
            reasons->reason[i].count++;
            return;
        }
    }
    if (reasons->count < NOTCH_SUBMIT_REASONS_MAX) {
        uint32_t at = reasons->count++;
        (void)snprintf(reasons->reason[at].text, sizeof reasons->reason[at].text, "%s", text);
        reasons->reason[at].count = 1;
    }
}

/* ---- sending ---- */

static enum notch_exit sign_record(struct submit *submit, size_t index)
{
    const struct notch_submit_options *options = submit->options;
    struct notch_feed_record planned = notch_feed_plan_at(options->plan, index);
    const struct notch_signer *signer = &options->signers[planned.signer];
    struct notch_record_draft draft = {
        .author = signer->key,
        .ts = {notch_clock_calendar_ms()},
        .ref = options->chain->final,
        .entries = notch_bytes(options->plan->entries.data + planned.from, (size_t)planned.len)};
    struct notch_hash root;
    uint32_t count;
    notch_buf_clear(&submit->record);
    enum notch_err err = notch_record_entries_root(&root, &count, draft.entries);
    if (err == NOTCH_OK) {
        notch_record_salt(&draft.salt, &options->chain->domain, signer->secret, &root);
        err = notch_record_build(&submit->record, &draft, signer, &options->chain->domain, notch_crypto_secp());
    }
    return err == NOTCH_OK ? NOTCH_EXIT_OK
                           : notch_cli_fail(options->client->cli, NOTCH_EXIT_REFUSED, "record %zu cannot be made: %s",
                                            index, notch_err_text(err));
}

static enum notch_exit make_body(struct submit *submit, struct slot *slot, size_t most)
{
    size_t total = notch_feed_plan_count(submit->options->plan);
    slot->first = submit->next;
    slot->count = 0;
    slot->tries = 0;
    notch_buf_clear(&slot->body);
    notch_cli_text(&slot->body, "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"submitrecords\",\"params\":{\"records\":[");
    while (slot->count < most && submit->next < total && slot->body.len < NOTCH_SUBMIT_BYTES) {
        enum notch_exit code = sign_record(submit, submit->next);
        if (code != NOTCH_EXIT_OK) {
            return code;
        }
        notch_buf_append(&slot->body, slot->count == 0 ? "\"" : ",\"", slot->count == 0 ? 1 : 2);
        notch_hex_encode((char *)notch_buf_reserve(&slot->body, 2 * submit->record.len + 1), submit->record.data,
                         submit->record.len);
        slot->body.len += 2 * submit->record.len;
        notch_buf_append(&slot->body, "\"", 1);
        slot->count++;
        submit->next++;
    }
    notch_buf_append(&slot->body, "]}}", 3);
    return NOTCH_EXIT_OK;
}

static enum notch_exit send_slot(struct submit *submit, struct slot *slot)
{
    if (slot->tries == 0) {
        slot->sent_ms = notch_clock_calendar_ms();
    }
    enum notch_err err = notch_http_send(&slot->http, notch_buf_bytes(&slot->body));
    return err == NOTCH_OK ? NOTCH_EXIT_OK : notch_client_unreachable(submit->options->client, err);
}

/* How many records may go out now, so that the rate is kept; waits until it is at least one. */
static size_t pace(const struct submit *submit)
{
    uint64_t rate = submit->options->rate;
    if (rate == 0) {
        return NOTCH_SUBMIT_RECORDS;
    }
    uint64_t due_ms = submit->started_ms + submit->next * 1000 / rate;
    uint64_t now = notch_clock_ms();
    if (now < due_ms) {
        notch_clock_wait(due_ms);
        now = due_ms;
    }
    uint64_t behind = (now - submit->started_ms + PACE_MS) * rate / 1000;
    uint64_t allowed = behind > submit->next ? behind - submit->next : 1;
    return allowed > NOTCH_SUBMIT_RECORDS ? NOTCH_SUBMIT_RECORDS : (size_t)allowed;
}

/* ---- answers ---- */

static void log_record(const struct submit *submit, const struct slot *slot, size_t index, const json_t *answer)
{
    const struct notch_submit_options *options = submit->options;
    struct notch_feed_record planned = notch_feed_plan_at(options->plan, index);
    char author[NOTCH_KEY_TEXT_MAX + 1];
    if (options->log == NULL) {
        return;
    }
    notch_key_print(author, &options->signers[planned.signer].key, options->chain->network);
    json_t *line = json_pack("{s:s,s:s,s:i,s:s,s:b,s:I,s:I}", "id", notch_client_string(answer, "id"), "author", author,
                             "entries", (int)planned.count, "status", notch_client_string(answer, "status"),
                             "duplicate", json_is_true(json_object_get(answer, "duplicate")) ? 1 : 0, "submitted_ms",
                             (json_int_t)slot->sent_ms, "answered_ms", (json_int_t)notch_clock_calendar_ms());
    char *text = json_dumps(line, JSON_COMPACT);
    (void)fprintf(options->log, "%s\n", text);
    free(text);
    json_decref(line);
}

static void count_answer(struct submit *submit, const struct slot *slot, size_t index, const json_t *answer)
{
    struct notch_submit_result *result = submit->result;
    struct notch_feed_record planned = notch_feed_plan_at(submit->options->plan, index);
    const char *status = notch_client_string(answer, "status");
    const char *id = notch_client_string(answer, "id");
    struct notch_hash hash;
    result->submitted++;
    log_record(submit, slot, index, answer);
    if (strcmp(status, "refused") == 0) {
        char text[160];
        (void)snprintf(text, sizeof text, "%s: %s", notch_client_string(answer, "code"),
                       notch_client_string(answer, "reason"));
        result->refused++;
        count_reason(&result->reasons, text);
        return;
    }
    if (json_is_true(json_object_get(answer, "duplicate"))) {
        result->duplicates++;
    } else {
        result->published++;
        result->entries += planned.count;
        result->local += strcmp(status, "local") == 0;
    }
    if (notch_hex_decode(hash.raw, sizeof hash.raw, id, strlen(id))) { /* Raw: parses */
        notch_buf_append(&result->ids, &hash, sizeof hash);
    }
}

/* Sends again what a busy node did not take. */
static enum notch_exit try_again(struct submit *submit, struct slot *slot, const json_t *error)
{
    struct notch_client *client = submit->options->client;
    if (json_integer_value(json_object_get(error, "code")) != BUSY_CODE || ++slot->tries > BUSY_TRIES_MAX) {
        return notch_client_fail(client, "submitrecords", error);
    }
    uint64_t pause = UINT64_C(5) * slot->tries;
    notch_clock_wait(notch_clock_ms() + (pause > BUSY_PAUSE_MS_MAX ? BUSY_PAUSE_MS_MAX : pause));
    return send_slot(submit, slot);
}

/* The answer of the oldest request. */
static enum notch_exit take_answer(struct submit *submit)
{
    struct slot *slot = &submit->slots[submit->oldest];
    struct notch_client *client = submit->options->client;
    json_t *answer = NULL;
    while (answer == NULL) {
        struct notch_http_reply reply;
        enum notch_exit code;
        json_t *error;
        enum notch_err err = notch_http_receive(&slot->http, &reply);
        if (err != NOTCH_OK) {
            return notch_client_unreachable(client, err);
        }
        answer = notch_client_read(client, &code, &error, &reply);
        if (answer == NULL) {
            code = error == NULL ? code : try_again(submit, slot, error);
            json_decref(error);
            if (code != NOTCH_EXIT_OK) {
                return code;
            }
        }
    }
    const json_t *results = json_object_get(answer, "results");
    enum notch_exit code = NOTCH_EXIT_OK;
    if (json_array_size(results) != slot->count) {
        code = notch_cli_fail(client->cli, NOTCH_EXIT_REFUSED, "the node answered %zu results for %zu records",
                              json_array_size(results), slot->count);
    }
    for (size_t i = 0; code == NOTCH_EXIT_OK && i < slot->count; i++) {
        count_answer(submit, slot, slot->first + i, json_array_get(results, i));
    }
    json_decref(answer);
    submit->oldest = (submit->oldest + 1) % NOTCH_SUBMIT_WINDOW;
    submit->in_use--;
    notch_progress_at(&submit->progress, submit->result->submitted);
    return code;
}

static bool is_over(const struct submit *submit)
{
    uint64_t stop = submit->options->stop_ms;
    return submit->next == notch_feed_plan_count(submit->options->plan) || (stop > 0 && notch_clock_ms() >= stop);
}

static enum notch_exit run(struct submit *submit)
{
    enum notch_exit code = NOTCH_EXIT_OK;
    while (code == NOTCH_EXIT_OK && (submit->in_use > 0 || !is_over(submit))) {
        if (submit->in_use == NOTCH_SUBMIT_WINDOW || is_over(submit)) {
            code = take_answer(submit);
            continue;
        }
        struct slot *slot = &submit->slots[(submit->oldest + submit->in_use) % NOTCH_SUBMIT_WINDOW];
        code = make_body(submit, slot, pace(submit));
        if (code == NOTCH_EXIT_OK) {
            code = send_slot(submit, slot);
            submit->in_use++;
        }
        /* At a slow pace answers are taken as they come, so that the log tells when. */
        if (code == NOTCH_EXIT_OK && submit->options->rate > 0) {
            code = take_answer(submit);
        }
    }
    return code;
}

enum notch_exit notch_submit_all(struct notch_submit_result *result, const struct notch_submit_options *options)
{
    const struct notch_alloc *alloc = options->client->cli->alloc;
    struct submit submit = {.options = options, .result = result, .started_ms = notch_clock_ms()};
    notch_buf_init(&submit.record, alloc);
    for (size_t i = 0; i < NOTCH_SUBMIT_WINDOW; i++) {
        notch_client_connection(&submit.slots[i].http, options->client);
        notch_buf_init(&submit.slots[i].body, alloc);
    }
    notch_progress_begin(&submit.progress, options->client->cli, "publishing", notch_feed_plan_count(options->plan));
    enum notch_exit code = run(&submit);
    notch_progress_end(&submit.progress, result->submitted);
    for (size_t i = 0; i < NOTCH_SUBMIT_WINDOW; i++) {
        notch_http_fini(&submit.slots[i].http);
        notch_buf_fini(&submit.slots[i].body);
    }
    notch_buf_fini(&submit.record);
    if (options->log != NULL && fflush(options->log) != 0 && code == NOTCH_EXIT_OK) {
        code = notch_cli_fail(options->client->cli, NOTCH_EXIT_REFUSED, "cannot write the log");
    }
    return code;
}

/* ---- waiting ---- */

static struct notch_hash id_at(const struct notch_submit_result *result, size_t index)
{
    struct notch_hash id;
    memcpy(&id, result->ids.data + index * sizeof id, sizeof id);
    return id;
}

/* One request that asks for many. Raw: prints. */
static void make_questions(struct notch_buf *body, const struct notch_submit_result *result, size_t first, size_t count)
{
    notch_buf_clear(body);
    for (size_t i = 0; i < count; i++) {
        char hex[65];
        struct notch_hash id = id_at(result, first + i);
        notch_hex_encode(hex, id.raw, sizeof id.raw);
        notch_cli_text(body, "%c{\"jsonrpc\":\"2.0\",\"id\":%zu,\"method\":\"getrecordstatus\",\"params\":[\"%s\"]}",
                       i == 0 ? '[' : ',', i, hex);
    }
    notch_cli_text(body, "]");
}

static void count_outcome(struct notch_submit_result *result, const json_t *status)
{
    const json_t *receipt = json_object_get(status, "receipt");
    const char *outcome = notch_client_string(receipt, "outcome");
    size_t i;
    json_t *entry;
    if (strcmp(outcome, "applied") == 0) {
        result->applied++;
    } else if (json_array_size(json_object_get(receipt, "entries")) == 0) {
        count_reason(&result->outcomes, notch_client_string(receipt, "reason"));
    } else {
        json_array_foreach(json_object_get(receipt, "entries"), i, entry)
        {
            const char *of_entry = notch_client_string(entry, "outcome");
            if (strcmp(of_entry, "applied") != 0) {
                const char *reason = notch_client_string(entry, "reason");
                count_reason(&result->outcomes, *reason == '\0' ? of_entry : reason);
            }
        }
    }
}

/* How many of the questions, from the first on, are answered with final. */
static size_t count_final(struct notch_submit_result *result, const json_t *answers, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const json_t *status = json_object_get(json_array_get(answers, i), "result");
        const char *name = notch_client_string(status, "status");
        if (strcmp(name, "final") != 0 && strcmp(name, "settled") != 0) {
            return i;
        }
        count_outcome(result, status);
    }
    return count;
}

static enum notch_exit ask_status(struct notch_submit_result *result, struct notch_client *client,
                                  struct notch_buf *body, size_t *done)
{
    size_t left = result->ids.len / sizeof(struct notch_hash) - *done;
    size_t count = left < WAIT_BATCH ? left : WAIT_BATCH;
    struct notch_http_reply reply = {0};
    make_questions(body, result, *done, count);
    enum notch_err err = notch_http_send(&client->http, notch_buf_bytes(body));
    if (err == NOTCH_OK) {
        err = notch_http_receive(&client->http, &reply);
    }
    if (err != NOTCH_OK) {
        return notch_client_unreachable(client, err);
    }
    json_t *answers = json_loadb((const char *)reply.body.data, reply.body.len, 0, NULL);
    if (!json_is_array(answers) || reply.status != 200) {
        json_decref(answers);
        return notch_cli_fail(client->cli, NOTCH_EXIT_REFUSED, "the node does not tell where records stand");
    }
    *done += count_final(result, answers, count);
    json_decref(answers);
    return NOTCH_EXIT_OK;
}

enum notch_exit notch_submit_wait(struct notch_submit_result *result, struct notch_client *client)
{
    size_t total = result->ids.len / sizeof(struct notch_hash);
    size_t done = 0;
    uint64_t moved_ms = notch_clock_ms();
    struct notch_progress progress;
    struct notch_buf body;
    notch_buf_init(&body, client->cli->alloc);
    notch_progress_begin(&progress, client->cli, "final", total);
    enum notch_exit code = NOTCH_EXIT_OK;
    while (code == NOTCH_EXIT_OK && done < total) {
        size_t before = done;
        code = ask_status(result, client, &body, &done);
        uint64_t now = notch_clock_ms();
        if (done > before) {
            moved_ms = now;
        } else if (code == NOTCH_EXIT_OK && now - moved_ms > WAIT_STUCK_MS) {
            code = notch_cli_fail(client->cli, NOTCH_EXIT_REFUSED, "%zu records are not final after a minute",
                                  total - done);
        } else {
            notch_clock_wait(now + WAIT_PAUSE_MS);
        }
        notch_progress_at(&progress, done);
    }
    result->final = done;
    notch_progress_end(&progress, done);
    notch_buf_fini(&body);
    return code;
}
