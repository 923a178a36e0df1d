/*
 * base/assert.h: assertions that stay on in every build.
 *
 * notch_assert() states what the programmer promised. It is never used on data from outside: that is a
 * notch_reject (base/error.h), and a failing disk or a full memory is an enum notch_err. When it fires the
 * process aborts, because a node that goes on after a broken promise may sign something it should not.
 */
#ifndef NOTCH_BASE_ASSERT_H
#define NOTCH_BASE_ASSERT_H

#include <stdbool.h>

#define NOTCH_MUST_USE __attribute__((warn_unused_result))
#define NOTCH_PRINTF(format_index, first_index) __attribute__((format(printf, format_index, first_index)))

#define NOTCH_ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* One condition per statement, so that the message names the promise that was broken. */
#define notch_assert(condition) ((condition) ? (void)0 : notch__assert_failed(#condition, __FILE__, __LINE__))

/* What a switch over an enum says after its last case, where a value outside of the enum is a broken promise. */
#define notch_unreachable() notch__assert_failed("unreachable", __FILE__, __LINE__)

/*
 * Aborts, after leaving its arguments in the three below: a debugger finds them in the core dump of a release build,
 * and a driver that wants to print them reads them in its SIGABRT handler. NULL and 0 until then.
 */
_Noreturn void notch__assert_failed(const char *condition, const char *file, int line);
extern const char *volatile notch__assert_condition;
extern const char *volatile notch__assert_file;
extern volatile int notch__assert_line;

#endif
