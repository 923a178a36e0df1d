#include "rpc/cli/matching_file.h"

#include "rpc/cli/files.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* What a list of parties is called, and the number in it. */
struct kind {
    const char *list;
    const char *one;
    const char *amount;
};

static const struct kind provider_kind = {"providers", "provider", "capacity"};
static const struct kind recipient_kind = {"recipients", "recipient", "need"};

/* ---- the text ---- */

/* NaN and Infinity, which are no JSON but what some write, become strings, so that they can be refused by name. */
static void quote_words(struct notch_buf *out, const struct notch_buf *text)
{
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    bool in_string = false;
    for (size_t at = 0; at < text->len;) {
        size_t len = 0;
        for (size_t i = 0; i < NOTCH_ARRAY_LEN(words) && len == 0 && !in_string; i++) {
            size_t word = strlen(words[i]);
            len = text->len - at >= word && memcmp(text->data + at, words[i], word) == 0 ? word : 0;
        }
        if (len > 0) {
            notch_cli_text(out, "\"%.*s\"", (int)len, (const char *)text->data + at);
            at += len;
            continue;
        }
        if (in_string && text->data[at] == '\\' && at + 1 < text->len) {
            notch_buf_append(out, text->data + at, 1);
            at++;
        } else if (text->data[at] == '"') {
            in_string = !in_string;
        }
        notch_buf_append(out, text->data + at, 1);
        at++;
    }
}

static enum notch_exit read_json(struct notch_matching_file *file, const struct notch_cli *cli, const char *path)
{
    struct notch_buf text;
    struct notch_buf quoted;
    json_error_t error;
    notch_buf_init(&text, cli->alloc);
    notch_buf_init(&quoted, cli->alloc);
    enum notch_exit code = NOTCH_EXIT_OK;
    enum notch_err err = notch_file_read(&text, path, NOTCH_MATCHING_FILE_BYTES_MAX);
    if (err != NOTCH_OK) {
        code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "cannot read %s: %s", path, notch_err_text(err));
    } else {
        quote_words(&quoted, &text);
        file->root = json_loadb((const char *)quoted.data, quoted.len, JSON_REJECT_DUPLICATES, &error);
        if (file->root == NULL) {
            code = notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s: line %d: %s", path, error.line, error.text);
        }
    }
    notch_buf_fini(&text);
    notch_buf_fini(&quoted);
    return code;
}

/* ---- parties ---- */

static int party_order(const void *a, const void *b)
{
    const struct notch_matching_party *x = a;
    const struct notch_matching_party *y = b;
    return strcmp(x->id, y->id);
}

static size_t find_party(const struct notch_matching_party *parties, size_t count, const char *id)
{
    struct notch_matching_party wanted = {id, NULL};
    const struct notch_matching_party *found =
        count > 0 ? bsearch(&wanted, parties, count, sizeof *parties, party_order) : NULL;
    return found == NULL ? count : (size_t)(found - parties);
}

/* What is wrong with a number, in words; NULL: nothing. Above `most` is wrong too. */
static const char *number_fault(const json_t *value, double most)
{
    if (value == NULL) {
        return "is missing";
    }
    if (json_is_string(value) &&
        (strstr(json_string_value(value), "Infinity") != NULL || strcmp(json_string_value(value), "NaN") == 0)) {
        return "is not finite";
    }
    if (!json_is_number(value)) {
        return "is no number";
    }
    double number = json_number_value(value);
    if (!isfinite(number)) {
        return "is not finite";
    }
    if (number < 0) {
        return "is negative";
    }
    return number > most ? "is too large" : NULL;
}

