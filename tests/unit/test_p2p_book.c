#include "p2p/book.h"
#include "p2p/message.h"

#include "tests/support/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

enum { NOW = 1700000000 };

static struct notch_test_alloc alloc;
static const struct notch_siphash_key hash_key = {11, 22};

static void book_init(struct notch_p2p_book *book, const struct notch_p2p_book_limits *limits)
{
    struct notch_p2p_book_limits defaults;
    notch_p2p_book_limits_default(&defaults);
    notch_test_alloc_init(&alloc);
    notch_p2p_book_init(book, &alloc.alloc, hash_key, limits != NULL ? limits : &defaults);
}

static void book_fini(struct notch_p2p_book *book)
{
    notch_p2p_book_fini(book);
    assert_int_equal(alloc.live_blocks, 0);
}

static struct notch_p2p_address address_of(uint32_t number)
{
    return notch_p2p_address_v4((uint8_t)(1 + number / 65536 % 200), (uint8_t)(number / 256), (uint8_t)number, 1, 7400);
}

static bool add(struct notch_p2p_book *book, struct notch_p2p_address address, struct notch_p2p_address source)
{
    struct notch_p2p_seen seen = {address, 0, NOW};
    struct notch_p2p_group group = notch_p2p_address_group(&source);
    return notch_p2p_book_add(book, &seen, &group, NOW);
}

static void groups_and_validity(void **state)
{
    (void)state;
    struct notch_p2p_address a = notch_p2p_address_v4(192, 0, 2, 1, 7400);
    struct notch_p2p_address b = notch_p2p_address_v4(192, 0, 77, 9, 1);
    struct notch_p2p_address c = notch_p2p_address_v4(192, 1, 2, 1, 7400);
    struct notch_p2p_group ga = notch_p2p_address_group(&a);
    struct notch_p2p_group gb = notch_p2p_address_group(&b);
    struct notch_p2p_group gc = notch_p2p_address_group(&c);
    assert_true(notch_p2p_group_eq(&ga, &gb));
    assert_false(notch_p2p_group_eq(&ga, &gc));
    /* On one machine every port is somebody else. */
    struct notch_p2p_address local = notch_p2p_address_v4(127, 0, 0, 1, 7400);
    ga = notch_p2p_address_group(&local);
    local.port++;
    gb = notch_p2p_address_group(&local);
    assert_false(notch_p2p_group_eq(&ga, &gb));

    assert_true(notch_p2p_address_is_valid(&a));
    struct notch_p2p_address bad[] = {notch_p2p_address_v4(192, 0, 2, 1, 0),
                                      notch_p2p_address_v4(0, 0, 0, 0, 1),
                                      notch_p2p_address_v4(224, 0, 0, 1, 1),
                                      notch_p2p_address_v4(255, 255, 255, 255, 1),
                                      {.ip = {0}, .port = 1},
                                      {.ip = {0xfe, 0x80}, .port = 1},
                                      {.ip = {0xff, 0x02}, .port = 1}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_false(notch_p2p_address_is_valid(&bad[i]));
    }
    char text[NOTCH_P2P_ADDRESS_TEXT_MAX];
    notch_p2p_address_print(text, &a);
    assert_string_equal(text, "192.0.2.1:7400");
    struct notch_p2p_address six = {.ip = {0x20, 0x01, 0x0d, 0xb8, [15] = 1}, .port = 7400};
    notch_p2p_address_print(text, &six);
    assert_string_equal(text, "[2001:db8:0:0:0:0:0:1]:7400");
}

static void an_address_moves_up_when_it_answers(void **state)
{
    (void)state;
    struct notch_p2p_book book;
    book_init(&book, NULL);
    struct notch_p2p_address address = address_of(1);
    assert_true(add(&book, address, address_of(9)));
    assert_true(add(&book, address, address_of(10))); /* known: no second place */
    assert_int_equal(book.new_count, 1);
    bool is_tried;
    assert_true(notch_p2p_book_has(&book, &address, &is_tried));
    assert_false(is_tried);
    notch_p2p_book_attempt(&book, &address, NOW);
    notch_p2p_book_good(&book, &address, NOW + 1);
    assert_true(notch_p2p_book_has(&book, &address, &is_tried));
    assert_true(is_tried);
    assert_int_equal(book.new_count, 0);
    assert_int_equal(book.tried_count, 1);
    book_fini(&book);
}

