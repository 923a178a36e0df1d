/* Notifications of the streams. */
#include "rpc/internal.h"

static struct notch_json begin_note(struct notch_buf *out, enum notch_network network, enum notch_rpc_stream stream,
                                    uint64_t seq)
{
    struct notch_json json = notch_json(out, network);
    notch_json_open_object(&json);
    notch_json_put_string(&json, "jsonrpc", "2.0");
    notch_json_put_string(&json, "method", notch_rpc_stream_name(stream));
    notch_json_key(&json, "params");
    notch_json_open_object(&json);
    notch_json_put_number(&json, "seq", seq);
    return json;
}

static void end_note(struct notch_json *json)
{
    notch_json_close_object(json);
    notch_json_close_object(json);
}

void notch_rpc_note_block(struct notch_buf *out, enum notch_rpc_stream stream, uint64_t seq,
                          const struct notch_block_ref *block)
{
    struct notch_json json = begin_note(out, NOTCH_NETWORK_MAIN, stream, seq);
    notch_json_put_hash(&json, "hash", &block->hash);
    notch_json_put_height(&json, "height", block->height);
    notch_json_put_slot(&json, "slot", block->slot);
    notch_json_put_time(&json, "time_ms", block->time);
    end_note(&json);
}

static enum notch_err note_one(struct notch__call *call, struct notch__found *found,
                               const struct notch_record_place *place)
{
    struct notch_json *json = &call->json;
    struct notch_lookup lookup = notch__lookup(call);
    struct notch_receipt receipt;
    enum notch_err err = notch__found_at(call, found, place);
    if (err == NOTCH_OK) {
        err = notch_lookup_receipt(&lookup, &receipt, place->height, place->ordinal);
    }
    if (err == NOTCH_OK) {
        notch_json_open_object(json);
        notch_json_put_hash(json, "id", &found->record.id);
        notch_json_put_key(json, "author", &found->record.author);
        notch_json_put_time(json, "ts_ms", found->record.ts);
        notch_json_put_number(json, "n_entries", found->record.entry_count);
        notch__write_receipt(call, &receipt, found->record.entry_count);
        notch_json_close_object(json);
    }
    return err;
}

enum notch_err notch_rpc_note_records(const struct notch_rpc *rpc, struct notch_buf *out, uint32_t *next, uint64_t seq,
                                      const struct notch_store_view *view, struct notch_height height, uint32_t first)
{
    const struct notch_rpc_sight sight = {view, NULL};
    struct notch__call call = {.rpc = rpc, .sight = &sight};
    struct notch_lookup lookup = notch__lookup(&call);
    struct notch_block_row row;
    struct notch_buf scratch = notch__buf(&call);
    struct notch__found found;
    notch__found_init(&found, &call);
    *next = 0;
    enum notch_err err = notch_lookup_block(&lookup, &row, &scratch, height);
    if (err == NOTCH_OK) {
        call.json = begin_note(out, rpc->options.genesis->network, NOTCH_RPC_RECORDS, seq);
        notch_json_put_hash(&call.json, "block", &row.hash);
        notch_json_put_height(&call.json, "height", height);
        notch_json_put_number(&call.json, "first", first);
        notch_json_key(&call.json, "records");
        notch_json_open_array(&call.json);
        uint32_t ordinal = first;
        while (err == NOTCH_OK && ordinal < row.records && ordinal - first < NOTCH_RPC_NOTE_RECORDS) {
            struct notch_record_place place;
            err = notch_block_row_place(&row, &place, ordinal);
            if (err == NOTCH_OK) {
                err = note_one(&call, &found, &place);
            }
            ordinal++;
        }
        notch_json_close_array(&call.json);
        notch_json_put_bool(&call.json, "more", ordinal < row.records);
        end_note(&call.json);
        *next = ordinal < row.records ? ordinal : 0;
    }
    notch__found_fini(&found);
    notch_buf_fini(&scratch);
    return err;
}