static enum notch_exit read_parties(struct notch_matching_file *file, const struct notch_cli *cli,
                                    struct notch_matching_party **out, size_t *out_count, const struct kind *kind)
{
    const json_t *list = json_object_get(file->root, kind->list);
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > NOTCH_MATCHING_PARTIES_MAX) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "\"%s\": expected a list of at most %u", kind->list,
                              NOTCH_MATCHING_PARTIES_MAX);
    }
    *out = notch_alloc_array(file->alloc, count + 1, sizeof **out);
    *out_count = count;
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(list, i);
        const char *id = json_string_value(json_object_get(item, "id"));
        if (id == NULL || *id == '\0') {
            return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s %zu: expected an \"id\" of text", kind->one, i + 1);
        }
        (*out)[i] = (struct notch_matching_party){id, json_object_get(item, kind->amount)};
        const char *fault = number_fault((*out)[i].given, 9.2e18);
        if (fault != NULL && !(json_is_integer((*out)[i].given) && json_integer_value((*out)[i].given) >= 0)) {
            return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s %s: its %s %s", kind->one, id, kind->amount, fault);
        }
    }
    if (count > 0) {
        qsort(*out, count, sizeof **out, party_order);
    }
    for (size_t i = 1; i < count; i++) {
        if (strcmp((*out)[i - 1].id, (*out)[i].id) == 0) {
            return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "%s %s is there twice", kind->one, (*out)[i].id);
        }
    }
    return NOTCH_EXIT_OK;
}

/* ---- amounts ---- */

static int64_t power_of_ten(unsigned decimals)
{
    int64_t power = 1;
    for (unsigned i = 0; i < decimals; i++) {
        power *= 10;
    }
    return power;
}

/* False where it does not fit. */
static bool to_integer(int64_t *out, const json_t *given, unsigned decimals)
{
    int64_t power = power_of_ten(decimals);
    if (json_is_integer(given)) {
        return !__builtin_mul_overflow((int64_t)json_integer_value(given), power, out);
    }
    double scaled = json_real_value(given) * (double)power;
    if (scaled >= 9.2e18) {
        return false;
    }
    *out = llround(scaled);
    return true;
}

static bool all_to_integers(int64_t *out, const struct notch_matching_party *parties, size_t count, unsigned decimals)
{
    for (size_t i = 0; i < count; i++) {
        if (!to_integer(&out[i], parties[i].given, decimals)) {
            return false;
        }
    }
    return true;
}

static void make_amounts(struct notch_matching_file *file)
{
    struct notch_matching *matching = &file->matching;
    int64_t *capacities = notch_alloc_array(file->alloc, matching->provider_count + 1, sizeof *capacities);
    int64_t *needs = notch_alloc_array(file->alloc, matching->recipient_count + 1, sizeof *needs);
    file->decimals = NOTCH_MATCHING_DECIMALS_MAX;
    while (!all_to_integers(capacities, file->providers, matching->provider_count, file->decimals) ||
           !all_to_integers(needs, file->recipients, matching->recipient_count, file->decimals)) {
        notch_assert(file->decimals > 0);
        file->decimals--;
    }
    matching->capacities = capacities;
    matching->needs = needs;
}

/* ---- recognition ---- */

static int edge_order(const void *a, const void *b)
{
    const struct notch_matching_edge *x = a;
    const struct notch_matching_edge *y = b;
    if (x->provider != y->provider) {
        return x->provider < y->provider ? -1 : 1;
    }
    return (x->recipient > y->recipient) - (x->recipient < y->recipient);
}

static enum notch_exit read_edge(struct notch_matching_edge *edge, const struct notch_matching_file *file,
                                 const struct notch_cli *cli, const json_t *item, size_t number)
{
    const struct notch_matching *matching = &file->matching;
    const char *provider = json_string_value(json_object_get(item, "provider"));
    const char *recipient = json_string_value(json_object_get(item, "recipient"));
    const json_t *mr = json_object_get(item, "mr");
    if (provider == NULL || recipient == NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED,
                              "recognition %zu: expected the ids of \"provider\" and \"recipient\"", number);
    }
    edge->provider = (uint32_t)find_party(file->providers, matching->provider_count, provider);
    edge->recipient = (uint32_t)find_party(file->recipients, matching->recipient_count, recipient);
    if (edge->provider == matching->provider_count) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "recognition %zu: no provider is called %s", number, provider);
    }
    if (edge->recipient == matching->recipient_count) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "recognition %zu: no recipient is called %s", number, recipient);
    }
    const char *fault = number_fault(mr, 1);
    if (fault != NULL) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "recognition of %s and %s: its mr %s (expected 0 to 1)",
                              provider, recipient, fault);
    }
    edge->recognition = (uint32_t)llround(json_number_value(mr) * NOTCH_RECOGNITION_ONE);
    return NOTCH_EXIT_OK;
}

