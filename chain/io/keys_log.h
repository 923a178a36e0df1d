/*
 * chain/io/keys_log.h: looks after LevelDB's own logs before LevelDB does.
 *
 * LevelDB offers two ways to read its logs at a start. With paranoid_checks off it drops whatever is damaged, in the
 * middle too, and says nothing; and its compactions then do not verify checksums either, so that a rotten block is
 * written out again with a good one. With paranoid_checks on it refuses to start over a tail that was torn by a power
 * cut, which is no damage at all: nobody was told of that write. So the store opens LevelDB with paranoid_checks on,
 * always, and cuts torn tails off itself first, by a rule that LevelDB does not have:
 *
 *   Every write of ours is synced before the next begins, and so is every change of LevelDB's manifest. A torn record
 *   is therefore the last one: if a record begins, whole, anywhere behind a bad one, the bad one was on disk once,
 *   and is damage.
 *
 * This holds for the newest log and the current manifest, which are the only ones still being written. Their format
 * (LevelDB's doc/log_format.md): blocks of 32 KiB; in them fragments of {masked CRC-32C u32, length u16, type u8,
 * data}, types 1 full, 2 first, 3 middle, 4 last; what is left of a block below 7 bytes is zeros.
 *
 * Errors       CORRUPT names file and offset. Any bytes are answered.
 * Thread       The owner's, while LevelDB is closed.
 */
#ifndef NOTCH_CHAIN_IO_KEYS_LOG_H
#define NOTCH_CHAIN_IO_KEYS_LOG_H

#include "chain/io/file.h"

struct notch__keys_log {
    uint64_t end; /* behind the last whole record */
    bool torn;    /* bytes behind it that are no zeros, and no damage */
    bool damaged; /* a whole record begins behind a bad one, which stands at `end` */
    uint64_t records;
};

/* Judges the bytes of one log file. */
void notch__keys_log_judge(struct notch__keys_log *out, struct notch_bytes log);

/* The names of the two files that may have a torn tail; "" where there is none. */
struct notch__keys_logs {
    char manifest[64];
    char newest_log[64];
};

/* NOT_FOUND: no folder. CORRUPT: files, but no CURRENT, or one that names no manifest. */
NOTCH_MUST_USE enum notch_err notch__keys_logs_find(struct notch__keys_logs *out, struct notch__io *io,
                                                    const char *dir);

/* Cuts torn tails off both. */
NOTCH_MUST_USE enum notch_err notch__keys_logs_mend(struct notch__io *io, const char *dir);

#endif
