#include "kernels/cpu/tile_space.h"

#include <algorithm>
#include <array>

#include "base/check.h"

namespace hone::cpu {
namespace {

// Bands of at most this many tiles where there is a choice: 16 x 300 bytes stay in L1.
constexpr int64_t kTilesPerBand = 16;

struct Space {
  PixelDim rows, columns;
  int max_rows;
};

bool continues(const PixelDim& outer, const PixelDim& inner) {
  return outer.input == inner.size * inner.input && outer.output == inner.size * inner.output &&
         outer.addend == inner.size * inner.addend;
}

// Drops dimensions of size 1 and joins those that run on without a gap; the result is
// right-aligned.
std::array<PixelDim, 3> merge(std::array<PixelDim, 3> dims) {
  std::array<PixelDim, 3> merged;
  int first = 3;
  for (int d = 2; d >= 0; d--) {
    if (dims[d].size == 1) continue;
    if (first < 3 && continues(dims[d], merged[first])) {
      merged[first].size *= dims[d].size;
    } else {
      merged[--first] = dims[d];
    }
  }
  return merged;
}

// Splits `total` into as few parts of at most `limit` as possible and calls f(start, size) for
// each, larger parts first.
template <class F>
void split(int64_t total, int64_t limit, F f) {
  const int64_t parts = (total + limit - 1) / limit;
  for (int64_t p = 0, start = 0; p < parts; p++) {
    const int64_t size = (total - start + parts - p - 1) / (parts - p);
    f(start, size);
    start += size;
  }
}

// A tile of the given pixels, numbered row by row within the band.
TileRows make_tile(const Space& space, const int64_t* pixels, int64_t count) {
  TileRows tile{};
  tile.rows = static_cast<int>(count);
  int64_t input[kMaxTileRows];
  for (int64_t i = 0; i < count; i++) {
    const int64_t y = pixels[i] / space.columns.size, x = pixels[i] % space.columns.size;
    input[i] = y * space.rows.input + x * space.columns.input;
    tile.output[i] = y * space.rows.output + x * space.columns.output;
    tile.addend[i] = y * space.rows.addend + x * space.columns.addend;
  }
  const int half = tile_half(tile.rows);
  for (int i = 0; i < half; i++) tile.input[i] = input[i];
  if (half < tile.rows) tile.jump = input[half] - input[0];
  for (int i = half; i < tile.rows; i++) {
    HONE_CHECK(input[i] == tile.input[i - half] + tile.jump);
  }
  return tile;
}

// Consecutive pixels first .. first + count, whether or not they lie in one row.
void add_flat(const Space& space, int64_t first, int64_t count, std::vector<TileRows>& tiles) {
  split(count, space.max_rows, [&](int64_t start, int64_t size) {
    int64_t pixels[kMaxTileRows];
    for (int64_t i = 0; i < size; i++) pixels[i] = first + start + i;
    tiles.push_back(make_tile(space, pixels, size));
  });
}

// The tiles of a band of `rows` rows. Tiles with two halves pair pixels of the upper half of the
// band with those of the lower half; an odd last row stands alone.
std::vector<TileRows> make_band(const Space& space, int64_t rows) {
  std::vector<TileRows> tiles;
  const int64_t width = space.columns.size;
  if (space.max_rows <= kFreeRows || rows == 1) {
    add_flat(space, 0, rows * width, tiles);
    return tiles;
  }
  const int64_t upper = rows / 2 * width;
  split(upper, space.max_rows / 2, [&](int64_t start, int64_t size) {
    int64_t pixels[kMaxTileRows];
    for (int64_t i = 0; i < size; i++) {
      pixels[i] = start + i;
      pixels[size + i] = upper + start + i;
    }
    tiles.push_back(make_tile(space, pixels, 2 * size));
  });
  if (rows % 2 != 0) add_flat(space, 2 * upper, width, tiles);
  return tiles;
}

// Estimated time of a band: a tile costs its rows and about one row of start and finish.
int64_t band_cost(const Space& space, int64_t rows) {
  int64_t cost = 0;
  for (const TileRows& tile : make_band(space, rows)) cost += tile.rows + 1;
  return cost;
}

// The number of rows per band that gives the least estimated time; the smallest of equals.
int64_t choose_band(const Space& space) {
  const int64_t limit =
      std::clamp(kTilesPerBand * space.max_rows / space.columns.size, int64_t{1}, space.rows.size);
  int64_t best = 1, best_cost = INT64_MAX;
  for (int64_t rows = 1; rows <= limit; rows++) {
    const int64_t bands = (space.rows.size + rows - 1) / rows;
    const int64_t cost = (bands - 1) * band_cost(space, rows) +
                         band_cost(space, space.rows.size - (bands - 1) * rows);
    if (cost < best_cost) best = rows, best_cost = cost;
  }
  return best;
}

// One long row of pixels: bands of 8 full tiles; the last has what is left, 8 to 16 tiles.
TileSpace make_line(const PixelDim& line, int max_rows) {
  TileSpace result;
  const int64_t band = kTilesPerBand / 2 * max_rows;
  const Space space{PixelDim{}, line, max_rows};
  result.bands = std::max<int64_t>(1, line.size / band);
  result.band_pixels = result.bands == 1 ? line.size : band;
  result.image_pixels = line.size;
  result.band_step = {1, band * line.input, band * line.output, band * line.addend};
  if (result.bands > 1) add_flat(space, 0, band, result.full);
  add_flat(space, 0, line.size - (result.bands - 1) * band, result.last);
  return result;
}

TileSpace make_plane(const PixelDim& rows, const PixelDim& columns, int max_rows) {
  TileSpace result;
  const Space space{rows, columns, max_rows};
  const int64_t band = choose_band(space);
  result.bands = (rows.size + band - 1) / band;
  result.band_pixels = band * columns.size;
  result.image_pixels = rows.size * columns.size;
  result.band_step = {1, band * rows.input, band * rows.output, band * rows.addend};
  if (result.bands > 1) result.full = make_band(space, band);
  result.last = make_band(space, rows.size - (result.bands - 1) * band);
  return result;
}

}  // namespace

PixelDim TileSpace::band_offset(int64_t band) const {
  const int64_t i = band / bands, b = band % bands;
  return {1, i * image_step.input + b * band_step.input,
          i * image_step.output + b * band_step.output,
          i * image_step.addend + b * band_step.addend};
}

TileSpace make_tile_space(PixelDim batch, PixelDim rows, PixelDim columns, int max_rows) {
  if (batch.size == 0 || rows.size == 0 || columns.size == 0) return {};
  const auto dims = merge({batch, rows, columns});
  TileSpace space =
      dims[1].size == 1 ? make_line(dims[2], max_rows) : make_plane(dims[1], dims[2], max_rows);
  space.images = dims[0].size;
  space.image_step = dims[0];
  return space;
}

}  // namespace hone::cpu
