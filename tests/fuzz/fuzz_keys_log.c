/* A log of LevelDB: what is judged whole stays whole when the rest is cut off, and damage is not cut. */
#include "chain/io/keys_log.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
    if (!holds) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch__keys_log judged;
    notch__keys_log_judge(&judged, notch_bytes(data, size));
    must(judged.end <= size);
    must(!(judged.torn && judged.damaged));
    struct notch__keys_log again;
    notch__keys_log_judge(&again, notch_bytes(data, (size_t)judged.end));
    must(again.end == judged.end);
    must(again.records == judged.records);
    must(!again.torn && !again.damaged);
    return 0;
}
