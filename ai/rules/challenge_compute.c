/* Kind 0: the row around ai/rules/compute.h. */
#include "ai/rules/challenge_rows.h"
#include "ai/rules/compute.h"

static void compute_subject(struct notch_writer *writer, const struct notch_challenge *challenge)
{
    notch_write_u32(writer, challenge->as.compute.difficulty);
}

static struct notch_reject compute_form(const struct notch_challenge *challenge, struct notch_bytes solution)
{
    (void)challenge;
    return notch_compute_form(solution);
}

void notch_challenge_solve_compute(struct notch_buf *out, const struct notch_domain *domain,
                                   const struct notch_challenge *challenge, const struct notch_alloc *alloc)
{
    struct notch_hash seed;
    notch__challenge_seed(&seed, domain, "compute", &challenge->beacon, challenge);
    notch_compute_solve(out, &seed, challenge->as.compute.difficulty, alloc);
}

static struct notch_verdict compute_judge(const struct notch_domain *domain, const struct notch_challenge_case *found,
                                          const struct notch_alloc *alloc)
{
    (void)alloc;
    struct notch_hash seed;
    struct notch_hash later;
    notch__challenge_seed(&seed, domain, "compute", &found->challenge->beacon, found->challenge);
    notch__challenge_seed(&later, domain, "check", &found->later, found->challenge);
    if (!notch_compute_is_right(found->solution, &seed, found->challenge->as.compute.difficulty, &later)) {
        return (struct notch_verdict){NOTCH_OUTCOME_WRONG, 0};
    }
    return (struct notch_verdict){NOTCH_OUTCOME_ANSWERED, NOTCH_SCORE_ONE};
}

const struct notch_challenge_row notch__challenge_compute = {
    NOTCH_CHALLENGE_COMPUTE, "compute", 1, compute_subject, compute_form, compute_judge,
};
