# The event loop of the daemon: imported target LibUV::LibUV.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    LibUV
    TARGET LibUV::LibUV
    HEADER uv.h
    LIBRARY uv
    DEBIAN libuv1-dev
    PKGCONFIG libuv)
