#include "base/assert.h"

#include <stdlib.h>

/* The one thing that a pure core may do besides computing is to die: this state is written once, on the way out. */
const char *volatile notch__assert_condition;
const char *volatile notch__assert_file;
volatile int notch__assert_line;

_Noreturn void notch__assert_failed(const char *condition, const char *file, int line)
{
    notch__assert_condition = condition;
    notch__assert_file = file;
    notch__assert_line = line;
    abort();
}
