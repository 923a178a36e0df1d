/*
 * rpc/cli/matching_file.h: needs, capacities and recognition in a JSON file, for allocation without a node.
 *
 *     {"providers": [{"id": "P1", "capacity": 400}], "recipients": [{"id": "R1", "need": 500}],
 *      "recognition": [{"provider": "P1", "recipient": "R1", "mr": 0.6}]}
 *
 * Amounts are numbers of any unit, the same for all. They become integers by the greatest power of ten, up to a
 * million, that leaves the greatest of them below 2^63. Recognition is mutual, 0 to 1, and kept in billionths.
 *
 * Invariants   Providers, recipients and edges are in the order of their ids, so that ties fall by id.
 * Ownership    read / fini. Ids live as long as the struct.
 * Limits       NOTCH_MATCHING_FILE_BYTES_MAX, and those of ai/rules/allocation_matching.h.
 * Thread       One.
 * Errors       What is wrong is said by the name of whom it is about; REFUSED.
 */
#ifndef NOTCH_RPC_CLI_MATCHING_FILE_H
#define NOTCH_RPC_CLI_MATCHING_FILE_H

#include "ai/rules/allocation_matching.h"
#include "rpc/cli/cli.h"

#define NOTCH_MATCHING_FILE_BYTES_MAX (64u << 20)
#define NOTCH_MATCHING_DECIMALS_MAX 6
#define NOTCH_MATCHING_AMOUNT_TEXT_MAX 32

/* A provider or a recipient. */
struct notch_matching_party {
    const char *id;
    const json_t *given; /* the number */
};

struct notch_matching_file {
    const struct notch_alloc *alloc;
    json_t *root;
    struct notch_matching_party *providers;
    struct notch_matching_party *recipients;
    unsigned decimals; /* of an amount as an integer */
    struct notch_matching matching;
};

/* Reads and checks; prints what is wrong. fini() is due in any case. */
enum notch_exit notch_matching_file_read(struct notch_matching_file *file, const struct notch_cli *cli,
                                         const char *path);
void notch_matching_file_fini(struct notch_matching_file *file);

/* An amount in the file's unit, with as many decimals as it needs. */
void notch_matching_file_amount(const struct notch_matching_file *file, char out[NOTCH_MATCHING_AMOUNT_TEXT_MAX],
                                int64_t amount);

#endif
