# The HTTP server behind rpc/io: imported target MicroHttpd::MicroHttpd.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    MicroHttpd
    TARGET MicroHttpd::MicroHttpd
    HEADER microhttpd.h
    LIBRARY microhttpd
    DEBIAN libmicrohttpd-dev
    PKGCONFIG libmicrohttpd)
