#include "matrix_product.h"

#include <gtest/gtest.h>

#include <cstdint>

#include "layer_loss.h"
#include "product_kernel.h"
#include "support/graph_builder.h"

namespace qconvert {
namespace {

using Index = Eigen::Index;

FloatMatrix RandomMatrix(Index rows, Index cols, uint32_t seed) {
  const std::vector<float> values = RandomFloats(static_cast<size_t>(rows * cols), seed);
  return Eigen::Map<const FloatMatrix>(values.data(), rows, cols);
}

struct Shape {
  Index rows;
  Index depth;
  Index cols;
};

// One row, one column and one product have code of their own in a library.
const Shape kShapes[] = {{1, 1, 1}, {1, 40, 9}, {33, 27, 1}, {8, 1, 8}, {257, 130, 33}};

TEST(MatrixProductTest, IsAddedToWhatIsThere) {
  for (const auto& [rows, depth, cols] : kShapes) {
    SCOPED_TRACE(testing::Message() << rows << " x " << depth << " x " << cols);
    const FloatMatrix a = RandomMatrix(rows, depth, 1);
    const FloatMatrix b = RandomMatrix(depth, cols, 2);
    const FloatMatrix start = RandomMatrix(rows, cols, 3);
    const FloatMatrix expected = start + (a.cast<double>() * b.cast<double>()).cast<float>();
    const FloatMatrix turned_a = a.transpose();
    const FloatMatrix turned_b = b.transpose();
    FloatMatrix c = start;
    AddProduct(a, b, Transposed::kNone, c);
    EXPECT_TRUE(c.isApprox(expected, 1e-5F));
    c = start;
    AddProduct(turned_a, b, Transposed::kFirst, c);
    EXPECT_TRUE(c.isApprox(expected, 1e-5F));
    c = start;
    AddProduct(a, turned_b, Transposed::kSecond, c);
    EXPECT_TRUE(c.isApprox(expected, 1e-5F));
  }
}

// What this file is compiled for knows nothing of AVX2.
TEST(MatrixProductTest, EveryProcessorHasTheSameProducts) {
  for (const auto& [rows, depth, cols] : kShapes) {
    const FloatMatrix a = RandomMatrix(rows, depth, 1);
    const FloatMatrix b = RandomMatrix(depth, cols, 2);
    FloatMatrix chosen = FloatMatrix::Zero(rows, cols);
    FloatMatrix plain = chosen;
    AddProduct(a, b, Transposed::kNone, chosen);
    AddProductHere(ProductOperands<float>{.a = {a.data(), rows, depth, depth},
                                          .b = {b.data(), depth, cols, cols},
                                          .c = plain.data(),
                                          .c_rows = rows,
                                          .c_cols = cols,
                                          .c_stride = cols});
    EXPECT_TRUE(plain.isApprox(chosen, 1e-5F));
  }
}

TEST(MatrixProductTest, SquaresHaveTheLowerHalf) {
  const RowMajor<double> a = RandomMatrix(40, 9, 1).cast<double>();
  const RowMajor<double> expected = a.transpose() * a;
  for (const auto& add : {AddSquare, AddSquareHere}) {
    RowMajor<double> c = RowMajor<double>::Zero(9, 9);
    add({a.data(), 40, 9, 9}, c.data());
    for (Index i = 0; i < 9; ++i)
      for (Index j = 0; j < 9; ++j) EXPECT_NEAR(c(i, j), j <= i ? expected(i, j) : 0, 1e-9);
  }
}

TEST(MatrixProductTest, PartsOfMatricesLeaveTheRestAlone) {
  const FloatMatrix a = RandomMatrix(20, 12, 1);
  const FloatMatrix b = RandomMatrix(12, 30, 2);
  FloatMatrix c = FloatMatrix::Zero(9, 8);
  AddProduct(a.middleRows(3, 7), b.middleCols(4, 5), Transposed::kNone, c.block(1, 2, 7, 5));
  FloatMatrix expected = FloatMatrix::Zero(9, 8);
  expected.block(1, 2, 7, 5) = a.middleRows(3, 7) * b.middleCols(4, 5);
  EXPECT_TRUE(c.isApprox(expected, 1e-5F));
}

}  // namespace
}  // namespace qconvert
