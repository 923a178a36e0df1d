# The functions the CMakeLists.txt of every folder uses. Link names may be used before their folder
# is read: CMake resolves them when it generates.
#
# notch_add_library(chain SOURCES a.c b.c [LINK PUBLIC notch::base PRIVATE Zstd::Zstd] [PURE])
#     A static library notch_chain with the alias notch::chain. Includes start at the root of the
#     tree (#include "base/hash.h"). Warnings, sanitizers and hardening are applied. The name is the
#     folder, a slash becomes an underscore: chain/io is chain_io, so notch::chain_io.
#     PURE says that the archive may reach no clock, randomness, file, socket, thread or heap: it is
#     compiled as ISO C17 without POSIX names, and a test refuses its undefined symbols (see
#     contrib/lint/symbols.py). Without PURE the sources see _GNU_SOURCE and NOTCH_VERSION.
#
# notch_add_program(notchd SOURCES main.c LINK notch::daemon [NOINSTALL])
#     An executable, put in the root of the build folder; installed unless it says NOINSTALL (what
#     serves measurements and tests alone).
#
# notch_add_unit_test(hash LINK notch::base [SOURCES extra.c] [LABEL unit|sim|vectors|process]
#                     [TIMEOUT seconds] [ARGS ...])
#     Builds tests/<label>/test_hash.c (label: unit unless said) with cmocka and registers one test
#     "unit.hash". SOURCES are paths from the root of the tree. It runs in the root of the tree, so
#     "tests/vectors/x.json" opens; NOTCH_BUILD_DIR is in its environment (the programs are there).
#     What it writes goes below mkdtemp() of TMPDIR. Call it in the CMakeLists.txt of the folder
#     under test, after the library.
#
# notch_add_python_test(devnet [LABEL unit|sim|vectors|process] [TIMEOUT seconds] [ARGS ...])
#     Registers tests/<label>/test_devnet.py (label: process unless said), run like the above.
#
# notch_add_fuzz_target(codec LINK notch::base [SOURCES extra.c] [MUTATIONS n] [TIMEOUT seconds])
#     tests/fuzz/fuzz_codec.c defines LLVMFuzzerTestOneInput; tests/fuzz/corpora/codec/ holds at
#     least one input. With NOTCH_FUZZ it is a libFuzzer program; else the replay main runs each
#     input of the corpus and n seeded mutations of each (300). Either way the test "fuzz.codec"
#     replays the corpus.

include(GNUInstallDirs)

# The flags of a target of the tree: PURE or HOSTED.
function(notch__target_defaults target kind)
    target_compile_features(${target} PRIVATE c_std_17)
    set_target_properties(${target} PROPERTIES C_EXTENSIONS OFF)
    target_include_directories(${target} PUBLIC $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>)
    target_link_libraries(${target} PRIVATE notch_warnings notch_sanitize notch_hardening notch_arithmetic)
    if(kind STREQUAL "HOSTED")
        target_compile_definitions(${target} PRIVATE _GNU_SOURCE NOTCH_VERSION="${PROJECT_VERSION}")
    endif()
endfunction()

function(notch__require_known function unparsed)
    if(unparsed)
        message(FATAL_ERROR "${function}: unknown arguments: ${unparsed}")
    endif()
endfunction()

function(notch_add_library name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "PURE" "" "SOURCES;LINK")
    notch__require_known("notch_add_library(${name})" "${arg_UNPARSED_ARGUMENTS}")
    set(target notch_${name})
    add_library(${target} STATIC ${arg_SOURCES})
    add_library(notch::${name} ALIAS ${target})
    if(arg_PURE)
        notch__target_defaults(${target} PURE)
        set_property(GLOBAL APPEND PROPERTY NOTCH_PURE_TARGETS ${target})
    else()
        notch__target_defaults(${target} HOSTED)
    endif()
    if(arg_LINK)
        if(NOT arg_LINK MATCHES "^(PUBLIC|PRIVATE|INTERFACE)(;|$)")
            list(PREPEND arg_LINK PUBLIC)
        endif()
        target_link_libraries(${target} ${arg_LINK})
    endif()
endfunction()

