#!/usr/bin/env bash
# Includes go downwards only, and one third-party package stays in one folder.
set -u
root=$2
cd "$root" || exit 1
declare -A may=(
  [base]="" [ir]="base" [numbers]="base ir" [config]="base numbers" [onnx_proto]="base ir" [loader]="base ir onnx_proto" [exporter]="base ir onnx_proto"
  [transform]="base ir config" [dataset]="base ir config" [runtime]="base ir onnx_proto" [calibration]="base ir numbers dataset runtime"
  [targets]="base ir numbers" [plan]="base ir numbers config transform calibration targets" [weights]="base ir numbers config targets plan"
  [rewrite]="base ir numbers transform targets plan weights" [report]="base ir numbers config calibration targets plan weights rewrite"
  [pipeline]="base ir config onnx_proto loader exporter transform dataset runtime calibration targets plan weights rewrite report")
failed=0
for stage in "${!may[@]}"; do
  [ -d "src/$stage" ] || { echo "no folder src/$stage"; failed=1; }
  while read -r file include; do
    target=${include#qconvert/}
    target=${target%%/*}
    case " ${may[$stage]} $stage " in
      *" $target "*) ;;
      *) echo "$file includes $include: $stage may include only: ${may[$stage]}"; failed=1 ;;
    esac
  done < <(grep -rnoE '#include "qconvert/[^"]+"' "src/$stage" "include/qconvert/$stage" | sed -E 's/:[0-9]+:#include "/ /; s/"$//')
done
# calibration sees the Session interface, never the engine behind it
grep -rn 'runtime/ort_session' src/calibration include/qconvert/calibration && failed=1
check_package() {  # PATTERN ALLOWED-FOLDERS
  while read -r file; do
    case " $2 " in
      *" $(echo "$file" | cut -d/ -f1-2) "*) ;;
      *) echo "$file includes $1, which belongs to: $2"; failed=1 ;;
    esac
  done < <(grep -rlE "#include [<\"]$1" src include tools)
}
check_package 'onnx-ml.pb.h' 'src/onnx_proto src/loader src/exporter'
check_package 'google/protobuf' 'src/loader'
check_package 'onnxruntime' 'src/runtime'
check_package 'yaml-cpp' 'src/config'
check_package 'CLI/' 'tools/qconvert'
check_package 'spdlog' 'src/base'
check_package 'openssl' 'src/base'
check_package 'nlohmann' 'src/calibration src/config src/report'
check_package 'pugixml' 'src/report'
check_package 're2/' 'src/config'
check_package 'hwy/' 'src/calibration'
check_package 'Eigen/' 'src/weights'
check_package 'jpeglib' 'src/dataset'
check_package 'spng' 'src/dataset'
check_package 'mpi.h' 'tools/qconvert_mpi'
grep -rnE '#include <(fmt|nlohmann|yaml-cpp|spdlog|hwy|Eigen|onnxruntime)' include && { echo "public headers use the standard library only"; failed=1; }
exit $failed
