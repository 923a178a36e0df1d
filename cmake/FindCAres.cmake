# DNS seeds: imported target CAres::CAres.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    CAres
    TARGET CAres::CAres
    HEADER ares.h
    LIBRARY cares
    DEBIAN libc-ares-dev
    PKGCONFIG libcares)
