# Compression of frames: imported target Zstd::Zstd.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    Zstd
    TARGET Zstd::Zstd
    HEADER zstd.h
    LIBRARY zstd
    DEBIAN libzstd-dev
    PKGCONFIG libzstd)