/* What fills the table comes from a few subnets: those that answered stay, and most of "new" is out of its reach. */
static void flooding_does_not_evict(void **state)
{
    (void)state;
    struct notch_p2p_book book;
    book_init(&book, NULL);
    for (uint32_t i = 0; i < 200; i++) {
        struct notch_p2p_address honest = address_of(i * 65536 / 200 * 100 + i * 256);
        assert_true(add(&book, honest, honest));
        notch_p2p_book_good(&book, &honest, NOW);
    }
    uint32_t tried = book.tried_count;
    assert_true(tried >= 195); /* two may want one place: then one waits */
    size_t bytes = alloc.live_bytes;
    for (uint32_t i = 0; i < 1000000; i++) {
        (void)add(&book, address_of(0x7000000 + i), notch_p2p_address_v4(6, (uint8_t)(i % 4), 0, 1, 1));
    }
    assert_int_equal(book.tried_count, tried);
    /* Four source groups reach 64 buckets each, of 1,024. */
    assert_true(book.new_count <= 4 * 64 * 64 + 200);
    assert_true(alloc.peak_bytes - bytes < 4 << 20);
    /* A newcomer from elsewhere still finds a place. */
    uint32_t placed = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        placed += add(&book, notch_p2p_address_v4(7, (uint8_t)i, (uint8_t)(i / 256), 1, 7400),
                      notch_p2p_address_v4(7, (uint8_t)i, 0, 1, 1))
                      ? 1
                      : 0;
    }
    assert_true(placed >= 650);
    /* Half of what is dialled comes out of "tried". */
    struct notch_rng rng;
    notch_rng_init(&rng, 3);
    uint32_t from_tried = 0;
    for (int i = 0; i < 1000; i++) {
        struct notch_p2p_seen seen;
        bool is_tried;
        assert_true(notch_p2p_book_select(&book, &seen, &rng, NOTCH_P2P_BOOK_ANY, NOW + 1000));
        assert_true(notch_p2p_book_has(&book, &seen.address, &is_tried));
        from_tried += is_tried ? 1 : 0;
    }
    assert_true(from_tried > 400 && from_tried < 600);
    book_fini(&book);
}

/* One place in "tried", two that answered: who sits there is tested, and stays as long as it answers. */
static void tested_before_evicted(void **state)
{
    (void)state;
    struct notch_p2p_book book;
    book_init(&book, &(struct notch_p2p_book_limits){16, 1, 1, 16, 1});
    struct notch_p2p_address first = address_of(1);
    struct notch_p2p_address second = address_of(2 * 65536);
    assert_true(add(&book, first, first));
    notch_p2p_book_good(&book, &first, NOW);
    assert_true(add(&book, second, second));
    notch_p2p_book_good(&book, &second, NOW + 10);
    bool is_tried;
    assert_true(notch_p2p_book_has(&book, &second, &is_tried));
    assert_false(is_tried);
    struct notch_p2p_address tested;
    assert_true(notch_p2p_book_next_test(&book, &tested));
    assert_true(notch_p2p_address_eq(&tested, &first));

    /* It answers: it stays. */
    notch_p2p_book_attempt(&book, &first, NOW + 20);
    assert_false(notch_p2p_book_next_test(&book, &tested)); /* a test is under way */
    notch_p2p_book_good(&book, &first, NOW + 21);
    notch_p2p_book_settle(&book, NOW + 22);
    assert_true(notch_p2p_book_has(&book, &first, &is_tried));
    assert_true(is_tried);

    /* It does not: they change places. */
    notch_p2p_book_good(&book, &second, NOW + 30);
    notch_p2p_book_attempt(&book, &first, NOW + 40);
    notch_p2p_book_settle(&book, NOW + 41);
    assert_true(notch_p2p_book_has(&book, &first, &is_tried));
    assert_true(is_tried); /* too early to say */
    notch_p2p_book_settle(&book, NOW + 101);
    assert_true(notch_p2p_book_has(&book, &second, &is_tried));
    assert_true(is_tried);
    assert_true(notch_p2p_book_has(&book, &first, &is_tried));
    assert_false(is_tried);
    book_fini(&book);
}

