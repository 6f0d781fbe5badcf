#include "qconvert/base/sha256.h"

#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "qconvert/base/check.h"
#include "qconvert/base/file.h"

namespace qconvert {
namespace {

constexpr int64_t kChunk = int64_t{1} << 20;

}  // namespace

struct Sha256::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  QCONVERT_CHECK(EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1);
}

Sha256::~Sha256() = default;

void Sha256::Update(std::string_view bytes) {
  QCONVERT_CHECK(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1);
}

void Sha256::UpdateFile(const InputFile& file) {
  // Weights may be larger than the memory that is left.
  std::string chunk;
  for (int64_t at = 0; at < file.size(); at += kChunk) {
    chunk.resize(static_cast<size_t>(std::min(kChunk, file.size() - at)));
    file.ReadAt(at, static_cast<int64_t>(chunk.size()), chunk.data());
    Update(chunk);
  }
}

std::string Sha256::HexDigest() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  QCONVERT_CHECK(EVP_DigestFinal_ex(state_->context, digest.data(), &length) == 1);
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text.push_back("0123456789abcdef"[digest[i] >> 4]);
    text.push_back("0123456789abcdef"[digest[i] & 15]);
  }
  return text;
}

std::string Sha256Hex(std::string_view bytes) {
  Sha256 hash;
  hash.Update(bytes);
  return hash.HexDigest();
}

}  // namespace qconvert
