/* contrib/bench: the histogram, the reader of replies and the writer of requests. */
#include "contrib/bench/http_reply.h"
#include "contrib/bench/http_requests.h"
#include "contrib/bench/latency.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void test_percentiles_of_nothing_and_of_one(void **state)
{
    (void)state;
    static struct notch_bench_latency latency;
    assert_int_equal(notch_bench_latency_percentile_ns(&latency, 500000), 0);
    notch_bench_latency_add(&latency, 123456789);
    assert_int_equal(notch_bench_latency_percentile_ns(&latency, 0), 123456789);
    assert_int_equal(notch_bench_latency_percentile_ns(&latency, 500000), 123456789);
    assert_int_equal(notch_bench_latency_percentile_ns(&latency, 1000000), 123456789);
}

/* 1..100000: the true percentile is known, and the histogram's may exceed it by 1/64. */
static void test_percentiles_are_close_from_above(void **state)
{
    (void)state;
    static struct notch_bench_latency latency;
    for (uint64_t i = 1; i <= 100000; i++) {
        notch_bench_latency_add(&latency, i);
    }
    for (uint32_t ppm = 10; ppm <= 1000000; ppm += 9999) {
        const uint64_t exact = ((uint64_t)ppm * 100000 + 999999) / 1000000;
        const uint64_t found = notch_bench_latency_percentile_ns(&latency, ppm);
        assert_in_range(found, exact, exact + exact / 64);
    }
}

static void test_durations_of_any_size_have_a_bucket(void **state)
{
    (void)state;
    for (unsigned bit = 0; bit < 64; bit++) {
        static struct notch_bench_latency latency;
        memset(&latency, 0, sizeof(latency));
        const uint64_t duration_ns = UINT64_MAX >> bit;
        notch_bench_latency_add(&latency, duration_ns);
        notch_bench_latency_add(&latency, duration_ns);
        assert_true(notch_bench_latency_percentile_ns(&latency, 500000) == duration_ns);
    }
}

static enum notch_bench_reply_state parse(struct notch_bench_reply *out, const char *text)
{
    return notch_bench_reply_parse(out, (const uint8_t *)text, strlen(text));
}

static void test_a_reply_is_read_once_its_head_is_whole(void **state)
{
    (void)state;
    static const char text[] =
        "HTTP/1.1 200 OK\r\nDate: x\r\ncontent-LENGTH:  12 \r\nConnection: Close\r\n\r\n{\"result\":1}";
    const size_t head_len = sizeof(text) - 1 - 12;
    struct notch_bench_reply reply;
    for (size_t len = 1; len < sizeof(text); len++) {
        const enum notch_bench_reply_state expected =
            len < head_len ? NOTCH_BENCH_REPLY_PARTIAL : NOTCH_BENCH_REPLY_HEAD;
        /* A buffer of exactly that length: a byte read past it is past the allocation. */
        uint8_t *bytes = malloc(len);
        assert_non_null(bytes);
        memcpy(bytes, text, len);
        assert_int_equal(notch_bench_reply_parse(&reply, bytes, len), expected);
        free(bytes);
    }
    assert_int_equal(reply.status, 200);
    assert_int_equal(reply.head_len, head_len);
    assert_int_equal(reply.body_len, 12);
    assert_true(reply.closes);
    assert_int_equal(parse(&reply, "HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: Keep-Alive\r\n\r\n"),
                     NOTCH_BENCH_REPLY_HEAD);
    assert_int_equal(reply.status, 404);
    assert_int_equal(reply.body_len, 0);
    assert_false(reply.closes);
}

static void test_other_replies_are_bad(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 2x0 OK\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 20",
        "HTTP/1.1 20\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 8388609\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999999\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    };
    struct notch_bench_reply reply;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const bool is_short = strstr(bad[i], "\r\n\r\n") == NULL;
        assert_int_equal(parse(&reply, bad[i]), is_short ? NOTCH_BENCH_REPLY_PARTIAL : NOTCH_BENCH_REPLY_BAD);
    }
    assert_int_equal(parse(&reply, "HTTP/1.1 200 OK\r\nContent-Length: 8388608\r\n\r\n"), NOTCH_BENCH_REPLY_HEAD);
}

