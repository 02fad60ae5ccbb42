// libpng behind two calls that take and give whole buffers. libpng reports failure by longjmp, which must never cross a
// Swift frame, so every setjmp, every callback and every row pointer stays in here.
#pragma once

#include <png.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

/// What a call came to.
enum {
    PIXELS_PNG_OK = 0,
    /// libpng refused; `message` says why.
    PIXELS_PNG_FAILED = 1,
    /// The header names more pixels than the caller allows; `width` and `height` are set.
    PIXELS_PNG_TOO_LARGE = 2,
};

/// One call's result and working state. `bytes` is malloc'd and the caller's to free, whatever the status.
typedef struct {
    uint8_t *bytes;
    size_t count;
    size_t capacity;
    const uint8_t *input;
    size_t input_count;
    size_t input_position;
    uint32_t width;
    uint32_t height;
    char message[160];
} pixels_png;

static inline void pixels_png_on_error(png_structp png, png_const_charp text) {
    pixels_png *state = (pixels_png *)png_get_error_ptr(png);
    snprintf(state->message, sizeof state->message, "%s", text);
    png_longjmp(png, 1);
}

/// Warnings concern chunks that no caller reads.
static inline void pixels_png_on_warning(png_structp png, png_const_charp text) {
    (void)png;
    (void)text;
}

static inline void pixels_png_append(png_structp png, png_bytep data, size_t length) {
    pixels_png *state = (pixels_png *)png_get_io_ptr(png);
    if (length > state->capacity - state->count) {
        size_t capacity = (state->count + length) * 2;
        uint8_t *grown = (uint8_t *)realloc(state->bytes, capacity);
        if (grown == NULL) png_error(png, "out of memory");
        state->bytes = grown;
        state->capacity = capacity;
    }
    memcpy(state->bytes + state->count, data, length);
    state->count += length;
}

static inline void pixels_png_flush(png_structp png) { (void)png; }

static inline void pixels_png_take(png_structp png, png_bytep data, size_t length) {
    pixels_png *state = (pixels_png *)png_get_io_ptr(png);
    if (length > state->input_count - state->input_position) {
        char text[96];
        snprintf(text, sizeof text, "the data ends at byte %zu inside the picture", state->input_count);
        png_error(png, text);
    }
    memcpy(data, state->input + state->input_position, length);
    state->input_position += length;
}

// The function that calls setjmp changes no local of its own: all state lives in the caller's struct, so nothing is
// indeterminate after a longjmp. noinline keeps setjmp out of Swift's frames.
__attribute__((noinline)) static int pixels_png_write_rows(
    png_structp png, png_infop info, pixels_png *state, const uint8_t *rgb, int is_fast
) {
    if (setjmp(png_jmpbuf(png))) return PIXELS_PNG_FAILED;
    png_set_write_fn(png, state, pixels_png_append, pixels_png_flush);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    if (is_fast) {
        png_set_compression_level(png, 1);
        png_set_compression_strategy(png, Z_RLE);
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_FILTER_SUB);
    } else {
        png_set_compression_level(png, 6);
        png_set_filter(png, PNG_FILTER_TYPE_BASE, PNG_ALL_FILTERS);
    }
    png_set_IHDR(
        png, info, state->width, state->height, 8, PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
        PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    for (uint32_t row = 0; row < state->height; row++)
        png_write_row(png, rgb + (size_t)row * state->width * 3);
    png_write_end(png, NULL);
    return PIXELS_PNG_OK;
}

/// Encodes `width` x `height` RGB8 pixels, row-major; the file's bytes are `state->bytes[0..<count]`.
static inline int pixels_png_encode(
    pixels_png *state, const uint8_t *rgb, uint32_t width, uint32_t height, int is_fast
) {
    memset(state, 0, sizeof *state);
    state->width = width;
    state->height = height;
    png_structp png =
        png_create_write_struct(PNG_LIBPNG_VER_STRING, state, pixels_png_on_error, pixels_png_on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int status = PIXELS_PNG_FAILED;
    if (info != NULL) {
        status = pixels_png_write_rows(png, info, state, rgb, is_fast);
    } else if (state->message[0] == 0) {
        snprintf(state->message, sizeof state->message, "libpng could not start");
    }
    png_destroy_write_struct(&png, &info);
    return status;
}

/// Passes over every chunk that makes no pixel: texts, colour profiles and suggested palettes are neither unpacked nor
/// kept. A few kilobytes of a compressed text unpack to 8 MB, and libpng keeps a thousand of them.
static inline void pixels_png_skip_ancillary(png_structp png) {
    png_set_keep_unknown_chunks(png, PNG_HANDLE_CHUNK_NEVER, NULL, -1);
}

/// Every colour type and depth becomes RGB8 by libpng's own transforms; an alpha channel is dropped.
static inline void pixels_png_ask_for_rgb(png_structp png) {
    png_set_expand(png);
    png_set_scale_16(png);
    png_set_gray_to_rgb(png);
    png_set_strip_alpha(png);
}

__attribute__((noinline)) static int pixels_png_read_rows(
    png_structp png, png_infop info, pixels_png *state, uint64_t pixel_limit
) {
    if (setjmp(png_jmpbuf(png))) return PIXELS_PNG_FAILED;
    png_set_read_fn(png, state, pixels_png_take);
    pixels_png_skip_ancillary(png);
    png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
    png_read_info(png, info);
    state->width = png_get_image_width(png, info);
    state->height = png_get_image_height(png, info);
    if ((uint64_t)state->width * state->height > pixel_limit) return PIXELS_PNG_TOO_LARGE;
    pixels_png_ask_for_rgb(png);
    int passes = png_set_interlace_handling(png);
    png_read_update_info(png, info);
    size_t stride = (size_t)state->width * 3;
    if (png_get_rowbytes(png, info) != stride) png_error(png, "the rows are not RGB8 after conversion");
    state->count = stride * state->height;
    state->bytes = (uint8_t *)malloc(state->count);
    if (state->bytes == NULL) png_error(png, "out of memory");
    // Row by row: pointers to all of them would take more than the pixels of a narrow picture.
    for (int pass = 0; pass < passes; pass++)
        for (uint32_t row = 0; row < state->height; row++) png_read_row(png, state->bytes + row * stride, NULL);
    png_read_end(png, NULL);
    return PIXELS_PNG_OK;
}

/// Decodes a whole PNG file to RGB8, row-major, in `state->bytes[0..<count]` with `state->width` and `height`. Memory
/// depends on the pixels alone, however many chunks there are and whatever they hold.
static inline int pixels_png_decode(
    pixels_png *state, const uint8_t *input, size_t input_count, uint64_t pixel_limit
) {
    memset(state, 0, sizeof *state);
    state->input = input;
    state->input_count = input_count;
    png_structp png =
        png_create_read_struct(PNG_LIBPNG_VER_STRING, state, pixels_png_on_error, pixels_png_on_warning);
    png_infop info = png ? png_create_info_struct(png) : NULL;
    int status = PIXELS_PNG_FAILED;
    if (info != NULL) {
        status = pixels_png_read_rows(png, info, state, pixel_limit);
    } else if (state->message[0] == 0) {
        snprintf(state->message, sizeof state->message, "libpng could not start");
    }
    png_destroy_read_struct(&png, &info, NULL);
    return status;
}