static void stale_ones_make_room(void **state)
{
    (void)state;
    struct notch_p2p_book book;
    book_init(&book, &(struct notch_p2p_book_limits){1, 1, 1, 1, 1});
    struct notch_p2p_address first = address_of(1);
    struct notch_p2p_address second = address_of(2);
    assert_true(add(&book, first, first));
    assert_false(add(&book, second, second));
    for (uint64_t i = 0; i < 3; i++) {
        notch_p2p_book_attempt(&book, &first, NOW - 1000 + i);
    }
    assert_true(add(&book, second, second)); /* never answered, three times */
    struct notch_p2p_seen third = {address_of(3), 0, NOW + NOTCH_P2P_BOOK_STALE_S + 1};
    struct notch_p2p_group group = notch_p2p_address_group(&third.address);
    assert_true(notch_p2p_book_add(&book, &third, &group, NOW + NOTCH_P2P_BOOK_STALE_S + 1));
    book_fini(&book);
}

static void a_share_is_told(void **state)
{
    (void)state;
    struct notch_p2p_book book;
    book_init(&book, NULL);
    for (uint32_t i = 0; i < 200; i++) {
        (void)add(&book, address_of(i * 256 + i), address_of(i * 256));
    }
    struct notch_rng rng;
    notch_rng_init(&rng, 5);
    struct notch_p2p_seen told[100];
    size_t count = notch_p2p_book_sample(&book, told, 100, &rng, NOW);
    assert_true(count > 30 && count <= 46);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_false(notch_p2p_address_eq(&told[i].address, &told[j].address));
        }
    }
    assert_int_equal(notch_p2p_book_sample(&book, told, 7, &rng, NOW), 7);
    book_fini(&book);
}

static void written_and_read(void **state)
{
    (void)state;
    struct notch_p2p_book book;
    struct notch_p2p_book back;
    book_init(&book, NULL);
    for (uint32_t i = 0; i < 300; i++) {
        (void)add(&book, address_of(i * 997), address_of(i * 31));
        if (i % 3 == 0) {
            struct notch_p2p_address address = address_of(i * 997);
            notch_p2p_book_good(&book, &address, NOW + i);
        }
    }
    struct notch_buf bytes;
    struct notch_buf again;
    notch_buf_init(&bytes, notch_alloc_heap());
    notch_buf_init(&again, notch_alloc_heap());
    struct notch_writer writer = notch_writer_grow(&bytes);
    notch_p2p_book_write(&book, &writer);
    struct notch_p2p_book_limits limits = book.limits;
    notch_p2p_book_init(&back, notch_alloc_heap(), hash_key, &limits);
    struct notch_reader reader = notch_reader(notch_buf_bytes(&bytes));
    assert_true(notch_is_valid(notch_p2p_book_read(&back, &reader)));
    assert_true(notch_reader_done(&reader));
    assert_int_equal(back.new_count, book.new_count);
    assert_int_equal(back.tried_count, book.tried_count);
    writer = notch_writer_grow(&again);
    notch_p2p_book_write(&back, &writer);
    assert_true(notch_bytes_eq(notch_buf_bytes(&bytes), notch_buf_bytes(&again)));
    notch_buf_fini(&bytes);
    notch_buf_fini(&again);
    notch_p2p_book_fini(&back);
    book_fini(&book);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(groups_and_validity),     cmocka_unit_test(an_address_moves_up_when_it_answers),
        cmocka_unit_test(flooding_does_not_evict), cmocka_unit_test(tested_before_evicted),
        cmocka_unit_test(stale_ones_make_room),    cmocka_unit_test(a_share_is_told),
        cmocka_unit_test(written_and_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
