/* The text that Prometheus reads. That promtool likes all of it is asked of a running node (tests/process). */
#include "rpc/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct notch_buf fresh(void)
{
    struct notch_buf buf;
    notch_buf_init(&buf, notch_alloc_heap());
    return buf;
}

static void assert_text(struct notch_buf *buf, const char *expected)
{
    notch_buf_append(buf, "", 1);
    assert_string_equal((const char *)buf->data, expected);
    notch_buf_fini(buf);
}

static void test_families(void **state)
{
    (void)state;
    struct notch_buf out = fresh();
    notch_metrics_counter(&out, "notch_a_total", "What a is.", UINT64_MAX);
    notch_metrics_gauge(&out, "notch_b", "What b is.", 0);
    notch_metrics_counter_seconds(&out, "notch_c_seconds_total", "What c is.", 1000000005);
    assert_text(&out, "# HELP notch_a_total What a is.\n# TYPE notch_a_total counter\n"
                      "notch_a_total 18446744073709551615\n"
                      "# HELP notch_b What b is.\n# TYPE notch_b gauge\nnotch_b 0\n"
                      "# HELP notch_c_seconds_total What c is.\n# TYPE notch_c_seconds_total counter\n"
                      "notch_c_seconds_total 1.000000005\n");
}

static void test_labels_are_escaped(void **state)
{
    (void)state;
    struct notch_buf out = fresh();
    notch_metrics_sample(&out, "notch_x", "y", "a\"b\\c\nd", 3);
    assert_text(&out, "notch_x{y=\"a\\\"b\\\\c\\nd\"} 3\n");
}

static void test_histograms_accumulate(void **state)
{
    (void)state;
    struct notch_metrics_histogram histogram = {0};
    notch_metrics_observe(&histogram, 50);
    notch_metrics_observe(&histogram, 51);
    notch_metrics_observe(&histogram, 5000000);
    notch_metrics_observe(&histogram, 5000001);
    assert_int_equal(histogram.counts[0], 1);
    assert_int_equal(histogram.counts[1], 1);
    assert_int_equal(histogram.counts[NOTCH_METRICS_BOUNDS - 1], 1);
    assert_int_equal(histogram.counts[NOTCH_METRICS_BOUNDS], 1);
    struct notch_buf out = fresh();
    notch_metrics_histogram(&out, "notch_h_seconds", "H.", &histogram);
    notch_buf_append(&out, "", 1);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "notch_h_seconds_bucket{le=\"0.000050\"} 1\n"));
    assert_non_null(strstr(text, "notch_h_seconds_bucket{le=\"0.000100\"} 2\n"));
    assert_non_null(strstr(text, "notch_h_seconds_bucket{le=\"5.000000\"} 3\n"));
    assert_non_null(strstr(text, "notch_h_seconds_bucket{le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text, "notch_h_seconds_sum 10.000102\nnotch_h_seconds_count 4\n"));
    notch_buf_fini(&out);
}

static void test_the_time_to_final(void **state)
{
    (void)state;
    struct notch_node_info info = {0};
    notch_latency_add(&info.finality, 10, 5);
    notch_latency_add(&info.finality, 11, 1);
    notch_latency_add(&info.finality, 1000000, 1);
    struct notch_buf out = fresh();
    notch_metrics_node(&out, &info);
    notch_buf_append(&out, "", 1);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "notch_record_finality_seconds_bucket{le=\"0.010\"} 5\n"));
    assert_non_null(strstr(text, "notch_record_finality_seconds_bucket{le=\"0.020\"} 6\n"));
    assert_non_null(strstr(text, "notch_record_finality_seconds_bucket{le=\"30.000\"} 6\n"));
    assert_non_null(strstr(text, "notch_record_finality_seconds_bucket{le=\"+Inf\"} 7\n"));
    assert_non_null(strstr(text, "notch_record_finality_seconds_sum 1000.061\n"));
    notch_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_labels_are_escaped),
        cmocka_unit_test(test_histograms_accumulate),
        cmocka_unit_test(test_the_time_to_final),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
