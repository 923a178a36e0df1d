# The unit test framework: imported target Cmocka::Cmocka.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    Cmocka
    TARGET Cmocka::Cmocka
    HEADER cmocka.h
    LIBRARY cmocka
    DEBIAN libcmocka-dev
    PKGCONFIG cmocka)
