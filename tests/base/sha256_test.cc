#include "qconvert/base/sha256.h"

#include <gtest/gtest.h>

#include <string>

#include "qconvert/base/file.h"
#include "support/temp_dir.h"

namespace qconvert {
namespace {

TEST(Sha256Test, AMillionTimesA) {  // FIPS 180-4 example
  EXPECT_EQ(Sha256Hex(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256Test, PiecesOfAnySizeGiveTheDigestOfTheWhole) {
  std::string bytes(1000, '\0');
  for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 37);
  for (const size_t piece :
       {size_t{1}, size_t{55}, size_t{56}, size_t{63}, size_t{64}, size_t{65}}) {
    Sha256 hash;
    for (size_t i = 0; i < bytes.size(); i += piece) hash.Update(bytes.substr(i, piece));
    EXPECT_EQ(hash.HexDigest(), Sha256Hex(bytes)) << "pieces of " << piece;
  }
}

TEST(Sha256Test, AFileIsItsBytes) {
  const TempDir folder;
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{1} << 20, (size_t{1} << 20) + 1, size_t{3} << 20}) {
    const std::string bytes(size, 'q');
    Sha256 hash;
    hash.UpdateFile(InputFile(folder.Write("f", bytes)));
    EXPECT_EQ(hash.HexDigest(), Sha256Hex(bytes)) << size << " bytes";
  }
}

}  // namespace
}  // namespace qconvert
