// The processes of one mpirun, as far as calibration needs them.
#ifndef QCONVERT_TOOLS_QCONVERT_RANKS_H_
#define QCONVERT_TOOLS_QCONVERT_RANKS_H_

#include <array>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "qconvert/pipeline/calibration_table_command.h"

namespace qconvert {

// Made by the MPI component, libqconvert_mpi.so, which is loaded only when a launcher started this
// process; qconvert itself does not depend on MPI.
class Ranks {
 public:
  virtual ~Ranks() = default;
  virtual int rank() const = 0;
  virtual int size() const = 0;
  // Every rank calls it once. The texts of all ranks, in order, at rank 0; nothing at the others.
  // The ranks part with it: no rank waits for another afterwards.
  virtual std::vector<std::string> GatherAndPart(const std::string& text) = 0;
};

// Null for a process that was not started with others. Throws Error(kUsage) when it was, but there
// is no MPI component.
std::unique_ptr<Ranks> JoinRanks();

// By which a launcher tells a process that it is one of several; taken from processes that are
// none.
inline constexpr std::array<const char*, 2> kLauncherVariables = {"OMPI_COMM_WORLD_SIZE",
                                                                  "PMI_SIZE"};

// Each rank does its part. What all of them made, in the order of ranks, at rank 0; nothing at the
// others. Throws at rank 0 what any rank threw, that of the lowest first.
std::optional<std::vector<std::string>> GatherParts(Ranks& ranks,
                                                    const std::function<std::string()>& part);

// Each rank runs its shard of the samples. The table of the whole at rank 0: the very one that one
// process gives; nothing at the others. A model that feeds states from sample to sample runs at
// rank 0 alone. Throws at rank 0 what went wrong at any rank, in `make_options` too. Checkpoints
// are those of RankOutput.
std::optional<StoredTable> CalibrateAcrossRanks(
    Ranks& ranks, const std::function<CalibrateOptions()>& make_options);

// Beside what a rank's checkpoints lie: "t.json.rank2".
std::filesystem::path RankOutput(std::filesystem::path output, int rank);

}  // namespace qconvert

#endif  // QCONVERT_TOOLS_QCONVERT_RANKS_H_
