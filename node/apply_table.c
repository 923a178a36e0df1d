#include "node/apply_table.h"

const struct notch_apply_row *notch_node_apply_table(size_t *count)
{
    return notch_apply_rows(count);
}
