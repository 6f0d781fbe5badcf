# Finds ONNX Runtime: headers and a library of at least 1.28.0.
#
# ONNXRUNTIME_ROOT: an installed or unpacked official release (include/ or include/onnxruntime/, lib/). Without it, what
# third_party/onnxruntime/fetch.sh has put into third_party/downloads/onnxruntime.
#
# Gives the target onnxruntime::onnxruntime (headers; the library is loaded at run time), OnnxRuntime_LIBRARY and
# OnnxRuntime_NOTICES (its licence and those of what it contains, where the release has them).
set(ONNXRUNTIME_ROOT "" CACHE PATH "Installed or unpacked ONNX Runtime release; empty: the fetched one")
set(_ort_root "${ONNXRUNTIME_ROOT}")
if(NOT _ort_root)
  set(_ort_root "${PROJECT_SOURCE_DIR}/third_party/downloads/onnxruntime")
endif()
find_path(OnnxRuntime_INCLUDE_DIR onnxruntime_cxx_api.h
          PATHS "${_ort_root}" PATH_SUFFIXES include include/onnxruntime include/onnxruntime/core/session
          NO_DEFAULT_PATH)
file(GLOB _ort_libraries "${_ort_root}/lib*/libonnxruntime.so.1.*")
if(_ort_libraries)
  list(SORT _ort_libraries COMPARE NATURAL ORDER DESCENDING)
  list(GET _ort_libraries 0 OnnxRuntime_LIBRARY)
endif()
file(GLOB OnnxRuntime_NOTICES "${_ort_root}/LICENSE" "${_ort_root}/ThirdPartyNotices.txt")
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(OnnxRuntime REQUIRED_VARS OnnxRuntime_LIBRARY OnnxRuntime_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run third_party/onnxruntime/fetch.sh or set ONNXRUNTIME_ROOT")

if(OnnxRuntime_FOUND AND NOT TARGET onnxruntime::onnxruntime)
  add_library(onnxruntime::onnxruntime INTERFACE IMPORTED)
  target_include_directories(onnxruntime::onnxruntime SYSTEM INTERFACE "${OnnxRuntime_INCLUDE_DIR}")
  # The build tree finds the library under its run-time name through this folder.
  set(OnnxRuntime_RUNTIME_DIR "${CMAKE_BINARY_DIR}/lib")
  file(MAKE_DIRECTORY "${OnnxRuntime_RUNTIME_DIR}")
  file(CREATE_LINK "${OnnxRuntime_LIBRARY}" "${OnnxRuntime_RUNTIME_DIR}/libonnxruntime.so.1" SYMBOLIC)
endif()
