# The flags every target of the tree gets, as interface targets with one purpose each:
#   notch_warnings    the warnings the tree is free of (errors with NOTCH_WERROR)
#   notch_sanitize    the sanitizers of NOTCH_SANITIZE, the counters of NOTCH_COVERAGE and NOTCH_FUZZ
#   notch_hardening   what makes an exploit harder in a shipped binary
#   notch_arithmetic  what makes a result the same on every machine

include(CheckCCompilerFlag)

# Assertions stay in every build type: a node that goes on after a broken invariant is worse than
# one that stops.
foreach(config DEBUG RELEASE RELWITHDEBINFO MINSIZEREL)
    string(REGEX REPLACE "[-/]D *NDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()

# Every gcc >= 12 and clang >= 14 knows these.
add_library(notch_warnings INTERFACE)
target_compile_options(
    notch_warnings
    INTERFACE
        $<$<COMPILE_LANGUAGE:C>:-Wall;-Wextra;-Wconversion;-Wshadow;-Wundef;-Wstrict-prototypes>
        $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes;-Wcast-align;-Wvla;-Wformat=2>)
if(NOTCH_WERROR)
    target_compile_options(notch_warnings INTERFACE -Werror)
endif()

add_library(notch_arithmetic INTERFACE)
target_compile_options(notch_arithmetic INTERFACE -ffp-contract=off)

add_library(notch_sanitize INTERFACE)
if(NOTCH_SANITIZE)
    set(flags -fsanitize=${NOTCH_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    target_compile_options(notch_sanitize INTERFACE ${flags})
    target_link_options(notch_sanitize INTERFACE -fsanitize=${NOTCH_SANITIZE})
endif()
if(NOTCH_COVERAGE)
    target_compile_options(notch_sanitize INTERFACE --coverage)
    target_link_options(notch_sanitize INTERFACE --coverage)
endif()
if(NOTCH_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "NOTCH_FUZZ needs libFuzzer: configure with -DCMAKE_C_COMPILER=clang")
    endif()
    target_compile_options(notch_sanitize INTERFACE -fsanitize=fuzzer-no-link)
    target_link_options(notch_sanitize INTERFACE -fsanitize=fuzzer-no-link)
endif()

add_library(notch_hardening INTERFACE)
target_compile_options(notch_hardening INTERFACE -fstack-protector-strong)
# These depend on the processor, so the compiler is asked.
foreach(flag -fstack-clash-protection -fcf-protection)
    string(MAKE_C_IDENTIFIER "NOTCH_HAS${flag}" known)
    check_c_compiler_flag(${flag} ${known})
    if(${known})
        target_compile_options(notch_hardening INTERFACE $<$<COMPILE_LANGUAGE:C>:${flag}>)
    endif()
endforeach()
if(NOT NOTCH_SANITIZE)
    # Fortified calls need an optimised build, and hide bugs from the sanitizers.
    target_compile_options(
        notch_hardening
        INTERFACE $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE>
                  $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>)
endif()
target_link_options(notch_hardening INTERFACE LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
