// Divides the output pixels of a convolution (or the rows of a matrix) into register tiles.
//
// The pixels, in row-major order, form `images` equal groups, an image consists of `bands` runs of
// consecutive pixels, and a band of tiles. All bands but the last of an image look the same, so two
// lists of tiles describe any size. The division depends on sizes, strides and tile shape only.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/cpu/tile.h"

namespace hone::cpu {

// One dimension of the output, with what a step along it means in each tensor, in floats.
struct PixelDim {
  int64_t size = 1;
  int64_t input = 0, output = 0, addend = 0;
};

struct TileSpace {
  int64_t images = 0, bands = 0;  // bands: per image
  int64_t image_pixels = 0, band_pixels = 0;
  PixelDim image_step, band_step;  // .size unused
  std::vector<TileRows> full;      // tiles of every band of an image but the last
  std::vector<TileRows> last;      // tiles of the last band

  int64_t num_bands() const { return images * bands; }
  const std::vector<TileRows>& tiles(int64_t band) const {
    return band % bands == bands - 1 ? last : full;
  }
  // Offsets of a band (0 .. num_bands() - 1) and its pixels in row-major order.
  PixelDim band_offset(int64_t band) const;
  int64_t first_pixel(int64_t band) const {
    return band / bands * image_pixels + band % bands * band_pixels;
  }
  int64_t pixels_in(int64_t band) const {
    return band % bands == bands - 1 ? image_pixels - (bands - 1) * band_pixels : band_pixels;
  }
};

// `batch`, `rows`, `columns`: outermost first. Tiles have at most `max_rows` rows, and as equal
// numbers of rows as possible: 7 pixels in tiles of 6 give 4 + 3, because a tile of one row is no
// faster than one of three.
TileSpace make_tile_space(PixelDim batch, PixelDim rows, PixelDim columns, int max_rows);

}  // namespace hone::cpu
