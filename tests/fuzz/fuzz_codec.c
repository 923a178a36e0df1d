/*
 * The bounded reader and writer on bytes from outside.
 *
 * Input        count (1 byte), then that many bytes that each choose a read, then the bytes that are read.
 *
 * Whatever is read to its end without a failure, written again, must be the same bytes: in a growing buffer and in one
 * that just fits; one that is a byte shorter must refuse. After a failure all reads give zeros.
 */
#include "base/codec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { READS = 11, BLOB_MAX = 64 };

/* One read, and the write that undoes it. Where the reader has failed, all that is written must be zeros. */
static void copy_one(struct notch_reader *reader, struct notch_writer *writer, unsigned choice)
{
    struct notch_hash hash;
    struct notch_key key;
    struct notch_sig sig;
    struct notch_bytes view;
    switch (choice % READS) {
    case 0:
        notch_write_u8(writer, notch_read_u8(reader));
        break;
    case 1:
        notch_write_u16(writer, notch_read_u16(reader));
        break;
    case 2:
        notch_write_u32(writer, notch_read_u32(reader));
        break;
    case 3:
        notch_write_u64(writer, notch_read_u64(reader));
        break;
    case 4:
        notch_write_uvar(writer, notch_read_uvar(reader));
        break;
    case 5:
        notch_write_svar(writer, notch_read_svar(reader));
        break;
    case 6:
        notch_write_uvar(writer, notch_read_uvar_max(reader, choice));
        break;
    case 7:
        view = notch_read_bytes(reader, choice / READS);
        notch_write_bytes(writer, view.data, view.len);
        break;
    case 8:
        notch_write_blob(writer, notch_read_blob(reader, BLOB_MAX));
        break;
    case 9:
        hash = notch_read_hash(reader);
        key = notch_read_key(reader);
        notch_write_hash(writer, &hash);
        notch_write_key(writer, &key);
        break;
    case 10:
        sig = notch_read_sig(reader);
        notch_write_sig(writer, &sig);
        break;
    }
}

static bool copy_all(struct notch_writer *writer, struct notch_bytes choices, struct notch_bytes input)
{
    struct notch_reader reader = notch_reader(input);
    for (size_t i = 0; i < choices.len; i++) {
        size_t left = notch_reader_left(&reader);
        bool failed = reader.failed;
        copy_one(&reader, writer, choices.data[i]);
        notch_assert(notch_reader_left(&reader) <= left);
        notch_assert(!failed || reader.failed);
    }
    return notch_reader_done(&reader);
}

static void check_fixed(struct notch_bytes choices, struct notch_bytes input)
{
    uint8_t *out = malloc(input.len > 0 ? input.len : 1);
    notch_assert(out != NULL);
    struct notch_writer writer = notch_writer(out, input.len);
    copy_all(&writer, choices, input);
    notch_assert(notch_writer_ok(&writer));
    notch_assert(notch_bytes_eq(notch_writer_bytes(&writer), input));
    if (input.len > 0) {
        writer = notch_writer(out, input.len - 1);
        copy_all(&writer, choices, input);
        notch_assert(!notch_writer_ok(&writer));
    }
    free(out);
}

/* A reader that has failed gives zeros, whatever is asked of it. */
static void check_failed(struct notch_bytes choices, struct notch_bytes input)
{
    struct notch_buf buf;
    struct notch_reader reader = notch_reader(input);
    notch_buf_init(&buf, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&buf);
    notch_reader_fail(&reader);
    for (size_t i = 0; i < choices.len; i++) {
        copy_one(&reader, &writer, choices.data[i]);
    }
    for (size_t i = 0; i < buf.len; i++) {
        notch_assert(buf.data[i] == 0);
    }
    notch_buf_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_reader reader = notch_reader(notch_bytes(data, size));
    struct notch_bytes choices = notch_read_bytes(&reader, notch_read_u8(&reader));
    struct notch_bytes input = notch_read_bytes(&reader, notch_reader_left(&reader));
    if (!notch_reader_done(&reader)) {
        return 0;
    }
    struct notch_buf buf;
    notch_buf_init(&buf, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&buf);
    if (copy_all(&writer, choices, input)) {
        notch_assert(notch_bytes_eq(notch_buf_bytes(&buf), input));
        check_fixed(choices, input);
    }
    check_failed(choices, input);
    notch_buf_fini(&buf);
    return 0;
}
