#include "qconvert/weights/scale_rows.h"

#include <gtest/gtest.h>

namespace qconvert {
namespace {

// The index of each element's scale, digit by digit.
std::vector<size_t> Slowly(const std::vector<int64_t>& dims, std::vector<int64_t> scale_dims) {
  scale_dims.insert(scale_dims.begin(), dims.size() - scale_dims.size(), 1);
  int64_t count = 1;
  for (const int64_t dim : dims) count *= dim;
  std::vector<size_t> out;
  for (int64_t i = 0; i < count; ++i) {
    int64_t rest = i;
    int64_t scale = 0;
    int64_t stride = 1;
    for (size_t d = dims.size(); d-- > 0; rest /= dims[d]) {
      if (scale_dims[d] != 1) scale += rest % dims[d] * stride;
      stride *= scale_dims[d];
    }
    out.push_back(static_cast<size_t>(scale));
  }
  return out;
}

TEST(VisitScaleRows, ReachesEveryElementWithItsScale) {
  const std::vector<std::vector<int64_t>> dims = {{}, {4}, {2, 3, 4}, {1, 3, 1}, {2, 0}, {2, 1, 4}};
  for (const auto& of : dims) {
    for (unsigned wide = 0; wide < 8; ++wide) {
      std::vector<int64_t> scale_dims;
      for (size_t d = 0; d < of.size(); ++d) scale_dims.push_back((wide >> d) & 1 ? of[d] : 1);
      std::vector<size_t> found;
      VisitScaleRows(of, scale_dims, [&](size_t first, size_t count, size_t scale, size_t step) {
        EXPECT_EQ(first, found.size());
        for (size_t k = 0; k < count; ++k) found.push_back(scale + k * step);
      });
      EXPECT_EQ(found, Slowly(of, scale_dims)) << of.size() << " dimensions, " << wide;
    }
  }
}

TEST(VisitScaleRows, TakesScalesOfFewerDimensions) {
  std::vector<size_t> found;
  VisitScaleRows({2, 3}, {3}, [&](size_t, size_t count, size_t scale, size_t step) {
    for (size_t k = 0; k < count; ++k) found.push_back(scale + k * step);
  });
  EXPECT_EQ(found, Slowly({2, 3}, {3}));
}

TEST(VisitScaleRows, RowsAreAsLongAsTheyCanBe) {
  size_t rows = 0;
  const auto count = [&](size_t, size_t, size_t, size_t) { ++rows; };
  VisitScaleRows({8, 4, 3, 3}, {8, 1, 1, 1}, count);  // a convolution: one for each channel
  EXPECT_EQ(rows, 8u);
  rows = 0;
  VisitScaleRows({64, 8}, {1, 8}, count);  // a matrix: one for each row
  EXPECT_EQ(rows, 64u);
  rows = 0;
  VisitScaleRows({64, 8}, {1, 1}, count);
  EXPECT_EQ(rows, 1u);
}

}  // namespace
}  // namespace qconvert
