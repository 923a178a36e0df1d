/*
 * The configuration file of notchd: any bytes are either taken or refused with lines of text, and what was taken
 * without a problem is printed as a file that says the same.
 */
#include "node/daemon/config.h"
#include "node/daemon/text.h"

#include "base/assert.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_problems(const struct notch_buf *problems)
{
    for (size_t i = 0; i < problems->len; i++) {
        notch_assert(problems->data[i] >= 0x20 || problems->data[i] == '\n');
    }
    notch_assert(problems->len == 0 || problems->data[problems->len - 1] == '\n');
}

/* Secrets are not printed, so a file with users says less when it is read again. */
static void check_round_trip(const struct notch_config *config)
{
    struct notch_buf first;
    struct notch_buf second;
    struct notch_buf problems;
    notch_buf_init(&first, notch_alloc_heap());
    notch_buf_init(&second, notch_alloc_heap());
    notch_buf_init(&problems, notch_alloc_heap());
    notch_config_json(config, &first);
    notch_config_json(config, &second);
    notch_assert(notch_bytes_eq(notch_buf_bytes(&first), notch_buf_bytes(&second)));
    notch_buf_clear(&first);
    notch_config_print(config, &first);
    struct notch_config *again = notch_config_create(notch_alloc_heap());
    notch_config_parse(again, &problems, "again", notch_buf_bytes(&first));
    if (problems.len == 0) {
        notch_buf_clear(&first);
        notch_buf_clear(&second);
        notch_config_json(config, &first);
        notch_config_json(again, &second);
        notch_assert(notch_bytes_eq(notch_buf_bytes(&first), notch_buf_bytes(&second)));
    } else { /* a value and the comment on it may be too long for one line together: nothing else */
        notch_assert(strstr(notch_text_of(&problems), "is longer than 190 bytes") != NULL);
    }
    notch_config_destroy(again);
    notch_buf_fini(&first);
    notch_buf_fini(&second);
    notch_buf_fini(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct notch_config *config = notch_config_create(notch_alloc_heap());
    struct notch_buf problems;
    notch_buf_init(&problems, notch_alloc_heap());
    notch_config_parse(config, &problems, "input", notch_bytes(data, size));
    check_problems(&problems);
    if (problems.len == 0) {
        notch_config_check(config, &problems);
        check_problems(&problems);
        check_round_trip(config);
    }
    notch_config_destroy(config);
    notch_buf_fini(&problems);
    return 0;
}
