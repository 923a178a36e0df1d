# JSON: imported target Jansson::Jansson.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    Jansson
    TARGET Jansson::Jansson
    HEADER jansson.h
    LIBRARY jansson
    DEBIAN libjansson-dev
    PKGCONFIG jansson)