static enum notch_exit read_edges(struct notch_matching_file *file, const struct notch_cli *cli)
{
    struct notch_matching *matching = &file->matching;
    const json_t *list = json_object_get(file->root, "recognition");
    size_t count = json_array_size(list);
    if (!json_is_array(list) || count > NOTCH_MATCHING_EDGES_MAX) {
        return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "\"recognition\": expected a list of at most %u",
                              NOTCH_MATCHING_EDGES_MAX);
    }
    struct notch_matching_edge *edges = notch_alloc_array(file->alloc, count + 1, sizeof *edges);
    matching->edges = edges;
    matching->edge_count = count;
    for (size_t i = 0; i < count; i++) {
        enum notch_exit code = read_edge(&edges[i], file, cli, json_array_get(list, i), i + 1);
        if (code != NOTCH_EXIT_OK) {
            return code;
        }
    }
    if (count > 0) {
        qsort(edges, count, sizeof *edges, edge_order);
    }
    for (size_t i = 1; i < count; i++) {
        if (edge_order(&edges[i - 1], &edges[i]) == 0) {
            return notch_cli_fail(cli, NOTCH_EXIT_REFUSED, "recognition of %s and %s is there twice",
                                  file->providers[edges[i].provider].id, file->recipients[edges[i].recipient].id);
        }
    }
    return NOTCH_EXIT_OK;
}

/* ---- all ---- */

enum notch_exit notch_matching_file_read(struct notch_matching_file *file, const struct notch_cli *cli,
                                         const char *path)
{
    *file = (struct notch_matching_file){.alloc = cli->alloc};
    enum notch_exit code = read_json(file, cli, path);
    if (code == NOTCH_EXIT_OK) {
        code = read_parties(file, cli, &file->providers, &file->matching.provider_count, &provider_kind);
    }
    if (code == NOTCH_EXIT_OK) {
        code = read_parties(file, cli, &file->recipients, &file->matching.recipient_count, &recipient_kind);
    }
    if (code != NOTCH_EXIT_OK) {
        return code;
    }
    make_amounts(file);
    return read_edges(file, cli);
}

void notch_matching_file_fini(struct notch_matching_file *file)
{
    const struct notch_matching *matching = &file->matching;
    notch_free(file->alloc, (void *)matching->capacities,
               (matching->provider_count + 1) * sizeof *matching->capacities);
    notch_free(file->alloc, (void *)matching->needs, (matching->recipient_count + 1) * sizeof *matching->needs);
    notch_free(file->alloc, (void *)matching->edges, (matching->edge_count + 1) * sizeof *matching->edges);
    notch_free(file->alloc, file->providers, (matching->provider_count + 1) * sizeof *file->providers);
    notch_free(file->alloc, file->recipients, (matching->recipient_count + 1) * sizeof *file->recipients);
    json_decref(file->root);
}

void notch_matching_file_amount(const struct notch_matching_file *file, char out[NOTCH_MATCHING_AMOUNT_TEXT_MAX],
                                int64_t amount)
{
    int64_t power = power_of_ten(file->decimals);
    unsigned long long size = amount < 0 ? 0 - (unsigned long long)amount : (unsigned long long)amount;
    unsigned long long whole = (unsigned long long)power;
    int len = snprintf(out, NOTCH_MATCHING_AMOUNT_TEXT_MAX, "%s%llu", amount < 0 ? "-" : "", size / whole);
    notch_assert(len > 0);
    if (size % whole == 0) {
        return;
    }
    len +=
        snprintf(out + len, NOTCH_MATCHING_AMOUNT_TEXT_MAX - (size_t)len, ".%0*llu", (int)file->decimals, size % whole);
    while (out[len - 1] == '0') {
        out[--len] = '\0';
    }
}