function(notch_add_program name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "NOINSTALL" "" "SOURCES;LINK")
    notch__require_known("notch_add_program(${name})" "${arg_UNPARSED_ARGUMENTS}")
    add_executable(${name} ${arg_SOURCES})
    notch__target_defaults(${name} HOSTED)
    target_link_libraries(${name} PRIVATE ${arg_LINK})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR})
    set_property(GLOBAL APPEND PROPERTY NOTCH_PROGRAMS ${name})
    if(NOT arg_NOINSTALL)
        install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT runtime)
    endif()
endfunction()

# What every test of the tree has in common, whatever runs it.
function(notch__test_properties test label timeout)
    set_tests_properties(
        ${test}
        PROPERTIES LABELS ${label}
                   TIMEOUT ${timeout}
                   WORKING_DIRECTORY ${PROJECT_SOURCE_DIR}
                   ENVIRONMENT "NOTCH_BUILD_DIR=${PROJECT_BINARY_DIR};NOTCH_SOURCE_DIR=${PROJECT_SOURCE_DIR}")
endfunction()

function(notch_add_unit_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;LINK;ARGS")
    notch__require_known("notch_add_unit_test(${name})" "${arg_UNPARSED_ARGUMENTS}")
    if(NOT BUILD_TESTING)
        return()
    endif()
    if(NOT arg_LABEL)
        set(arg_LABEL unit)
    endif()
    if(NOT arg_LABEL MATCHES "^(unit|sim|vectors|process)$")
        message(FATAL_ERROR "notch_add_unit_test(${name}): LABEL is unit, sim, vectors or process")
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set(target test_${arg_LABEL}_${name})
    list(TRANSFORM arg_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/")
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/${arg_LABEL}/test_${name}.c ${arg_SOURCES})
    notch__target_defaults(${target} HOSTED)
    target_link_libraries(${target} PRIVATE ${arg_LINK} Cmocka::Cmocka)
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
    add_test(NAME ${arg_LABEL}.${name} COMMAND ${target} ${arg_ARGS})
    notch__test_properties(${arg_LABEL}.${name} ${arg_LABEL} ${arg_TIMEOUT})
endfunction()

function(notch_add_python_test name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "ARGS")
    notch__require_known("notch_add_python_test(${name})" "${arg_UNPARSED_ARGUMENTS}")
    if(NOT BUILD_TESTING)
        return()
    endif()
    if(NOT arg_LABEL)
        set(arg_LABEL process)
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set(script ${PROJECT_SOURCE_DIR}/tests/${arg_LABEL}/test_${name}.py)
    add_test(NAME ${arg_LABEL}.${name} COMMAND Python3::Interpreter -B ${script} ${arg_ARGS})
    notch__test_properties(${arg_LABEL}.${name} ${arg_LABEL} ${arg_TIMEOUT})
endfunction()

function(notch_add_fuzz_target name)
    cmake_parse_arguments(PARSE_ARGV 1 arg "" "MUTATIONS;TIMEOUT" "SOURCES;LINK")
    notch__require_known("notch_add_fuzz_target(${name})" "${arg_UNPARSED_ARGUMENTS}")
    if(NOT BUILD_TESTING)
        return()
    endif()
    if(NOT arg_MUTATIONS)
        set(arg_MUTATIONS 300)
    endif()
    if(NOT arg_TIMEOUT)
        set(arg_TIMEOUT 120)
    endif()
    set(target fuzz_${name})
    set(corpus tests/fuzz/corpora/${name})
    list(TRANSFORM arg_SOURCES PREPEND "${PROJECT_SOURCE_DIR}/")
    add_executable(${target} ${PROJECT_SOURCE_DIR}/tests/fuzz/fuzz_${name}.c ${arg_SOURCES})
    notch__target_defaults(${target} HOSTED)
    target_link_libraries(${target} PRIVATE ${arg_LINK})
    set_target_properties(${target} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
    if(NOTCH_FUZZ)
        target_link_options(${target} PRIVATE -fsanitize=fuzzer)
        add_test(NAME fuzz.${name} COMMAND ${target} -runs=0 ${corpus})
    else()
        target_sources(${target} PRIVATE ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c)
        add_test(NAME fuzz.${name} COMMAND ${target} --mutations ${arg_MUTATIONS} ${corpus})
    endif()
    notch__test_properties(fuzz.${name} fuzz ${arg_TIMEOUT})
endfunction()
