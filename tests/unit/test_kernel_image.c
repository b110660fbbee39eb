/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel.img as bytes: what was added comes back in order; what was cut, flipped or is too large is
 * refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <errno.h>

#include "core/base/host.h"
#include "snapshot/kernel_image.h"

enum { OBJECTS = 3000, OBJECT_SIZE = 500, STOP_AT = 7 };

static uint8_t byte_at(size_t object, size_t i)
{
    return (uint8_t)(object * 31 + i * 7 + (i >> 3));
}

static struct kernel_image make_image(size_t count)
{
    struct kernel_image image = {0};
    uint8_t object[OBJECT_SIZE];

    for (size_t nr = 0; nr < count; nr++) {
        for (size_t i = 0; i < OBJECT_SIZE; i++)
            object[i] = byte_at(nr, i);
        assert_int_equal(kernel_image_add_packed(&image, object, OBJECT_SIZE - nr % 3), 0);
    }
    assert_int_equal(kernel_image_close(&image), 0);
    return image;
}

static int check_object(void *context, const uint8_t *packed, size_t size)
{
    size_t *count = context;

    assert_int_equal(size, OBJECT_SIZE - *count % 3);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(packed[i], byte_at(*count, i));
    (*count)++;
    return 0;
}

static int count_object(void *context, const uint8_t *packed, size_t size)
{
    size_t *count = context;

    (void)packed;
    (void)size;
    (*count)++;
    return 0;
}

static int stop(void *context, const uint8_t *packed, size_t size)
{
    (void)count_object(context, packed, size);
    return *(size_t *)context == STOP_AT ? -ECANCELED : 0;
}

static void test_objects_come_back_in_order(void **state)
{
    struct kernel_image image = make_image(OBJECTS);
    struct report report = {0};
    size_t count = 0;

    (void)state;
    assert_int_equal(image.object_count, OBJECTS);
    assert_int_equal(kernel_image_read(&image, check_object, &count, &report), 0);
    assert_int_equal(count, OBJECTS);
    kernel_image_fini(&image);
}

static void test_empty(void **state)
{
    struct kernel_image image = make_image(0);
    struct report report = {0};
    size_t count = 0;

    (void)state;
    assert_int_equal(image.frames.size, 0);
    assert_int_equal(kernel_image_read(&image, count_object, &count, &report), 0);
    assert_int_equal(count, 0);
    kernel_image_fini(&image);
}

static void test_reader_stops(void **state)
{
    struct kernel_image image = make_image(OBJECTS);
    struct report report = {0};
    size_t count = 0;

    (void)state;
    assert_int_equal(kernel_image_read(&image, stop, &count, &report), -ECANCELED);
    assert_int_equal(count, STOP_AT);
    assert_int_equal(report.bad_count, 0);
    kernel_image_fini(&image);
}

static void test_cut_anywhere(void **state)
{
    struct kernel_image image = make_image(20);
    size_t size = image.frames.size;

    (void)state;
    for (size_t cut = 1; cut < size; cut++) {
        struct report report = {0};
        size_t count = 0;
        image.frames.size = cut;
        assert_int_equal(kernel_image_read(&image, count_object, &count, &report), -EINVAL);
        assert_int_equal(report.bad_count, 1);
        assert_int_equal(count, 0);
    }
    kernel_image_fini(&image);
}

static void test_object_over_the_end_of_its_frame(void **state)
{
    struct kernel_image image = {0};
    static const uint8_t sizes[] = {0x7f, 0xff};
    size_t count = 0;

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct report report = {0};
        assert_int_equal(bytes_append(&image.open_frame, &sizes[i], 1), 0);
        assert_int_equal(kernel_image_close(&image), 0);
        assert_int_equal(kernel_image_read(&image, count_object, &count, &report), -EINVAL);
        assert_non_null(strstr(report.lines[0], "runs over the end"));
        kernel_image_fini(&image);
    }
    assert_int_equal(count, 0);
}

static void test_object_too_large(void **state)
{
    const size_t size = 128 << 20;
    uint8_t *object = calloc(size, 1);
    struct kernel_image image = {0};

    (void)state;
    assert_non_null(object);
    assert_int_equal(kernel_image_add_packed(&image, object, size), -EFBIG);
    assert_int_equal(image.object_count, 0);
    free(object);
    kernel_image_fini(&image);
}

static void test_frame_too_large(void **state)
{
    struct kernel_image image = {0};
    struct report report = {0};
    size_t count = 0;

    (void)state;
    assert_int_equal(bytes_reserve(&image.open_frame, 129 << 20), 0);
    memset(image.open_frame.data, 0, 129 << 20);
    image.open_frame.size = 129 << 20;
    assert_int_equal(kernel_image_close(&image), 0);
    assert_int_equal(kernel_image_read(&image, count_object, &count, &report), -EINVAL);
    assert_int_equal(count, 0);
    kernel_image_fini(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_objects_come_back_in_order),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_reader_stops),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_object_over_the_end_of_its_frame),
        cmocka_unit_test(test_object_too_large),
        cmocka_unit_test(test_frame_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
