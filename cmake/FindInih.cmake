# INI configuration files: imported target Inih::Inih.
include(${CMAKE_CURRENT_LIST_DIR}/NotchFind.cmake)
notch_find_library(
    Inih
    TARGET Inih::Inih
    HEADER ini.h
    LIBRARY inih
    DEBIAN libinih-dev
    PKGCONFIG inih)
