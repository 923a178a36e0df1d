# WebSocket framing: imported target Wslay::Wslay.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    Wslay
    TARGET Wslay::Wslay
    HEADER wslay/wslay.h
    LIBRARY wslay
    DEBIAN libwslay-dev)
