#include "qconvert/base/processor_info.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace qconvert {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(ProcessorInfoTest, X86) {
  const ProcessorInfo seen = ParseProcessor(
      "processor\t: 0\n"
      "vendor_id\t: AuthenticAMD\n"
      "model name\t: AMD EPYC 9B14\n"
      "flags\t\t: fpu sse2 avx avx2 fma avx512f avx512_vnni avx512_vnni_not\n"
      "processor\t: 1\n"
      "model name\t: another\n"
      "flags\t\t: amx_int8\n",
      "x86_64");
  EXPECT_EQ(seen.name, "AMD EPYC 9B14");
  EXPECT_EQ(seen.instruction_sets, "avx fma avx2 avx512f avx512_vnni");
  EXPECT_EQ(seen.Kind(), "x86_64 avx fma avx2 avx512f avx512_vnni");
}

TEST(ProcessorInfoTest, ArmHasNoNameButFeatures) {
  const ProcessorInfo seen = ParseProcessor(
      "processor : 0\nFeatures : fp asimd asimddp i8mm\nCPU part : 0xd0c\n", "aarch64");
  EXPECT_EQ(seen.name, "aarch64");
  EXPECT_EQ(seen.Kind(), "aarch64 asimd asimddp i8mm");
}

TEST(ProcessorInfoTest, WhereNothingIsKnownTheArchitectureIs) {
  for (const char* text : {"", "model name\n", ":\n", "model name :  \n"}) {
    const ProcessorInfo seen = ParseProcessor(text, "riscv64");
    EXPECT_EQ(seen.name, "riscv64") << text;
    EXPECT_EQ(seen.Kind(), "riscv64") << text;
  }
}

TEST(ProcessorInfoTest, ThisOneHasAName) {
  const ProcessorInfo seen = ThisProcessor();
  EXPECT_FALSE(seen.name.empty());
  EXPECT_THAT(seen.Kind(), Not(HasSubstr("unknown")));
}

}  // namespace
}  // namespace qconvert