static void test_a_head_without_end_is_bad(void **state)
{
    (void)state;
    uint8_t *bytes = malloc(NOTCH_BENCH_REPLY_HEAD_MAX);
    assert_non_null(bytes);
    memset(bytes, 'x', NOTCH_BENCH_REPLY_HEAD_MAX);
    struct notch_bench_reply reply;
    assert_int_equal(notch_bench_reply_parse(&reply, bytes, NOTCH_BENCH_REPLY_HEAD_MAX - 1), NOTCH_BENCH_REPLY_PARTIAL);
    assert_int_equal(notch_bench_reply_parse(&reply, bytes, NOTCH_BENCH_REPLY_HEAD_MAX), NOTCH_BENCH_REPLY_BAD);
    free(bytes);
}

/* Writes a file of the test's own and loads it; the file is gone afterwards. */
static bool load(struct notch_bench_requests *out, const struct notch_bench_target *target, const char *text,
                 enum notch_bench_bodies bodies)
{
    const char *tmp = getenv("TMPDIR");
    char path[512];
    const int path_len = snprintf(path, sizeof(path), "%s/notch-bodies-XXXXXX", tmp != NULL ? tmp : "/tmp");
    assert_in_range(path_len, 1, sizeof(path) - 1);
    const int fd = mkstemp(path);
    assert_true(fd != -1);
    const size_t len = strlen(text);
    assert_true(write(fd, text, len) == (ssize_t)len);
    assert_int_equal(close(fd), 0);
    const bool loaded = notch_bench_requests_load(out, target, path, bodies);
    assert_int_equal(unlink(path), 0);
    return loaded;
}

static void assert_request(const struct notch_bench_request *request, const char *expected)
{
    assert_int_equal(request->len, strlen(expected));
    assert_memory_equal(request->bytes, expected, request->len);
}

static void test_requests_are_whole_http(void **state)
{
    (void)state;
    const struct notch_bench_target target = {
        .port = 8080, .path = "/x", .headers = {"A: 1", "B: 2"}, .headers_count = 2};
    struct notch_bench_requests requests;
    assert_true(load(&requests, &target, "{}\n", NOTCH_BENCH_BODIES_WHOLE));
    assert_int_equal(requests.count, 1);
    assert_request(&requests.at[0], "POST /x HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nContent-Type: application/json\r\n"
                                    "A: 1\r\nB: 2\r\nContent-Length: 3\r\n\r\n{}\n");
    notch_bench_requests_fini(&requests);
}

static void test_lines_are_requests_of_their_own(void **state)
{
    (void)state;
    const struct notch_bench_target target = {.port = 1, .path = "/"};
    struct notch_bench_requests requests;
    assert_true(load(&requests, &target, "\n[1]\n\n[22]", NOTCH_BENCH_BODIES_LINES));
    assert_int_equal(requests.count, 2);
    assert_request(&requests.at[1], "POST / HTTP/1.1\r\nHost: 127.0.0.1:1\r\nContent-Type: application/json\r\n"
                                    "Content-Length: 4\r\n\r\n[22]");
    notch_bench_requests_fini(&requests);
    assert_false(load(&requests, &target, "\n\n", NOTCH_BENCH_BODIES_LINES));
    assert_false(load(&requests, &target, "", NOTCH_BENCH_BODIES_WHOLE));
    assert_false(notch_bench_requests_load(&requests, &target, "/nonexistent/bodies", NOTCH_BENCH_BODIES_WHOLE));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_percentiles_of_nothing_and_of_one),
        cmocka_unit_test(test_percentiles_are_close_from_above),
        cmocka_unit_test(test_durations_of_any_size_have_a_bucket),
        cmocka_unit_test(test_a_reply_is_read_once_its_head_is_whole),
        cmocka_unit_test(test_other_replies_are_bad),
        cmocka_unit_test(test_a_head_without_end_is_bad),
        cmocka_unit_test(test_requests_are_whole_http),
        cmocka_unit_test(test_lines_are_requests_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
