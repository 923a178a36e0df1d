#include "tests/support/util.h"

#include "base/assert.h"
#include "base/bytes.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

size_t notch_test_unhex(void *out, size_t cap, const char *hex)
{
    size_t digits = strlen(hex);
    notch_assert(digits % 2 == 0);
    notch_assert(digits / 2 <= cap);
    bool ok = notch_hex_decode(out, digits / 2, hex, digits);
    notch_assert(ok);
    return digits / 2;
}

bool notch_test_hex_is(const void *data, size_t len, const char *hex)
{
    char *text = malloc(2 * len + 1);
    notch_assert(text != NULL);
    notch_hex_encode(text, data, len);
    bool same = strcmp(text, hex) == 0;
    if (!same) {
        fprintf(stderr, "is       %s\nshall be %s\n", text, hex);
    }
    free(text);
    return same;
}

/* Where the child's SIGABRT handler writes the condition that was broken. */
static int verdict_fd = -1;

static void tell_and_exit(int signal_number)
{
    (void)signal_number;
    const char *condition = notch__assert_condition;
    if (condition == NULL) {
        condition = "abort() without an assertion";
    }
    ssize_t written = write(verdict_fd, condition, strlen(condition));
    _exit(written < 0 ? 1 : 0);
}

_Noreturn static void child(int fd, void (*run)(void *context), void *context)
{
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    verdict_fd = fd;
    signal(SIGABRT, tell_and_exit);
    run(context);
    static const char came_back[] = "it came back";
    ssize_t written = write(fd, came_back, sizeof came_back - 1);
    _exit(written < 0 ? 1 : 0);
}

bool notch_test_breaks(void (*run)(void *context), void *context, const char *condition)
{
    int fds[2];
    int piped = pipe(fds);
    notch_assert(piped == 0);
    (void)fflush(NULL);
    pid_t pid = fork();
    notch_assert(pid >= 0);
    if (pid == 0) {
        close(fds[0]);
        child(fds[1], run, context);
    }
    close(fds[1]);
    char verdict[256] = "";
    size_t len = 0;
    ssize_t part = 1;
    while (part > 0 && len < sizeof verdict - 1) {
        part = read(fds[0], verdict + len, sizeof verdict - 1 - len);
        len += part > 0 ? (size_t)part : 0;
    }
    verdict[len] = '\0';
    close(fds[0]);
    int status;
    pid_t reaped = waitpid(pid, &status, 0);
    notch_assert(reaped == pid);
    bool as_said = strcmp(verdict, condition) == 0;
    if (!as_said) {
        fprintf(stderr, "broke \"%s\" (status %d), should have broken \"%s\"\n", verdict, status, condition);
    }
    return as_said;
}
