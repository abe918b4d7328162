#include <algorithm>
#include <cstring>

#include "kernels/cpu/conv.h"

namespace hone::cpu {

Strides padded_strides(const ConvProblem& p) {
  return dense_strides(p.in_h + p.pad_top + p.pad_bottom, p.in_w + p.pad_left + p.pad_right,
                       p.in_c);
}

int64_t padded_floats(const ConvProblem& p) { return p.batch * padded_strides(p).n; }

int64_t padded_origin(const ConvProblem& p) {
  const Strides s = padded_strides(p);
  return p.pad_top * s.h + p.pad_left * s.w;
}

namespace {

// Pixels [first, last) of one row.
void fill_pixels(float* row, int64_t first, int64_t last, int64_t stride, int64_t c, float value) {
  if (stride == c) {
    std::fill(row + first * c, row + last * c, value);
    return;
  }
  for (int64_t x = first; x < last; x++) std::fill_n(row + x * stride, c, value);
}

void fill_padding_of(const PaddedImage& image, float* origin, int64_t n, float value) {
  const int64_t right = image.w + image.pad_right, step = image.strides.w;
  for (int64_t y = -image.pad_top; y < image.h + image.pad_bottom; y++) {
    float* row = origin + n * image.strides.n + y * image.strides.h;
    if (y < 0 || y >= image.h) {
      fill_pixels(row, -image.pad_left, right, step, image.c, value);
    } else {
      fill_pixels(row, -image.pad_left, 0, step, image.c, value);
      fill_pixels(row, image.w, right, step, image.c, value);
    }
  }
}

}  // namespace

void fill_padding(const PaddedImage& image, float* origin, float value) {
  for (int64_t n = 0; n < image.batch; n++) fill_padding_of(image, origin, n, value);
}

void copy_padded(const PaddedImage& image, const float* input, Strides from, float* origin,
                 int64_t n_begin, int64_t n_end, float value) {
  const bool dense = from.w == image.c && image.strides.w == image.c;
  for (int64_t n = n_begin; n < n_end; n++) {
    fill_padding_of(image, origin, n, value);
    for (int64_t y = 0; y < image.h; y++) {
      const float* in = input + n * from.n + y * from.h;
      float* out = origin + n * image.strides.n + y * image.strides.h;
      const int64_t runs = dense ? 1 : image.w, length = dense ? image.w * image.c : image.c;
      for (int64_t x = 0; x < runs; x++) {
        std::memcpy(out + x * image.strides.w, in + x * from.w, length * sizeof(float));
      }
    }
  }
}

}  // namespace hone::cpu
