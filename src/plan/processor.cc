#include "qconvert/plan/processor.h"

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

#include "qconvert/plan/value_range.h"

namespace qconvert {
namespace {

#if defined(__x86_64__)
// Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2A, CPUID: leaf 7, sub-leaf
// 0, ECX bit 11 is AVX512_VNNI, sub-leaf 1, EAX bit 4 is AVX-VNNI.
Processor HostProcessor() {
  constexpr unsigned kAvx512Vnni = 1U << 11;
  constexpr unsigned kAvxVnni = 1U << 4;
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  // It gives 0 where the processor has no such leaf.
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (c & kAvx512Vnni) != 0)
    return Processor::kVnni;
  const bool has_more = __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0;
  return has_more && (a & kAvxVnni) != 0 ? Processor::kVnni : Processor::kAvx2;
}
#elif defined(__aarch64__) && defined(__linux__)
Processor HostProcessor() {
  return (getauxval(AT_HWCAP) & HWCAP_ASIMDDP) != 0 ? Processor::kArmDot : Processor::kAvx2;
}
#else
Processor HostProcessor() { return Processor::kAvx2; }
#endif

}  // namespace

Processor ResolveProcessor(Processor processor) {
  return processor == Processor::kHost ? HostProcessor() : processor;
}

bool HasInt8DotProducts(Processor processor) {
  const Processor kind = ResolveProcessor(processor);
  return kind == Processor::kVnni || kind == Processor::kArmDot;
}

const CostTable& CostTableOf(Processor processor) {
  return HasInt8DotProducts(processor) ? kVnniCosts : kAvx2Costs;
}

int32_t PairLimitOf(const QuantConfig& config) {
  return HasInt8DotProducts(config.processor) ? 0 : TargetOf(config.target_device).pair_limit;
}

}  // namespace qconvert
