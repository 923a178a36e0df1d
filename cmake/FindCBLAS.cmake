# Matrix products of the pricing agent, on one thread: imported target CBLAS::CBLAS.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    CBLAS
    TARGET CBLAS::CBLAS
    HEADER cblas.h
    LIBRARY openblas
    DEBIAN libopenblas-serial-dev
    PKGCONFIG openblas)
