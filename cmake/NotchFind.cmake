# How every FindX.cmake in this folder finds its library, in one place: pkg-config first, then
# header and library by name; the outcome is always one imported target, and a miss always names
# the Debian package that would cure it.
#
#   notch_find_library(<Name> TARGET <Ns::Name> HEADER <file> LIBRARY <name> DEBIAN <package>
#                      [PKGCONFIG <module>])

include(FindPackageHandleStandardArgs)
find_package(PkgConfig QUIET)

macro(notch_find_library name)
    cmake_parse_arguments(_nf "" "TARGET;HEADER;LIBRARY;DEBIAN;PKGCONFIG" "" ${ARGN})
    if(PkgConfig_FOUND AND _nf_PKGCONFIG)
        pkg_check_modules(PC_${name} QUIET ${_nf_PKGCONFIG})
    endif()
    find_path(${name}_INCLUDE_DIR ${_nf_HEADER} HINTS ${PC_${name}_INCLUDE_DIRS})
    find_library(${name}_LIBRARY ${_nf_LIBRARY} HINTS ${PC_${name}_LIBRARY_DIRS})
    set(${name}_VERSION "${PC_${name}_VERSION}")
    mark_as_advanced(${name}_INCLUDE_DIR ${name}_LIBRARY)
    find_package_handle_standard_args(
        ${name}
        REQUIRED_VARS ${name}_LIBRARY ${name}_INCLUDE_DIR
        VERSION_VAR ${name}_VERSION
        REASON_FAILURE_MESSAGE "Debian package ${_nf_DEBIAN}, which contrib/setup installs")
    if(${name}_FOUND AND NOT TARGET ${_nf_TARGET})
        add_library(${_nf_TARGET} UNKNOWN IMPORTED)
        set_target_properties(
            ${_nf_TARGET}
            PROPERTIES IMPORTED_LOCATION "${${name}_LIBRARY}"
                       INTERFACE_INCLUDE_DIRECTORIES "${${name}_INCLUDE_DIR}")
    endif()
endmacro()
