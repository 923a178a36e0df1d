/*
 * ai/agent/signal/spectrum.h: how long the cycle of a series is, if it has one.
 *
 * The periodogram of the series, freed of its straight line and multiplied by Hann's window, shows where to look: its
 * strongest lines are the candidates. The autocorrelation decides between them and tells the length in whole points: a
 * cycle is a hill of it, above 1.96 / sqrt(n) at least (Bartlett's bound for noise) and above 0.2. (Vlachos, Yu and
 * Castelli, "On Periodicity Detection and Structural Periodic Similarity", SDM 2005.)
 *
 * The transform is kissfft's, in single precision: it only proposes.
 *
 * Limits       NOTCH_SPECTRUM_MAX values, of which a third is the longest cycle that is looked for.
 * Ownership    Borrows the values; working memory comes from the allocator and goes back to it.
 * Thread       Pure functions.
 */
#ifndef NOTCH_AI_AGENT_SIGNAL_SPECTRUM_H
#define NOTCH_AI_AGENT_SIGNAL_SPECTRUM_H

#include "base/alloc.h"

#include <stddef.h>

#define NOTCH_SPECTRUM_MAX ((size_t)4096)

/* The length of the cycle in points, 2 .. count / 3; 0 where there is none. The strength (autocorrelation, 0 .. 1) goes
 * into *strength, which may be NULL. */
size_t notch_spectrum_cycle(double *strength, const double *values, size_t count, const struct notch_alloc *alloc);

/* Power at k cycles in `size` points, k = 0 .. size / 2, of the values without their line, windowed and filled up with
 * zeros. size: a power of two, count <= size <= 2 * NOTCH_SPECTRUM_MAX. */
void notch_spectrum_power(double *power, size_t size, const double *values, size_t count,
                          const struct notch_alloc *alloc);

#endif
